/* policy.c - reading the file strictly, and who wrote it. Whatever is in doubt counts as no policy. */
#include "agent/ops/policy.h"

#include <limits.h>
#include <stdio.h>
#include <string.h>

#include "agent/base/faults.h"
#include "agent/base/mem.h"
#include "agent/base/pattern.h"
#include "agent/base/str.h"
#include "agent/base/yaml.h"

#define POLICY_LIST_MAX 256
#define RULE_NAME_MAX 64
#define RULE_NAME_CHARS "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789._-"
#define SERIES_PER_METRIC_MAX 20000
#define BYTES_PER_DAY_MIN (1u << 20)
#define DELETE_HOLD_MS (24ull * 3600 * 1000)

static const char *const mode_names[] = { "off", "plan-only", "approve", "auto" };

const char *policy_mode_name(enum policy_mode m)
{
	return mode_names[m];
}

/* ---- reading ---- */

static void read_commands(struct yaml_node *map, struct policy *p, struct faults *f)
{
	const char *names[VERBS + 1] = { NULL };

	for (enum verb_index i = 0; i < VERBS; i++)
		names[i] = verb_at(i)->name;
	if (!faults_enter(f, map, names))
		return;
	for (enum verb_index i = 0; i < VERBS; i++) {
		unsigned mode = verb_at(i)->by_default;

		faults_hear(f, yaml_enum(yaml_get(map, names[i]), mode_names, ARRAY_LEN(mode_names), &mode, &f->now));
		p->verbs[i] = mode;
	}
}

static void add_text(char ***to, size_t *n, const char *text)
{
	*to = mem_grow(*to, *n + 1, sizeof(**to));
	(*to)[(*n)++] = mem_str(text);
}

/* A list that may be walked through. */
static bool is_list(struct yaml_node *list, struct faults *f)
{
	int rc = yaml_list(list, POLICY_LIST_MAX, &f->now);

	faults_hear(f, rc);
	return rc == 0;
}

static void read_texts(struct yaml_node *list, char ***ret, size_t *ret_n, struct faults *f)
{
	if (!is_list(list, f))
		return;
	for (struct yaml_node *n = yaml_first(list); n != NULL; n = yaml_next(n)) {
		const char *text = NULL;
		int rc = yaml_str(n, &text, &f->now);

		faults_hear(f, rc);
		if (rc == 0)
			add_text(ret, ret_n, text);
	}
}

/* A policy with a pattern that does not compile is broken. If it counted, only telemetry would stop, and the status of the policy
 * would not say why. */
static int check_pattern(struct yaml_node *n, const char *pattern, struct err *e)
{
	struct err why = { 0 };

	if (pattern_check(pattern, &why) != 0) {
		CLEANUP(mem_close) char *expected = mem_printf("a PCRE2 pattern (%s)", why.text);

		return yaml_wrong(n, expected, e);
	}
	return 0;
}

static int get_pattern(struct yaml_node *n, const char **ret, struct err *e)
{
	TRY(yaml_str(n, ret, e));
	return check_pattern(n, *ret, e);
}

static void read_drop(struct yaml_node *list, struct telemetry_rules *r, struct faults *f)
{
	if (!is_list(list, f))
		return;
	for (struct yaml_node *n = yaml_first(list); n != NULL; n = yaml_next(n)) {
		const char *pattern = NULL;
		int rc = get_pattern(n, &pattern, &f->now);

		faults_hear(f, rc);
		if (rc == 0)
			add_text(&r->drop, &r->drop_n, pattern);
	}
}

/* It stands in each mask, and in what is told of the rule. */
static int get_rule_name(struct yaml_node *n, const char **ret, struct err *e)
{
	const char *name = NULL;
	size_t len;

	TRY(yaml_str(n, &name, e));
	len = strlen(name);
	if (len == 0 || len > RULE_NAME_MAX || strspn(name, RULE_NAME_CHARS) != len)
		return yaml_wrong(n, "1 to 64 of letters, digits, dot, dash and underscore", e);
	*ret = name;
	return 0;
}

static int get_action(struct yaml_node *n, enum telemetry_action *ret, struct err *e)
{
	static const char *const actions[TELEMETRY_ACTIONS] = { [TELEMETRY_MASK] = "mask", [TELEMETRY_HMAC] = "hmac" };
	unsigned action = TELEMETRY_MASK;

	TRY(yaml_enum(n, actions, ARRAY_LEN(actions), &action, e));
	*ret = (enum telemetry_action)action;
	return 0;
}

static void read_mask(struct yaml_node *n, struct telemetry_rules *r, struct faults *f)
{
	const char *name = NULL, *pattern = NULL;
	enum telemetry_action action = TELEMETRY_MASK;
	size_t before = f->missed;

	if (!faults_enter(f, n, YAML_KEYS("name", "pattern", "action")))
		return;
	if (faults_need(f, n, "name", "name and pattern"))
		faults_hear(f, get_rule_name(yaml_get(n, "name"), &name, &f->now));
	if (faults_need(f, n, "pattern", "name and pattern"))
		faults_hear(f, get_pattern(yaml_get(n, "pattern"), &pattern, &f->now));
	faults_hear(f, get_action(yaml_get(n, "action"), &action, &f->now));
	if (f->missed > before)
		return;
	r->redact = mem_grow(r->redact, r->redact_n + 1, sizeof(*r->redact));
	r->redact[r->redact_n++] =
	    (struct telemetry_redact){ .name = mem_str(name), .pattern = mem_str(pattern), .action = action };
}

/* A name, or a mapping of name and action. */
static void read_detector(struct yaml_node *n, struct telemetry_rules *r, struct faults *f)
{
	static const char *const names[TELEMETRY_DETECTORS] = TELEMETRY_DETECTOR_NAMES;
	struct telemetry_detect d = { .is_on = true };
	size_t before = f->missed;
	unsigned which = 0;

	if (!yaml_is_map(n)) {
		faults_hear(f, yaml_enum(n, names, ARRAY_LEN(names), &which, &f->now));
	} else {
		if (!faults_enter(f, n, YAML_KEYS("name", "action")))
			return;
		if (faults_need(f, n, "name", "the name of a detector"))
			faults_hear(f, yaml_enum(yaml_get(n, "name"), names, ARRAY_LEN(names), &which, &f->now));
		faults_hear(f, get_action(yaml_get(n, "action"), &d.action, &f->now));
	}
	if (f->missed == before && r->detect[which].is_on)
		faults_hear(f, yaml_wrong(n, "each detector once", &f->now));
	if (f->missed == before)
		r->detect[which] = d;
}

static int get_series(struct yaml_node *n, uint64_t *ret, struct err *e)
{
	TRY(yaml_u64(n, SERIES_PER_METRIC_MAX, ret, e));
	return n == NULL || *ret > 0 ? 0 : yaml_wrong(n, "1 to 20000", e);
}

static int get_bytes_per_day(struct yaml_node *n, uint64_t *ret, struct err *e)
{
	TRY(yaml_size(n, ret, e));
	return n == NULL || *ret >= BYTES_PER_DAY_MIN ? 0 : yaml_wrong(n, "at least 1MiB", e);
}

static void read_export(struct yaml_node *map, struct telemetry_rules *r, struct faults *f)
{
	struct yaml_node *redact = yaml_get(map, "redact"), *detect = yaml_get(map, "detect");

	if (!faults_enter(f, map, YAML_KEYS("metrics", "logs", "drop", "redact", "detect", "series_per_metric", "bytes_per_day")))
		return;
	read_texts(yaml_get(map, "metrics"), &r->metrics, &r->metrics_n, f);
	read_texts(yaml_get(map, "logs"), &r->logs, &r->logs_n, f);
	read_drop(yaml_get(map, "drop"), r, f);
	faults_hear(f, get_series(yaml_get(map, "series_per_metric"), &r->series_per_metric, &f->now));
	faults_hear(f, get_bytes_per_day(yaml_get(map, "bytes_per_day"), &r->bytes_per_day, &f->now));
	for (struct yaml_node *n = is_list(redact, f) ? yaml_first(redact) : NULL; n != NULL; n = yaml_next(n))
		read_mask(n, r, f);
	for (struct yaml_node *n = is_list(detect, f) ? yaml_first(detect) : NULL; n != NULL; n = yaml_next(n))
		read_detector(n, r, f);
}

/* Whatever the vendor says of such a tag, its value is the customer's: so it is no tag beyond the bounds. */
static void read_customer_tags(struct yaml_node *list, struct policy *p, struct faults *f)
{
	const char *key;
	json_t *value;

	p->customer_tags = customer_tags_read(list, f);
	json_object_foreach(p->customer_tags, key, value)
		bounds_allow(&p->bounds, &bound_tag_keys, key);
}

static void read_all(struct yaml_node *root, struct policy *p, struct faults *f)
{
	static const char *const modes[] = { "off", "on" };
	unsigned mode = 1;

	if (!faults_enter(f, root, YAML_KEYS("mode", "commands", "bounds", "rates", "customer_tags", "delete_hold", "export")))
		return;
	faults_hear(f, yaml_enum(yaml_get(root, "mode"), modes, ARRAY_LEN(modes), &mode, &f->now));
	p->frozen = mode == 0;
	/* The default is set before the file is asked: what the file does not say stays so. */
	p->delete_hold_ms = DELETE_HOLD_MS;
	read_commands(yaml_get(root, "commands"), p, f);
	bounds_read(yaml_get(root, "bounds"), &p->bounds, f);
	rates_read(yaml_get(root, "rates"), &p->rates, f);
	read_customer_tags(yaml_get(root, "customer_tags"), p, f);
	faults_hear(f, yaml_duration(yaml_get(root, "delete_hold"), &p->delete_hold_ms, &f->now));
	read_export(yaml_get(root, "export"), &p->export, f);
}

static void parse(const char *file, const char *text, size_t len, struct policy *ret, struct faults *f)
{
	CLEANUP(yaml_close) struct yaml *y = faults_read(f, file, text, len);
	struct policy p = { .present = true, .digest = digest_of(text, len) };

	if (y == NULL)
		return;
	read_all(yaml_root(y), &p, f);
	/* One fault and there is no policy: with a line left out it could allow more than its author has written. */
	if (f->all > 0)
		policy_close(&p);
	else
		*ret = p;
}

int policy_parse(const char *file, const char *text, size_t len, struct policy *ret, struct err *e)
{
	struct faults f = { 0 };

	parse(file, text, len, ret, &f);
	return faults_first(&f, e);
}

/* ---- who wrote it ---- */

/* Who looks: only the agent's own user can tell what that user may write. */
struct eyes {
	struct world *w;
	bool are_agents;
};

static int look(const struct eyes *eyes, const char *at, struct disk_stat *ret, struct err *e)
{
	TRY(eyes->w->disk_lstat(eyes->w, at, ret, e));
	ret->ours_to_write &= eyes->are_agents;
	if (ret->is_link)
		return err_set(e, ERR_DENIED, "%s is a symbolic link; give -c the path it leads to, or put the policy there itself",
			       at);
	return 0;
}

/* A folder above the policy's own: in a sticky folder of root's, what we do not own cannot be renamed. */
static bool could_rename(const struct disk_stat *in)
{
	return in->ours_to_write && !(in->uid == 0 && (in->mode & 01000) != 0);
}

/* `path` is cut, component by component, up to the root. */
static int check_folders(const struct eyes *eyes, char *path, struct err *e)
{
	CLEANUP(mem_close) char *whole = mem_str(path);
	struct disk_stat st;
	bool is_own = true;

	for (char *slash; (slash = strrchr(path, '/')) != NULL; is_own = false) {
		const char *folder = slash == path ? "/" : path;

		*slash = '\0';
		TRY(look(eyes, folder, &st, e));
		/* In its own folder a sticky bit does not help: the agent could put a file there before the customer does. */
		if (is_own && st.ours_to_write)
			return err_set(e, ERR_DENIED,
				       "the folder of %s can be written by the agent's own user; let root own it, mode 0755",
				       whole);
		if (could_rename(&st))
			return err_set(e, ERR_DENIED, "%s, above %s, can be written by the agent's own user; let root own it",
				       folder, whole);
	}
	return 0;
}

/* Whoever can write the file, or put another one in its place, decides what it says. */
static int check_author(const struct eyes *eyes, const char *path, struct err *e)
{
	CLEANUP(buf_close) struct buf at = BUF_MAX(PATH_MAX);
	struct disk_stat st;

	TRY(look(eyes, path, &st, e));
	if (st.ours_to_write)
		return err_set(e, ERR_DENIED, "%s can be written by the agent's own user; let root own it, mode 0644", path);
	/* Folders above are judged up to the root, and a relative path does not show them all. */
	if (*path != '/')
		TRY(eyes->w->disk_realpath(eyes->w, ".", &at, e));
	buf_addf(&at, "%s%s", *path != '/' ? "/" : "", path);
	TRY(buf_check(&at, "the path of the policy", e));
	return check_folders(eyes, at.data, e);
}

/* The sentence about a broken policy quotes it, and what the customer keeps there is not the vendor's: the name and the line are
 * told, the rest stays here. */
static void say_where(const char *path, const struct err *e, char told[160])
{
	size_t len = strlen(path);
	const char *line = str_starts(e->text, path) && e->text[len] == ':' ? e->text + len + 1 : "";
	int digits = (int)strspn(line, "0123456789");

	snprintf(told, 160, "%.64s cannot be read%s%.*s: reeve check-config on the agent's machine says why", path,
		 digits > 0 ? ", line " : "", digits, line);
}

static void load(const struct eyes *eyes, const char *path, struct policy *ret, struct faults *f)
{
	CLEANUP(buf_close) struct buf b = BUF_MAX(POLICY_MAX_BYTES);
	int rc = check_author(eyes, path, &f->now);

	*ret = (struct policy){ 0 };
	if (rc == 0)
		rc = disk_read_all(eyes->w, path, &b, &f->now);
	faults_hear(f, rc);
	if (rc == 0)
		parse(path, buf_str(&b), b.len, ret, f);
	/* A sentence about who may write the file quotes nothing of it; one about its content does. */
	if (faults_first(f, &ret->reason) != 0 && rc == 0)
		say_where(path, &ret->reason, ret->told);
}

const char *policy_told(const struct policy *p)
{
	return p->told[0] != '\0' ? p->told : err_text(&p->reason);
}

void policy_check(struct world *w, const char *path, bool is_agents, struct policy *ret, struct faults *f)
{
	load(&(struct eyes){ w, is_agents }, path, ret, f);
}

void policy_load(struct world *w, const char *path, struct policy *ret)
{
	struct faults f = { 0 };

	load(&(struct eyes){ w, true }, path, ret, &f);
}

void policy_load_as_other(struct world *w, const char *path, struct policy *ret)
{
	struct faults f = { 0 };

	load(&(struct eyes){ w, false }, path, ret, &f);
}

static void free_texts(char **v, size_t n)
{
	for (size_t i = 0; i < n; i++)
		mem_free(v[i]);
	mem_free(v);
}

void policy_close(struct policy *p)
{
	bounds_close(&p->bounds);
	json_decref(p->customer_tags);
	free_texts(p->export.metrics, p->export.metrics_n);
	free_texts(p->export.logs, p->export.logs_n);
	free_texts(p->export.drop, p->export.drop_n);
	for (size_t i = 0; i < p->export.redact_n; i++) {
		mem_free((char *)p->export.redact[i].name);
		mem_free((char *)p->export.redact[i].pattern);
	}
	mem_free(p->export.redact);
	*p = (struct policy){ 0 };
}

/* policy.c - reading the file strictly, and who wrote it. Every doubt is a no. */
#include "agent/ops/policy.h"

#include <limits.h>
#include <stdio.h>
#include <string.h>

#include "agent/base/mem.h"
#include "agent/base/pattern.h"
#include "agent/base/str.h"
#include "agent/base/yaml.h"

#define POLICY_LIST_MAX 256
#define DELETE_HOLD_MS (24ull * 3600 * 1000)

static const char *const mode_names[] = { "off", "plan-only", "approve", "auto" };

const char *policy_mode_name(enum policy_mode m)
{
	return mode_names[m];
}

/* ---- reading ---- */

static int read_commands(struct yaml_node *map, struct policy *p, struct err *e)
{
	const char *names[VERBS + 1] = { NULL };

	for (enum verb_index i = 0; i < VERBS; i++)
		names[i] = verb_at(i)->name;
	TRY(yaml_map(map, names, e));
	for (enum verb_index i = 0; i < VERBS; i++) {
		unsigned mode = verb_at(i)->by_default;

		TRY(yaml_enum(yaml_get(map, names[i]), mode_names, ARRAY_LEN(mode_names), &mode, e));
		p->verbs[i] = mode;
	}
	return 0;
}

static int read_texts(struct yaml_node *list, char ***ret, size_t *ret_n, struct err *e)
{
	TRY(yaml_list(list, POLICY_LIST_MAX, e));
	for (struct yaml_node *n = yaml_first(list); n != NULL; n = yaml_next(n)) {
		const char *text = NULL;

		TRY(yaml_str(n, &text, e));
		*ret = mem_grow(*ret, *ret_n + 1, sizeof(**ret));
		(*ret)[(*ret_n)++] = mem_str(text);
	}
	return 0;
}

/* A policy with a pattern that cannot be run is broken: were it taken, its telemetry alone would stop, and nobody be told here. */
static int check_pattern(struct yaml_node *n, const char *pattern, struct err *e)
{
	struct err why = { 0 };

	if (pattern_check(pattern, &why) != 0) {
		CLEANUP(mem_close) char *expected = mem_printf("a PCRE2 pattern (%s)", why.text);

		return yaml_wrong(n, expected, e);
	}
	return 0;
}

static int read_drop(struct yaml_node *list, struct telemetry_rules *r, struct err *e)
{
	size_t i = 0;

	TRY(read_texts(list, &r->drop, &r->drop_n, e));
	for (struct yaml_node *n = yaml_first(list); n != NULL; n = yaml_next(n))
		TRY(check_pattern(n, r->drop[i++], e));
	return 0;
}

static int read_redact(struct yaml_node *list, struct telemetry_rules *r, struct err *e)
{
	TRY(yaml_list(list, POLICY_LIST_MAX, e));
	for (struct yaml_node *n = yaml_first(list); n != NULL; n = yaml_next(n)) {
		const char *name = NULL, *pattern = NULL;

		TRY(yaml_map(n, YAML_KEYS("name", "pattern"), e));
		TRY(yaml_str(yaml_get(n, "name"), &name, e));
		TRY(yaml_str(yaml_get(n, "pattern"), &pattern, e));
		if (name == NULL || pattern == NULL)
			return yaml_missing(n, name == NULL ? "name" : "pattern", "name and pattern", e);
		TRY(check_pattern(yaml_get(n, "pattern"), pattern, e));
		r->redact = mem_grow(r->redact, r->redact_n + 1, sizeof(*r->redact));
		r->redact[r->redact_n++] = (struct telemetry_redact){ mem_str(name), mem_str(pattern) };
	}
	return 0;
}

static int read_export(struct yaml_node *map, struct telemetry_rules *r, struct err *e)
{
	TRY(yaml_map(map, YAML_KEYS("metrics", "logs", "drop", "redact"), e));
	TRY(read_texts(yaml_get(map, "metrics"), &r->metrics, &r->metrics_n, e));
	TRY(read_texts(yaml_get(map, "logs"), &r->logs, &r->logs_n, e));
	TRY(read_drop(yaml_get(map, "drop"), r, e));
	return read_redact(yaml_get(map, "redact"), r, e);
}

static int read_all(struct yaml_node *root, struct policy *p, struct err *e)
{
	static const char *const modes[] = { "off", "on" };
	unsigned mode = 1;

	TRY(yaml_map(root, YAML_KEYS("mode", "commands", "bounds", "rates", "delete_hold", "export"), e));
	TRY(yaml_enum(yaml_get(root, "mode"), modes, ARRAY_LEN(modes), &mode, e));
	p->frozen = mode == 0;
	p->delete_hold_ms = DELETE_HOLD_MS;
	TRY(read_commands(yaml_get(root, "commands"), p, e));
	TRY(bounds_read(yaml_get(root, "bounds"), &p->bounds, e));
	TRY(rates_read(yaml_get(root, "rates"), &p->rates, e));
	TRY(yaml_duration(yaml_get(root, "delete_hold"), &p->delete_hold_ms, e));
	return read_export(yaml_get(root, "export"), &p->export, e);
}

int policy_parse(const char *file, const char *text, size_t len, struct policy *ret, struct err *e)
{
	CLEANUP(yaml_close) struct yaml *y = NULL;
	struct policy p = { .present = true, .digest = digest_of(text, len) };
	int rc;

	TRY(yaml_parse(file, text, len, &y, e));
	rc = read_all(yaml_root(y), &p, e);
	if (rc != 0)
		policy_close(&p);
	else
		*ret = p;
	return rc;
}

/* ---- who wrote it ---- */

/* With whose eyes? The agent's own user sees what that user may write. */
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

/* Who can write the file, or put another in its place, is its author. */
static int check_author(const struct eyes *eyes, const char *path, struct err *e)
{
	CLEANUP(buf_close) struct buf at = BUF_MAX(PATH_MAX);
	struct disk_stat st;

	TRY(look(eyes, path, &st, e));
	if (st.ours_to_write)
		return err_set(e, ERR_DENIED, "%s can be written by the agent's own user; let root own it, mode 0644", path);
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

static int load(const struct eyes *eyes, const char *path, struct policy *ret, char told[160], struct err *e)
{
	CLEANUP(buf_close) struct buf b = BUF_MAX(POLICY_MAX_BYTES);
	int rc;

	TRY(check_author(eyes, path, e));
	TRY(disk_read_all(eyes->w, path, &b, e));
	rc = policy_parse(path, buf_str(&b), b.len, ret, e);
	if (rc != 0)
		say_where(path, e, told);
	return rc;
}

static void load_or_say_why(const struct eyes *eyes, const char *path, struct policy *ret)
{
	struct err e = { 0 };
	char told[160] = "";

	*ret = (struct policy){ 0 };
	if (load(eyes, path, ret, told, &e) != 0) {
		*ret = (struct policy){ 0 };
		ret->reason = e;
		memcpy(ret->told, told, sizeof(told));
	}
}

const char *policy_told(const struct policy *p)
{
	return p->told[0] != '\0' ? p->told : err_text(&p->reason);
}

void policy_load(struct world *w, const char *path, struct policy *ret)
{
	load_or_say_why(&(struct eyes){ w, true }, path, ret);
}

void policy_load_as_other(struct world *w, const char *path, struct policy *ret)
{
	load_or_say_why(&(struct eyes){ w, false }, path, ret);
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

/* config_logs.c - the log files, and the units of the machine's journal, that reeve.yaml names: telemetry.logs. */
#include "agent/config_impl.h"

#include <stdio.h>
#include <string.h>

#include "agent/base/mem.h"
#include "agent/base/pattern.h"
#include "agent/base/str.h"
#include "collectors/path_pieces.h"

static int get_log_path(struct yaml_node *n, struct config *c, const char **ret, struct err *e)
{
	TRY(config_get_path(n, c, ret, e));
	if (strstr(*ret, "**") != NULL)
		return yaml_wrong(n, "one * a component: a glob matches no slash, so name each depth by a path of its own", e);
	if ((*ret)[strlen(*ret) - 1] == '/')
		return yaml_wrong(n, "a file, or globs that lead to files, and no slash at its end", e);
	return 0;
}

/* "+08:00" */
static int get_utc_offset(struct yaml_node *n, const struct config *c, int32_t *ret, struct err *e)
{
	const char *s = "";
	int hours, minutes;

	TRY(config_get_text(n, c, &s, e));
	if (strlen(s) != 6 || (s[0] != '+' && s[0] != '-') || s[3] != ':' || strspn(s + 1, "0123456789") != 2 ||
	    strspn(s + 4, "0123456789") != 2)
		return yaml_wrong(n, "an offset from UTC, as \"+08:00\"", e);
	hours = (s[1] - '0') * 10 + (s[2] - '0');
	minutes = (s[4] - '0') * 10 + (s[5] - '0');
	if (hours > 14 || minutes > 59)
		return yaml_wrong(n, "an offset from UTC, as \"+08:00\"", e);
	*ret = (s[0] == '-' ? -1 : 1) * (hours * 3600 + minutes * 60);
	return 0;
}

static int get_pattern(struct yaml_node *n, const struct config *c, const char **ret, struct err *e)
{
	struct err why = { 0 };
	char expected[ERR_TEXT_MAX];

	TRY(config_get_text(n, c, ret, e));
	if (pattern_check(*ret, &why) == 0)
		return 0;
	snprintf(expected, sizeof(expected), "a pattern that compiles (%.200s)", err_text(&why));
	return yaml_wrong(n, expected, e);
}

static bool is_wrapped(enum framing_format format)
{
	return format == FRAMING_CRI || format == FRAMING_DOCKER;
}

/* How its lines are joined to records, and what the records' beginnings say. */
static void read_framing(struct yaml_node *n, struct config *c, struct config_log *l, struct faults *f)
{
	static const char *const formats[] = { "lines", "log4j", "glog", "cri", "docker" };
	struct yaml_node *starts = yaml_get(n, "starts"), *continues = yaml_get(n, "continues"),
			 *offset = yaml_get(n, "utc_offset");
	struct yaml_node *pattern = starts != NULL ? starts : continues;
	unsigned format = FRAMING_LINES;

	faults_hear(f, yaml_enum(yaml_get(n, "format"), formats, ARRAY_LEN(formats), &format, &f->now));
	l->framing.format = (enum framing_format)format;
	if (starts != NULL)
		faults_hear(f, get_pattern(starts, c, &l->framing.starts, &f->now));
	if (continues != NULL)
		faults_hear(f, get_pattern(continues, c, &l->framing.continues, &f->now));
	if (starts != NULL && continues != NULL)
		faults_hear(f, yaml_wrong(continues, "only one of `starts` and `continues`", &f->now));
	if (offset != NULL)
		faults_hear(f, get_utc_offset(offset, c, &l->utc_offset_s, &f->now));
	if (offset != NULL && format != FRAMING_LOG4J && format != FRAMING_GLOG)
		faults_hear(f, yaml_wrong(offset, "format: log4j or glog beside it, whose times it is for", &f->now));
	if (pattern != NULL && is_wrapped(l->framing.format))
		faults_hear(f,
			    yaml_wrong(pattern, "nothing: what a container's runtime wrapped is joined by its own marks", &f->now));
}

static int get_pieces(struct yaml_node *n, const struct config *c, const char **ret, struct err *e)
{
	struct err why = { 0 };
	char expected[ERR_TEXT_MAX];

	TRY(config_get_text(n, c, ret, e));
	if (n == NULL || path_pieces_check(*ret, &why) == 0)
		return 0;
	snprintf(expected, sizeof(expected), "a path with {names} (%.200s)", err_text(&why));
	return yaml_wrong(n, expected, e);
}

/* Which files are read, and from where. */
static void read_begin(struct yaml_node *n, struct config_log *l, struct faults *f)
{
	static const char *const places[] = { "begin", "end" };
	struct yaml_node *older = yaml_get(n, "ignore_older");
	unsigned place = 0;

	faults_hear(f, yaml_enum(yaml_get(n, "start_at"), places, ARRAY_LEN(places), &place, &f->now));
	l->starts_at_end = place == 1;
	faults_hear(f, config_get_duration(older, 60000, "at least 1m", &l->ignore_older_ms, &f->now));
}

/* ---- of files, or of the journal ---- */

#define UNIT_CHARS "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789:-_.\\@"

static bool is_unit(const char *s)
{
	static const char *const types[] = { ".service", ".scope", ".socket", ".timer",  ".mount",    ".slice",
					     ".target",  ".path",  ".swap",   ".device", ".automount" };

	for (size_t i = 0; i < ARRAY_LEN(types); i++)
		if (str_ends(s, types[i]))
			return strlen(s) > strlen(types[i]) && strlen(s) < 256 && strspn(s, UNIT_CHARS) == strlen(s);
	return false;
}

static void read_units(struct yaml_node *list, struct config *c, struct config_log *l, struct faults *f)
{
	if (!config_is_list(list, CONFIG_UNITS_MAX, f))
		return;
	l->units = arena_alloc(c->arena, CONFIG_UNITS_MAX * sizeof(*l->units));
	for (struct yaml_node *n = yaml_first(list); n != NULL; n = yaml_next(n)) {
		const char *unit = "";

		faults_hear(f, config_get_text(n, c, &unit, &f->now));
		if (is_unit(unit))
			l->units[l->units_n++] = unit;
		else
			faults_hear(f, yaml_wrong(n, "a unit with its type, as doris-be.service", &f->now));
	}
	if (yaml_first(list) == NULL)
		faults_hear(f, yaml_wrong(list, "the units that are read, one at least", &f->now));
}

/* Where such a source was read to is known by folder and service: of two the one would take the other's place. */
static bool is_taken(const struct config *c, const struct config_log *l)
{
	for (size_t i = 0; i < c->logs_n; i++)
		if (c->logs[i].units_n > 0 && str_eq(c->logs[i].service, l->service) &&
		    str_eq(c->logs[i].journal_dir, l->journal_dir))
			return true;
	return false;
}

static void refuse(struct yaml_node *n, const char *const *keys, const char *expected, struct faults *f)
{
	for (; *keys != NULL; keys++)
		if (yaml_get(n, *keys) != NULL)
			faults_hear(f, yaml_wrong(yaml_get(n, *keys), expected, &f->now));
}

static void read_place(struct yaml_node *n, struct config *c, struct config_log *l, struct faults *f)
{
	if (yaml_get(n, "journald") != NULL)
		read_units(yaml_get(n, "journald"), c, l, f);
	else if (faults_need(f, n, "path", "a file, or a path with globs; or `journald` with units in its place"))
		faults_hear(f, get_log_path(yaml_get(n, "path"), c, &l->path, &f->now));
	faults_hear(f, config_get_path(yaml_get(n, "journal_directory"), c, &l->journal_dir, &f->now));
}

/* Of what is for the one of both alone. */
static void check_place(struct yaml_node *n, const struct config *c, const struct config_log *l, struct faults *f)
{
	if (yaml_get(n, "journald") == NULL) {
		refuse(n, YAML_KEYS("journal_directory"), "`journald` beside it", f);
		return;
	}
	refuse(n, YAML_KEYS("path", "path_attributes", "ignore_older"), "nothing: it is for files, and beside it stands `journald`",
	       f);
	if (is_wrapped(l->framing.format))
		faults_hear(f, yaml_wrong(yaml_get(n, "format"), "lines, log4j or glog: the journal wraps no lines", &f->now));
	if (l->service != NULL && is_taken(c, l))
		faults_hear(f,
			    yaml_wrong(yaml_get(n, "service"), "one `journald` a service: let it name all of its units", &f->now));
}

static void read_source(struct yaml_node *n, struct config *c, struct faults *f)
{
	struct config_log l = { 0 };
	size_t before = f->missed;

	if (!faults_enter(f, n,
			  YAML_KEYS("path", "journald", "journal_directory", "service", "format", "starts", "continues",
				    "utc_offset", "start_at", "ignore_older", "path_attributes")))
		return;
	read_place(n, c, &l, f);
	if (faults_need(f, n, "service", "the service.name of its lines"))
		faults_hear(f, config_get_text(yaml_get(n, "service"), c, &l.service, &f->now));
	read_framing(n, c, &l, f);
	read_begin(n, &l, f);
	faults_hear(f, get_pieces(yaml_get(n, "path_attributes"), c, &l.pieces, &f->now));
	check_place(n, c, &l, f);
	if (f->missed == before)
		c->logs[c->logs_n++] = l;
}

void config_read_logs(struct yaml_node *list, struct config *c, struct faults *f)
{
	if (!config_is_list(list, CONFIG_LOGS_MAX, f))
		return;
	for (struct yaml_node *n = yaml_first(list); n != NULL; n = yaml_next(n))
		read_source(n, c, f);
}

/* config_logs.c - the log files that reeve.yaml names: telemetry.logs. */
#include "agent/config_impl.h"

#include <stdio.h>
#include <string.h>

#include "agent/base/pattern.h"
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

static void read_source(struct yaml_node *n, struct config *c, struct faults *f)
{
	struct config_log l = { 0 };
	size_t before = f->missed;

	if (!faults_enter(f, n,
			  YAML_KEYS("path", "service", "format", "starts", "continues", "utc_offset", "start_at", "ignore_older",
				    "path_attributes")))
		return;
	if (faults_need(f, n, "path", "a file, or a path with globs"))
		faults_hear(f, get_log_path(yaml_get(n, "path"), c, &l.path, &f->now));
	if (faults_need(f, n, "service", "the service.name of its lines"))
		faults_hear(f, config_get_text(yaml_get(n, "service"), c, &l.service, &f->now));
	read_framing(n, c, &l, f);
	read_begin(n, &l, f);
	faults_hear(f, get_pieces(yaml_get(n, "path_attributes"), c, &l.pieces, &f->now));
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

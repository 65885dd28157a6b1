/* taken.c - see taken.h. */
#include "shippers/taken.h"

#include <string.h>

#include "agent/base/json.h"
#include "agent/base/str.h"
#include "shippers/commit.h"

static const char begins[] = "{\"taken\":";

int taken_format(const struct taken *t, struct buf *b)
{
	CLEANUP(json_close) json_t *o = json_object();
	size_t from = b->len;

	json_object_set_new(o, "taken", json_integer((json_int_t)t->seq));
	json_object_set_new(o, "kind", json_string(batch_kind_name(t->kind)));
	json_object_set_new(o, "by", json_string(t->by));
	TRY(json_write(o, b));
	return commit_seal(b, from);
}

bool taken_is(const char *line, size_t len)
{
	return len >= sizeof(begins) - 1 && memcmp(line, begins, sizeof(begins) - 1) == 0;
}

int taken_parse(const char *line, size_t len, struct taken *ret, struct err *e)
{
	CLEANUP(json_close) json_t *o = NULL;
	const char *kind, *by;
	struct taken t = { 0 };

	TRY(commit_check(line, len, e));
	TRY(json_parse(line, len, "record of what was taken", &o, e));
	TRY(json_get_u64(o, "taken", &t.seq, e));
	TRY(json_get_str(o, "kind", &kind, e));
	TRY(json_get_str(o, "by", &by, e));
	if (t.seq > BATCH_SEQ_MAX || !batch_kind_of(kind, &t.kind) || str_copy(t.by, sizeof(t.by), by) != 0)
		return err_set(e, ERR_INVALID, "taken, kind or by is wrong");
	*ret = t;
	return 0;
}

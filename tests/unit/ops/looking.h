/* looking.h - commands that only look, sent to a shop, and what they bring. */
#pragma once
#include "agent/base/gzip.h"
#include "tests/unit/ops/shop.h"

static inline void looking_command(struct desk_command *k, uint64_t seq, const char *warehouse)
{
	Reeve__Control__V1__InventoryGet g = REEVE__CONTROL__V1__INVENTORY_GET__INIT;

	desk_command(k, seq);
	g.warehouse = (char *)warehouse;
	k->c.verb = REEVE__CONTROL__V1__VERB__INVENTORY_GET;
	k->c.target = (char *)warehouse;
	k->c.args.len = reeve__control__v1__inventory_get__pack(&g, k->args);
	k->c.not_before = 0;
}

static inline void looking_send(struct shop *s, struct desk_command *k, uint64_t seq, const char *warehouse)
{
	looking_command(k, seq, warehouse);
	shop_send(s, k, false);
}

/* The JSON that its result carries; NULL: it carries none. */
static inline json_t *looking_at(struct shop *s, const struct desk_command *k)
{
	struct arena *m = arena_new_sized(8u << 20);
	Reeve__Control__V1__Status *st = shop_status(s, k, m);
	struct buf text = BUF_MAX(4u << 20);
	json_t *j = NULL;

	if (st->output != NULL) {
		assert_int_equal(op_output_load(ops_find(s->d.ops, k->id), m, st->output), 0);
		if (st->output->gzip.len > 0) {
			assert_int_equal(gzip_unpack(st->output->gzip.data, st->output->gzip.len, &text, NULL), 0);
			assert_int_equal(json_parse(text.data, text.len, "it", &j, NULL), 0);
		}
	}
	buf_close(&text);
	arena_free(m);
	return j;
}

static inline void looking_path(const struct desk_command *k, char to[128])
{
	char id[UUID_TEXT_LEN];

	uuid_text(k->id, id);
	snprintf(to, 128, "%s/%s.gz", DESK_OUTPUTS, id);
}

static inline bool looking_has_file(const struct shop *s, const struct desk_command *k)
{
	char path[128];

	looking_path(k, path);
	return disk_exists(s->d.w, path);
}

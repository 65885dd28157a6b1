/* deed_inventory.c - see deed_inventory.h.
 *
 * taking --> writing --> told    a read that fails for good, or a file that cannot be written, ends it with that error */
#include "agent/ops/deed_inventory.h"

#include <stdio.h>

#include "agent/base/digest.h"
#include "agent/base/gzip.h"
#include "agent/base/json.h"
#include "agent/base/mem.h"
#include "agent/base/str.h"
#include "agent/ops/engine/run.h"
#include "agent/ops/op_env.h"
#include "agent/ops/outputs.h"
#include "agent/ops/steps/catalogue.h"
#include "agent/ops/steps/inventory_json.h"

#define TEXT_BYTES ((1u << 20) - (16u << 10)) /* of the JSON at most: as `reeve inventory --json` has it */
#define ABOUT_BYTES 256                       /* of what is around it */

typedef Reeve__Control__V1__InventoryGet get_t;

struct taking {
	struct deed_req *req;
	struct inventory_req inv;
	struct disk_req disk;
	struct buf gz;
	char *path;
	int64_t began_ms;
};

static struct world *world_of(const struct taking *t)
{
	return t->req->env->w;
}

static void end(struct taking *t)
{
	struct deed_req *req = t->req;

	inventory_req_close(&t->inv);
	buf_close(&t->gz);
	mem_free(t->path);
	mem_free(t);
	req->priv = NULL;
	req->cb(req);
}

static void fail(struct taking *t, const char *class, const struct err *e)
{
	t->req->error = json_pack("{s:s, s:o}", "class", class, "message", json_text(err_text(e)));
	end(t);
}

/* As AWS or the source of the keys has said it. */
static void fail_taking(struct taking *t)
{
	struct run_failing failing = { 0 };

	run_failing_add(&failing, &t->inv, t->began_ms);
	t->req->error = json_incref(failing.error);
	run_failing_close(&failing);
	end(t);
}

static void add_left_out(const json_t *j, char note[256])
{
	const char *kind;
	json_t *n;
	size_t used = (size_t)snprintf(note, 256, "left out for want of room:");

	json_object_foreach(json_object_get(j, "left_out"), kind, n)
		if (json_integer_value(n) > 0)
			used += (size_t)snprintf(note + used, 256 - used, " %lld %s", (long long)json_integer_value(n), kind);
	snprintf(note + used, 256 - used, "; inventory.get of one warehouse, or reeve inventory on the machine, shows more");
}

static void tell(const struct buf *gz, const json_t *j, struct inventory_packed *ret)
{
	struct digest d = digest_of(gz->data, gz->len);
	bool is_cut = json_is_true(json_object_get(j, "truncated"));
	char hex[DIGEST_HEX_LEN];

	if (is_cut)
		add_left_out(j, ret->note);
	json_decref(ret->output);
	ret->output = json_pack("{s:s, s:s, s:I, s:b}", "kind", "inventory", "sha256", digest_hex(&d, hex), "size_bytes",
				(json_int_t)gz->len, "more_elsewhere", is_cut);
}

/* With at most so much of the inventory. -ERR_LIMIT: it does not fit into the buffer. */
static int pack_most(const struct inventory *inv, const Reeve__Control__V1__Binding *b, const char *warehouse, size_t most,
		     struct buf *gz, struct inventory_packed *ret, struct err *e)
{
	CLEANUP(json_close) json_t *told = inventory_json_of(inv, *warehouse != '\0' ? warehouse : NULL, most);
	CLEANUP(json_close)
	json_t *j = json_pack("{s:o, s:o, s:o}", "installation", json_text(b->installation), "account", json_text(b->account),
			      "region", json_text(b->region));
	CLEANUP(buf_close) struct buf text = BUF_MAX(TEXT_BYTES + ABOUT_BYTES);

	json_object_update(j, told);
	json_write(j, &text);
	TRY(buf_check(&text, "the inventory", e));
	TRY(gzip_pack(text.data, text.len, gz, e));
	tell(gz, j, ret);
	return 0;
}

int deed_inventory_pack(const struct inventory *inv, const Reeve__Control__V1__Binding *b, const char *warehouse, struct buf *gz,
			struct inventory_packed *ret, struct err *e)
{
	int rc = -ERR_LIMIT;

	/* How well it packs is known only afterwards: a quarter less is told until it fits, and half of OUTPUT_BYTES does. */
	for (size_t most = TEXT_BYTES; rc == -ERR_LIMIT && most > OUTPUT_BYTES / 4; most = most / 4 * 3) {
		buf_close(gz);
		*gz = BUF_MAX(OUTPUT_BYTES);
		rc = pack_most(inv, b, warehouse, most, gz, ret, e);
	}
	return rc;
}

static int pack(struct taking *t, struct err *e)
{
	struct deed_req *req = t->req;
	struct inventory_packed p = { 0 };

	TRY(deed_inventory_pack(t->inv.inv, req->cmd->binding, ((const get_t *)req->args)->warehouse, &t->gz, &p, e));
	req->output = p.output;
	snprintf(req->note, sizeof(req->note), "%s", p.note);
	return 0;
}

static void on_written(struct disk_req *disk, int rc)
{
	struct taking *t = container_of(disk, struct taking, disk);

	if (rc == 0) {
		end(t);
		return;
	}
	json_close(&t->req->output);
	t->req->note[0] = '\0';
	fail(t, "INTERNAL", &t->disk.err);
}

static void on_taken(struct inventory_req *inv, int rc)
{
	struct taking *t = container_of(inv, struct taking, inv);
	struct err e = { 0 };

	if (rc != 0) {
		fail_taking(t);
		return;
	}
	rc = pack(t, &e);
	/* It may hold hundreds of MiB. */
	inventory_req_close(&t->inv);
	if (rc != 0) {
		fail(t, "INTERNAL", &e);
		return;
	}
	disk_replace(world_of(t), &t->disk, t->path, t->gz.data, t->gz.len, 0600, on_written);
}

static void on_again(struct inventory_req *inv)
{
	struct taking *t = container_of(inv, struct taking, inv);

	t->req->again(t->req, err_text(&inv->err));
}

static void start(struct deed_req *req, deed_cb *cb)
{
	const struct op_env *env = req->env;
	struct taking *t = mem_new(struct taking);

	req->cb = cb;
	req->priv = t;
	t->req = req;
	t->path = outputs_path(env->outputs, req->id);
	t->began_ms = world_wall_ms(env->w);
	t->inv.again = on_again;
	inventory_take(&(struct inventory_source){ env->w, env->aws, env->instance, &env->owner, catalogue_resources() }, NULL,
		       &t->inv, on_taken);
}

/* A file that is being written is waited for. */
static void cancel(struct deed_req *req)
{
	struct taking *t = req->priv;

	if (t != NULL)
		inventory_cancel(&t->inv);
}

const struct deed deed_inventory = {
	.says = "It looks at the account and tells the vendor what there is.",
	.start = start,
	.cancel = cancel,
};

/* outputs.c - see outputs.h.
 *
 *   resting --sweep--> listing --> taking away one after the other --> resting, or listing anew when it was asked for meanwhile
 * A folder that cannot be listed, or a file that cannot be taken away, waits for the next sweep. */
#include "agent/ops/outputs.h"

#include <string.h>

#include "agent/base/log.h"
#include "agent/base/mem.h"
#include "agent/base/str.h"
#include "agent/base/uuid.h"

#define NAMES_BYTES (64u << 10) /* several times what a list of commands leaves here */

char *outputs_path(const struct outputs *o, const char *id)
{
	return mem_printf("%s/%s.gz", o->dir, id);
}

int outputs_read(const struct outputs *o, const char *id, const struct digest *want, struct buf *to, struct err *e)
{
	CLEANUP(mem_close) char *path = outputs_path(o, id);
	struct digest d;

	TRY(disk_read_all(o->w, path, to, e));
	d = digest_of(to->data, to->len);
	return digest_eq(&d, want) ? 0 : err_set(e, ERR_CORRUPT, "%s has other bytes than its result names", path);
}

static void list(struct outputs *o);

static void rest(struct outputs *o)
{
	buf_close(&o->names);
	mem_free(o->path);
	o->path = NULL;
	o->is_busy = false;
	if (o->is_asked_again)
		list(o);
	else
		o->rested(o->ctx);
}

/* "<id>.gz", and the ".gz.tmp" of one that was never finished. What has another name is not of ours to take. */
static bool is_nobodys(const struct outputs *o, const char *name)
{
	char id[UUID_TEXT_LEN] = "";
	uint8_t bytes[UUID_LEN];

	if (strlen(name) < UUID_TEXT_LEN - 1)
		return false;
	memcpy(id, name, UUID_TEXT_LEN - 1);
	if (uuid_parse(id, bytes) != 0)
		return false;
	name += UUID_TEXT_LEN - 1;
	return (str_eq(name, ".gz") || str_eq(name, ".gz.tmp")) && !o->is_wanted(o->ctx, id);
}

static void take_next(struct outputs *o);

static void tell_failed(const struct disk_req *req)
{
	log_warn("outputs.sweep.failed", "err=%s next=\"the next sweep tries again\"", err_text(&req->err));
}

static void on_taken(struct disk_req *req, int rc)
{
	struct outputs *o = container_of(req, struct outputs, req);

	if (rc != 0)
		tell_failed(req);
	take_next(o);
}

static void take_next(struct outputs *o)
{
	while (o->at < o->names.len) {
		const char *name = o->names.data + o->at;

		o->at += strlen(name) + 1;
		if (!is_nobodys(o, name))
			continue;
		mem_free(o->path);
		o->path = mem_printf("%s/%s", o->dir, name);
		disk_unlink(o->w, &o->req, o->path, on_taken);
		return;
	}
	rest(o);
}

static void on_listed(struct disk_req *req, int rc)
{
	struct outputs *o = container_of(req, struct outputs, req);

	if (rc != 0)
		tell_failed(req);
	o->at = rc == 0 ? 0 : o->names.len;
	take_next(o);
}

static void list(struct outputs *o)
{
	o->is_busy = true;
	o->is_asked_again = false;
	o->names = BUF_MAX(NAMES_BYTES);
	disk_list(o->w, &o->req, o->dir, &o->names, on_listed);
}

void outputs_sweep(struct outputs *o)
{
	if (o->is_busy)
		o->is_asked_again = true;
	else
		list(o);
}

bool outputs_is_busy(const struct outputs *o)
{
	return o->is_busy;
}

void outputs_stop(struct outputs *o)
{
	o->is_asked_again = false;
	buf_reset(&o->names);
	o->at = 0;
}

void outputs_close(struct outputs *o)
{
	buf_close(&o->names);
	mem_free(o->path);
	o->path = NULL;
}

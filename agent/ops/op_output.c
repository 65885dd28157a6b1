/* op_output.c - what an operation has found, as it is told to the vendor: its result's record, and the bytes of its file. */
#include "agent/ops/op_impl.h"

#include <string.h>

#include "agent/base/enc.h"
#include "agent/base/json.h"
#include "agent/base/log.h"
#include "agent/base/str.h"
#include "agent/ops/outputs.h"

static const json_t *record_of(const struct op *op)
{
	return json_object_get(op->result, "output");
}

Reeve__Control__V1__Output *op_output(const struct op *op, struct arena *m)
{
	const json_t *j = record_of(op);
	Reeve__Control__V1__Output *o;
	uint8_t *digest;

	if (j == NULL)
		return NULL;
	o = arena_new(m, Reeve__Control__V1__Output);
	digest = arena_alloc(m, DIGEST_LEN);
	reeve__control__v1__output__init(o);
	o->kind = arena_str(m, json_str_or(j, "kind", ""));
	if (enc_unhex(json_str_or(j, "sha256", ""), digest, DIGEST_LEN) == 0)
		o->sha256 = (ProtobufCBinaryData){ DIGEST_LEN, digest };
	o->size_bytes = (uint64_t)json_int_or(j, "size_bytes", 0);
	o->more_elsewhere = json_is_true(json_object_get(j, "more_elsewhere"));
	return o;
}

size_t op_output_bytes(const struct op *op)
{
	int64_t size = json_int_or(record_of(op), "size_bytes", 0);

	/* A bundle is given away by a command of its own, and by no report. */
	if (!str_eq(json_str_or(record_of(op), "kind", ""), "inventory"))
		return 0;
	return size > 0 && size <= OUTPUT_BYTES ? (size_t)size : 0;
}

/* A file that has gone with its disk, or that somebody has changed, leaves the result without its bytes: the digest says what they
 * were. */
int op_output_load(const struct op *op, struct arena *m, Reeve__Control__V1__Output *to)
{
	CLEANUP(buf_close) struct buf bytes = BUF_MAX(OUTPUT_BYTES);
	struct err e = { 0 };
	struct digest want;
	int rc;

	if (op_output_bytes(op) == 0 || to->sha256.len != DIGEST_LEN)
		return 0;
	memcpy(want.b, to->sha256.data, DIGEST_LEN);
	rc = outputs_read(op->env->outputs, op->f.id_text, &want, &bytes, &e);
	if (rc != 0) {
		bool is_lost = rc == -ERR_NOTFOUND || rc == -ERR_CORRUPT || rc == -ERR_LIMIT;

		log_warn("op.output.failed", "op=%s err=%s next=%s", op->f.id_text, err_text(&e),
			 is_lost ? "its result is told without it" : "its result is told when it can be read");
		return is_lost ? 0 : rc;
	}
	to->gzip = (ProtobufCBinaryData){ bytes.len, arena_alloc(m, bytes.len) };
	memcpy(to->gzip.data, bytes.data, bytes.len);
	return 0;
}

/* deed_diag.c - see deed_diag.h. */
#include "agent/ops/deed_diag.h"

#include <stdio.h>

#include "agent/base/digest.h"
#include "agent/base/str.h"
#include "agent/ops/op_env.h"

typedef Reeve__Control__V1__DiagCollect collect_t;
typedef Reeve__Control__V1__DiagSend send_t;

static void start_collect(struct deed_req *req, deed_cb *cb)
{
	req->cb = cb;
	req->env->diag->collect(req->env->diag, req);
}

static void start_send(struct deed_req *req, deed_cb *cb)
{
	req->cb = cb;
	req->env->diag->send(req->env->diag, req);
}

static void cancel(struct deed_req *req)
{
	if (req->priv != NULL)
		req->env->diag->cancel(req->env->diag, req);
}

static void tell_collect(const ProtobufCMessage *args, char to[DEED_NOTE_LEN])
{
	uint32_t hours = ((const collect_t *)args)->hours;

	snprintf(to, DEED_NOTE_LEN, "of the journal the records of the last %u h are in it", hours != 0 ? hours : 24);
}

static void tell_send(const ProtobufCMessage *args, char to[DEED_NOTE_LEN])
{
	const ProtobufCBinaryData *id = &((const send_t *)args)->sha256;
	char hex[DIGEST_HEX_LEN];

	snprintf(to, DEED_NOTE_LEN, "the bundle is diag/%s.gz in the state folder",
		 id->len == DIGEST_LEN ? digest_hex((const struct digest *)id->data, hex) : "?");
}

const struct deed deed_diag_collect = {
	.says = "It puts a bundle together for whoever looks into trouble, and keeps it on this machine.",
	.tell = tell_collect,
	.start = start_collect,
	.cancel = cancel,
};

const struct deed deed_diag_send = {
	.says = "It gives the vendor a bundle that diag.collect has made.",
	.tell = tell_send,
	.start = start_send,
	.cancel = cancel,
};

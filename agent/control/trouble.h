/* trouble.h - why the vendor is not reached: a sentence for people, and its kind, from which advice can follow. */
#pragma once
#include "agent/base/err.h"

enum trouble_kind {
	TROUBLE_KEYS,      /* nothing was asked: this machine has no keys to prove itself with */
	TROUBLE_NO_ANSWER, /* name, way, certificate, or no answer in time */
	TROUBLE_REFUSED,   /* 401, 403, 404: the vendor does not take this installation, account or role */
	TROUBLE_BUSY,      /* 429, 5xx: the vendor's own trouble */
	TROUBLE_ANSWER,    /* any other status, or an answer that cannot be taken */
};

/* Zero: nothing has failed. */
struct trouble {
	enum trouble_kind kind; /* of `err` */
	struct err err;
};

const char *trouble_kind_name(enum trouble_kind k); /* "keys", "no_answer", "refused", "busy", "answer" */
/* Of a request that ended with rc, and if that is 0 with this HTTP status. */
enum trouble_kind trouble_kind_of(int rc, int http_status);

static inline const char *trouble_text(const struct trouble *t) /* or "" */
{
	return t->err.code != 0 ? err_text(&t->err) : "";
}

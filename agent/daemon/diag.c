/* diag.c - see diag.h. */
#include "agent/daemon/diag.h"

#include "agent/base/mem.h"
#include "agent/ops/verb.h"

struct diag {
	struct deed_diag lent; /* first */
	struct agent *a;
	const char *dir;
};

static void collect(struct deed_diag *d, struct deed_req *req)
{
	struct diag *g = (struct diag *)d;

	diag_collect_start(g->a, g->dir, req);
}

static void send(struct deed_diag *d, struct deed_req *req)
{
	struct diag *g = (struct diag *)d;

	diag_send_start(g->a, g->dir, req);
}

static void cancel(struct deed_diag *d, struct deed_req *req)
{
	(void)d;
	if (req->cmd->verb == REEVE__CONTROL__V1__VERB__DIAG_SEND)
		diag_send_cancel(req);
	else
		diag_collect_cancel(req);
}

struct deed_diag *diag_new(struct agent *a, const char *dir)
{
	struct diag *g = mem_new(struct diag);

	g->lent = (struct deed_diag){ collect, send, cancel };
	g->a = a;
	g->dir = dir;
	return &g->lent;
}

void diag_free(struct deed_diag *d)
{
	mem_free(d);
}

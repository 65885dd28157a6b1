/* stocktake.c - see stocktake.h.
 *
 *   idle --ask--> taking --> told, or failed --ask, later--> taking      what was told is forgotten after KEEP_MS  */
#include "agent/daemon/stocktake.h"

#include "agent/base/log.h"
#include "agent/base/mem.h"
#include "agent/io/ending.h"
#include "agent/ops/steps/inventory_json.h"

#define KEEP_MS 60000

struct stocktake {
	struct inventory_source from;
	struct inventory_req req;
	bool has_ended; /* a taking has, at ended_ms, and is not forgotten: told, or err */
	uint64_t ended_ms;
	json_t *told;
	struct err err;
	struct timer forget;
	struct ending end;
};

static void forget(struct stocktake *s)
{
	json_decref(s->told);
	s->told = NULL;
	s->has_ended = false;
}

static void on_forget(struct timer *t)
{
	forget(container_of(t, struct stocktake, forget));
}

/* What a read waits for is told meanwhile: it stands in the request's error. */
static void on_again(struct inventory_req *req)
{
	(void)req;
}

static void on_taken(struct inventory_req *req, int rc)
{
	struct stocktake *s = container_of(req, struct stocktake, req);

	forget(s);
	s->err = req->err;
	if (rc == 0)
		s->told = inventory_json(req->inv, STOCKTAKE_BYTES);
	else
		log_warn("stocktake.failed", "err=%s next=\"whoever asks again has it taken again\"", err_text(&req->err));
	/* It may hold hundreds of MiB. */
	inventory_req_close(req);
	s->has_ended = true;
	s->ended_ms = world_now_ms(s->from.w);
	timer_start(s->from.w, &s->forget, KEEP_MS, on_forget);
	ending_step(&s->end);
}

static bool is_under_way(const struct stocktake *s)
{
	return s->req.priv != NULL;
}

static void take(struct stocktake *s)
{
	s->req.again = on_again;
	inventory_take(&s->from, NULL, &s->req, on_taken);
}

struct stocktake *stocktake_new(const struct inventory_source *from)
{
	struct stocktake *s = mem_new(struct stocktake);

	s->from = *from;
	return s;
}

/* The first row that holds:
 *
 *   a taking ended after the asker came, or shortly before   that
 *   one is under way                                          its end is waited for
 *   else                                                      one is begun  */
int stocktake_ask(struct stocktake *s, uint64_t since_ms, const json_t **ret, struct err *e)
{
	if (s->has_ended && s->ended_ms + STOCKTAKE_FRESH_MS >= since_ms) {
		if (s->told == NULL)
			return err_set(e, ERR_SERVICE, "%s", err_text(&s->err));
		*ret = s->told;
		return 0;
	}
	if (!is_under_way(s))
		take(s);
	return err_set(e, ERR_AGAIN, "%s", s->req.err.code != 0 ? err_text(&s->req.err) : "AWS is being asked");
}

static bool is_out(struct closing *c)
{
	return is_under_way(container_of(c, struct stocktake, end.closing));
}

static void stocktake_free(struct closing *c)
{
	struct stocktake *s = container_of(c, struct stocktake, end.closing);

	timer_stop(s->from.w, &s->forget);
	forget(s);
	mem_free(s);
}

static const struct closing_how stocktake_how = { is_out, stocktake_free };

void stocktake_close(struct stocktake *s, void (*done)(void *ctx), void *ctx)
{
	ending_begin(&s->end, s->from.w, &stocktake_how, done, ctx);
	inventory_cancel(&s->req);
}

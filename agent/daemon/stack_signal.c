/* stack_signal.c - see stack_signal.h.
 *
 * Happy path: waiting -> sending -> recording -> told. Failure: resting, then sending again, for an hour; a stack waits no longer
 * than that, and its handle is worth nothing afterwards. One that has expired, as on each machine that comes after the first day of
 * a stack, is given up at once. Close: cancels. */
#include "agent/daemon/stack_signal.h"

#include <jansson.h>
#include <stdio.h>
#include <string.h>

#include "agent/base/backoff.h"
#include "agent/base/digest.h"
#include "agent/base/json.h"
#include "agent/base/log.h"
#include "agent/base/mem.h"
#include "agent/base/sm.h"
#include "agent/base/str.h"
#include "agent/io/ending.h"

#define GIVE_UP_MS 3600000u
#define ANSWER_MAX 4096
#define HANDLE_MAX 4096 /* a signed URL of S3 has a few hundred bytes */
#define PRINTABLE                                                                                                                  \
	"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789"                                                           \
	"-._~:/?#[]@!$&'()*+,;=%" /* RFC 3986 */

/*  waiting --> sending --> recording --> told      sending --> resting --> sending  */
enum { SIGNAL_WAITING, SIGNAL_SENDING, SIGNAL_RESTING, SIGNAL_RECORDING, SIGNAL_TOLD };

static const struct sm_state signal_states[] = {
	[SIGNAL_WAITING] = { "waiting", SM_TO(SIGNAL_SENDING) | SM_TO(SIGNAL_TOLD) },
	[SIGNAL_SENDING] = { "sending", SM_TO(SIGNAL_RESTING) | SM_TO(SIGNAL_RECORDING) },
	[SIGNAL_RESTING] = { "resting", SM_TO(SIGNAL_SENDING) },
	[SIGNAL_RECORDING] = { "recording", SM_TO(SIGNAL_TOLD) },
	[SIGNAL_TOLD] = { "told", SM_END },
};
static const struct sm_machine signal_machine = SM_MACHINE("stack-signal", signal_states, NULL);

struct stack_signal {
	struct world *w;
	struct stack_signal_config cfg;
	struct sm sm;
	char mark[DIGEST_HEX_LEN]; /* of the handle: what the file `path` holds once it was told */
	char *handle, *path, *body;
	uint64_t begun_ms;
	struct http_req http;
	struct disk_req disk;
	struct timer timer;
	struct backoff backoff;
	struct ending end;
};

static void send(struct stack_signal *s);

static void on_recorded(struct disk_req *r, int rc)
{
	struct stack_signal *s = container_of(r, struct stack_signal, disk);

	err_ignore(rc, "the next start says it again, and the stack takes a second word for nothing new");
	sm_move(&s->sm, SIGNAL_TOLD);
	ending_step(&s->end);
}

static void record(struct stack_signal *s)
{
	sm_move(&s->sm, SIGNAL_RECORDING);
	disk_replace(s->w, &s->disk, s->path, s->mark, strlen(s->mark), 0600, on_recorded);
}

static void on_timer(struct timer *t)
{
	send(container_of(t, struct stack_signal, timer));
}

/* S3 says AccessDenied for it as for any refusal; its message tells (S3 User Guide, "Sharing objects with presigned URLs"). */
static bool has_expired(const struct stack_signal *s)
{
	return s->http.status == 403 && strstr(buf_str(&s->http.body), "Request has expired") != NULL;
}

static void failed(struct stack_signal *s, int rc)
{
	uint32_t wait = backoff_next_ms(&s->backoff, world_random64(s->w));
	bool is_late = rc == 0 && has_expired(s);

	if (rc == 0)
		err_set(&s->http.err, ERR_SERVICE, "HTTP %d%s", s->http.status, is_late ? ": the stack's handle has expired" : "");
	if (is_late || world_now_ms(s->w) - s->begun_ms >= GIVE_UP_MS) {
		log_warn("stack.signal.given_up", "err=%s next=\"the stack is not told that the agent has logged in\"",
			 err_text(&s->http.err));
		record(s);
		return;
	}
	/* A refusal too is only how it is now: the policy of an endpoint that was just made may not count everywhere yet. */
	log_warn("stack.signal.failed", "err=%s retry_in_ms=%u", err_text(&s->http.err), wait);
	sm_move(&s->sm, SIGNAL_RESTING);
	timer_start(s->w, &s->timer, wait, on_timer);
}

static void on_answer(struct http_req *r, int rc)
{
	struct stack_signal *s = container_of(r, struct stack_signal, http);

	if (ending_is_on(&s->end)) {
		ending_step(&s->end);
	} else if (rc == 0 && r->status >= 200 && r->status <= 299) {
		log_info("stack.signal.sent", "status=%d", r->status);
		record(s);
	} else {
		failed(s, rc);
	}
}

/* Without a Content-Type: the signature of the handle is for a request that has none. */
static void send(struct stack_signal *s)
{
	sm_move(&s->sm, SIGNAL_SENDING);
	s->http.method = "PUT";
	s->http.url = s->handle;
	s->http.send = s->body;
	s->http.send_len = strlen(s->body);
	s->w->http_start(s->w, &s->http, on_answer);
}

static char *body_of(const struct stack_signal_config *cfg)
{
	CLEANUP(json_close)
	json_t *j = json_pack("{s:s, s:s, s:s, s:s}", "Status", "SUCCESS", "UniqueId", cfg->unique_id, "Data",
			      "reeve " REEVE_VERSION, "Reason", "the agent has logged in");
	CLEANUP(buf_close) struct buf b = BUF_MAX(2048);

	json_write(j, &b);
	return buf_take(&b, NULL);
}

static bool was_told(struct stack_signal *s)
{
	CLEANUP(buf_close) struct buf b = BUF_MAX(DIGEST_HEX_LEN);

	return s->w->disk_read(s->w, s->path, &b, NULL) == 0 && str_eq(buf_str(&b), s->mark);
}

static int check_handle(const char *path, const char *url, struct err *e)
{
	bool is_plain = strspn(url, PRINTABLE) == strlen(url);

	if (is_plain && str_starts(url, "https://") && strlen(url) > strlen("https://"))
		return 0;
	return err_set(e, ERR_INVALID, "%s holds no https:// URL on one line", path);
}

/* NULL with -ERR_NOTFOUND: there is none. */
static char *handle_in(struct world *w, const char *path, struct err *e)
{
	CLEANUP(buf_close) struct buf b = BUF_MAX(HANDLE_MAX);
	char *url;

	if (disk_read_all(w, path, &b, e) != 0)
		return NULL;
	url = mem_str(buf_str(&b));
	url[strcspn(url, "\r\n")] = '\0';
	if (check_handle(path, url, e) == 0)
		return url;
	mem_free(url);
	return NULL;
}

struct stack_signal *stack_signal_new(struct world *w, const struct stack_signal_config *cfg)
{
	struct err e = { 0 };
	char *handle = handle_in(w, cfg->handle_path, &e);
	struct stack_signal *s;
	struct digest d;

	if (handle == NULL && e.code != ERR_NOTFOUND)
		log_warn("stack.signal.unusable", "err=%s next=\"the stack is not told that the agent has logged in\"",
			 err_text(&e));
	if (handle == NULL)
		return NULL;
	d = digest_of(handle, strlen(handle));
	s = mem_new(struct stack_signal);
	s->w = w;
	s->cfg = *cfg;
	s->handle = handle;
	s->path = mem_printf("%s/stack-signal", cfg->state_dir);
	s->body = body_of(cfg);
	s->http.body = BUF_MAX(ANSWER_MAX);
	s->backoff = BACKOFF(1000, 60000);
	digest_hex(&d, s->mark);
	sm_init(&s->sm, &signal_machine, SIGNAL_WAITING);
	if (was_told(s))
		sm_move(&s->sm, SIGNAL_TOLD);
	return s;
}

void stack_signal_send(struct stack_signal *s)
{
	if (s->sm.now != SIGNAL_WAITING || ending_is_on(&s->end))
		return;
	s->begun_ms = world_now_ms(s->w);
	send(s);
}

static bool is_out(struct closing *c)
{
	struct stack_signal *s = container_of(c, struct stack_signal, end.closing);

	return s->http.impl != NULL || s->disk.impl != NULL;
}

static void signal_free(struct closing *c)
{
	struct stack_signal *s = container_of(c, struct stack_signal, end.closing);

	timer_stop(s->w, &s->timer);
	http_req_close(&s->http);
	mem_free(s->handle);
	mem_free(s->path);
	mem_free(s->body);
	mem_free(s);
}

static const struct closing_how signal_how = { is_out, signal_free };

void stack_signal_close(struct stack_signal *s, void (*done)(void *ctx), void *ctx)
{
	ending_begin(&s->end, s->w, &signal_how, done, ctx);
	timer_stop(s->w, &s->timer);
	if (s->http.impl != NULL)
		http_cancel(s->w, &s->http);
}

/* aws_sim.c - the front of the pretend AWS: which service, whose keys, may they, what goes wrong, and the ledger.
 *
 * A request is refused in the order in which AWS refuses: throttle, signature, time, keys, permission, and only then what it
 * asks. Faults come before it acted or after; a caller cannot tell one from the other. */
#include "tests/sim/aws_sim_impl.h"

#include <assert.h>
#include <limits.h>
#include <stdarg.h>
#include <stdlib.h>
#include <time.h>

#define YOUNG_MS 60000         /* so long something that came or went may be on no page */
#define EPOCH_MS 1767225599000 /* Unix time of virtual 0 */

static const struct aws_api services[] = {
	{ "ec2." AWS_REGION, "ec2", "2016-11-15", true, aws_ec2_actions },
	{ "elasticloadbalancing." AWS_REGION, "elasticloadbalancing", "2015-12-01", false, aws_elb_actions },
	{ "sts." AWS_REGION, "sts", "2011-06-15", false, aws_sts_actions },
};

/* ---- time, things, pages ---- */

uint64_t aws_now(const struct aws_sim *a)
{
	return world_now_ms(a->w);
}

int64_t aws_sim_wall_ms(const struct aws_sim *a)
{
	return EPOCH_MS + (int64_t)aws_now(a);
}

void aws_thing_init(struct aws_sim *a, struct aws_thing *t, const char *prefix, const char *command)
{
	bool hides = !a->odds->calm && odds_one_in(a->odds, 1000 / (a->odds->per_mille[TALLY_AWS_HIDDEN] + 1));

	snprintf(t->id, sizeof(t->id), "%s%017llx", prefix, (unsigned long long)++a->next_id);
	snprintf(t->command, sizeof(t->command), "%s", command);
	t->made_ms = aws_now(a);
	t->shown_ms = t->made_ms + (hides ? odds_between(a->odds, 0, 40000) : 0);
	t->usable_ms = t->made_ms + (hides ? odds_between(a->odds, 0, 40000) : 0);
}

void aws_thing_tags(struct aws_thing *t, const struct form_sim *f, const char *prefix)
{
	for (unsigned n = 1;; n++) {
		const char *key = form_sim_get(f, "%s%u.Key", prefix, n), *value = form_sim_get(f, "%s%u.Value", prefix, n);

		if (key == NULL)
			return;
		t->tags = mem_grow(t->tags, t->tags_n + 1, sizeof(*t->tags));
		t->tags[t->tags_n++] = (struct aws_tag){ mem_str(key), mem_str(value != NULL ? value : "") };
	}
}

void aws_thing_close(struct aws_thing *t)
{
	for (size_t i = 0; i < t->tags_n; i++) {
		mem_free(t->tags[i].key);
		mem_free(t->tags[i].value);
	}
	mem_free(t->tags);
}

const char *aws_tag_of(const struct aws_thing *t, const char *key)
{
	for (size_t i = 0; i < t->tags_n; i++)
		if (str_eq(t->tags[i].key, key))
			return t->tags[i].value;
	return NULL;
}

bool aws_is_there(const struct aws_sim *a, const struct aws_thing *t)
{
	return t->gone_ms == 0 || aws_now(a) < t->gone_ms;
}

bool aws_shows(struct aws_sim *a, const struct aws_thing *t)
{
	if (!aws_is_there(a, t))
		return false;
	if (aws_now(a) < t->shown_ms)
		odds_came(a->odds, TALLY_AWS_HIDDEN);
	return aws_now(a) >= t->shown_ms;
}

bool aws_knows(struct aws_sim *a, const struct aws_thing *t)
{
	if (!aws_is_there(a, t))
		return false;
	if (aws_now(a) < t->usable_ms)
		odds_came(a->odds, TALLY_AWS_NOT_YET);
	return aws_now(a) >= t->usable_ms;
}

const char *aws_command_of(const struct aws_ask *q)
{
	return q->key->session;
}

struct aws_page aws_page_start(struct aws_ask *q, const char *token_name, const char *size_name)
{
	const char *token = form_sim_get(q->f, "%s", token_name);
	long size = form_sim_int(q->f, size_name, 0);
	struct aws_page p = { .at = token != NULL ? strtoul(token + 1, NULL, 10) : 0, .room = q->a->page };

	if (size == 0) { /* nobody asked for pages */
		p.room = UINT_MAX;
		return p;
	}
	if (size < (long)p.room)
		p.room = (unsigned)size;
	p.may_miss = token != NULL;
	if (p.at > 0 && odds_hit(q->a->odds, TALLY_AWS_ROW_TWICE))
		p.at--; /* something came before the row since */
	if (token == NULL && odds_hit(q->a->odds, TALLY_AWS_EMPTY_PAGE))
		p.room = 0;
	return p;
}

bool aws_page_misses(struct aws_ask *q, struct aws_page *p, const struct aws_thing *t)
{
	bool is_young = aws_now(q->a) < t->made_ms + YOUNG_MS || (t->gone_ms != 0 && aws_now(q->a) + YOUNG_MS > t->gone_ms);

	if (!p->may_miss || !is_young || !odds_hit(q->a->odds, TALLY_AWS_ROW_MISSED))
		return false;
	p->may_miss = false;
	return true;
}

bool aws_page_takes(struct aws_page *p, size_t i)
{
	if (p->room == 0) {
		p->at = i;
		p->more = true;
		tally(TALLY_AWS_PAGES);
		return false;
	}
	p->room--;
	return true;
}

/* ---- answers ---- */

void aws_refuse(struct aws_ask *q, int status, const char *code, const char *fmt, ...)
{
	va_list ap;

	if (q->code != NULL)
		return;
	q->status = status;
	q->code = code;
	va_start(ap, fmt);
	vsnprintf(q->message, sizeof(q->message), fmt, ap);
	va_end(ap);
}

static void write_error(struct aws_sim *a, const struct aws_api *s, const char *code, const char *message, struct buf *to)
{
	buf_reset(to);
	buf_adds(to, "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n");
	buf_adds(to, s->is_ec2 ? "<Response><Errors>" : "<ErrorResponse xmlns=\"http://sim/\">");
	xmlw_open(to, "Error");
	if (!s->is_ec2)
		xmlw_text(to, "Type", "Sender");
	xmlw_text(to, "Code", "%s", code);
	xmlw_text(to, "Message", "%s", message);
	xmlw_close(to, "Error");
	if (s->is_ec2)
		xmlw_close(to, "Errors");
	xmlw_text(to, s->is_ec2 ? "RequestID" : "RequestId", "req-%llu", (unsigned long long)a->requests);
	xmlw_close(to, s->is_ec2 ? "Response" : "ErrorResponse");
}

static void write_answer(struct aws_sim *a, const struct aws_api *s, const struct aws_ask *q, struct buf *to)
{
	buf_addf(to, "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<%sResponse xmlns=\"http://sim/doc/%s/\">", q->action,
		 s->version);
	if (s->is_ec2)
		xmlw_text(to, "requestId", "req-%llu", (unsigned long long)a->requests);
	else
		buf_addf(to, "<%sResult>", q->action);
	buf_add(to, buf_str(q->xml), q->xml->len);
	if (!s->is_ec2)
		buf_addf(to, "</%sResult><ResponseMetadata><RequestId>req-%llu</RequestId></ResponseMetadata>", q->action,
			 (unsigned long long)a->requests);
	buf_addf(to, "</%sResponse>", q->action);
}

/* ---- the ledger ---- */

static void enter(struct aws_sim *a, const struct aws_ask *q, const struct sigv4_seen *seen)
{
	struct aws_entry e = { .at_ms = aws_now(a), .action = q->action, .attempt = 1, .form = q->f };
	const char *agent = sigv4_header_of(seen, "User-Agent"), *cmd = agent != NULL ? strstr(agent, " cmd/") : NULL;
	const char *attempt = sigv4_header_of(seen, "amz-sdk-request");

	snprintf(e.command, sizeof(e.command), "%s", cmd != NULL ? cmd + 5 : "");
	snprintf(e.session, sizeof(e.session), "%s", q->key->session);
	if (attempt != NULL)
		sscanf(attempt, "attempt=%u", &e.attempt);
	a->mutations++;
	if (!str_eq(e.command, e.session))
		odds_broken(a->odds, "%s of command %s with the session of %s", q->action, e.command, e.session);
	if (a->watch != NULL)
		a->watch(a->watch_ctx, &e);
}

/* ---- one request ---- */

/* Each has a host that IPv4 reaches, and one that both reach. */
static const struct aws_api *service_of(const char *host)
{
	for (size_t i = 0; i < ARRAY_LEN(services); i++)
		if (host != NULL && str_starts(host, services[i].host) &&
		    (str_eq(host + strlen(services[i].host), AWS_SUFFIX) ||
		     str_eq(host + strlen(services[i].host), AWS_DUAL_SUFFIX)))
			return &services[i];
	return NULL;
}

static bool is_reached(const struct aws_sim *a, const char *host)
{
	if (str_eq(host, AWS_IMDS_IPV6))
		return a->is_ipv6_only;
	return !a->is_ipv6_only || str_ends(host, AWS_DUAL_SUFFIX);
}

static const struct aws_action *action_of(const struct aws_api *s, const char *name)
{
	for (const struct aws_action *act = s->actions; act->name != NULL; act++)
		if (str_eq(act->name, name))
			return act;
	return NULL;
}

/* Status; `to` holds the XML. */
static int serve(struct aws_sim *a, const struct aws_api *s, const struct sigv4_seen *seen, struct buf *to, bool *ret_mutates)
{
	CLEANUP(buf_close) struct buf xml = BUF_MAX(8u << 20);
	struct form_sim f;
	struct aws_ask q = { .a = a, .f = &f, .status = 200, .xml = &xml, .form_digest = digest_of(seen->body, seen->body_len) };
	const struct aws_action *act;

	form_sim_parse(&f, seen->body, seen->body_len);
	q.action = form_sim_get(&f, "Action") != NULL ? form_sim_get(&f, "Action") : "(none)";
	act = action_of(s, q.action);
	*ret_mutates = act != NULL && act->mutates;
	if (act == NULL || !str_eq(form_sim_get(&f, "Version"), s->version)) {
		odds_broken(a->odds, "%s does not know the action %s", s->name, q.action);
		aws_refuse(&q, 400, "InvalidAction", "no such action");
	}
	if (q.code == NULL)
		aws_authenticate(&q, s, seen);
	if (q.code == NULL)
		aws_authorize_call(&q, s, act);
	if (q.code == NULL && act->mutates)
		enter(a, &q, seen);
	if (q.code == NULL)
		act->fn(&q);
	a->effects += q.changed;
	sim_trace(a->w, "aws %s %s", q.action, q.code != NULL ? q.code : "ok");
	if (q.code != NULL)
		write_error(a, s, q.code, q.message, to);
	else
		write_answer(a, s, &q, to);
	form_sim_close(&f);
	return q.status;
}

/* Somebody else at the console: may do all, is not in the ledger, and finds no fault in between. */
int aws_sim_console(struct aws_sim *a, const char *form, struct buf *to)
{
	static const struct aws_key key = { .operate = true };
	CLEANUP(buf_close) struct buf xml = BUF_MAX(8u << 20);
	struct form_sim f;
	struct aws_ask q = {
		.a = a, .f = &f, .status = 200, .xml = &xml, .key = &key, .form_digest = digest_of(form, strlen(form))
	};
	const struct aws_action *act = NULL;
	const struct aws_api *s = services;

	form_sim_parse(&f, form, strlen(form));
	q.action = form_sim_get(&f, "Action");
	while (s < services + ARRAY_LEN(services) && (act = action_of(s, q.action)) == NULL)
		s++;
	assert(act != NULL);
	act->fn(&q);
	if (q.code != NULL)
		write_error(a, s, q.code, q.message, to);
	else
		write_answer(a, s, &q, to);
	form_sim_close(&f);
	return q.status;
}

static void head_of(const struct aws_sim *a, const char *more, char to[256])
{
	time_t t = (time_t)(aws_sim_wall_ms(a) / 1000);
	struct tm tm;
	char date[64];

	gmtime_r(&t, &tm);
	strftime(date, sizeof(date), "%a, %d %b %Y %H:%M:%S GMT", &tm);
	snprintf(to, 256, "Content-Type: text/xml;charset=UTF-8\nDate: %s\n%s", date, more);
}

static void answer(struct aws_sim *a, struct sim_http *x, int status, const char *more, const struct buf *body, size_t len)
{
	uint32_t delay = (uint32_t)odds_between(a->odds, 5, 150);
	char head[256];

	head_of(a, more, head);
	if (odds_hit(a->odds, TALLY_AWS_SLOW))
		delay += (uint32_t)odds_between(a->odds, 1000, 45000);
	sim_http_answer(x, status, head, buf_str(body), len, delay);
}

/* A limit knows nothing of names: it also refuses the repetition of a call that has reached it. */
static bool is_beyond_quota(struct aws_sim *a, const struct sim_http *x)
{
	return x->body_len > 0 && str_starts(x->body, "Action=Create") && odds_hit(a->odds, TALLY_AWS_QUOTA);
}

static bool fails_before(struct aws_sim *a, const struct aws_api *s, struct sim_http *x, struct buf *b)
{
	static const char page[] = "<html><body><h1>503 Service Unavailable</h1></body></html>";

	if (odds_hit(a->odds, TALLY_AWS_LOST_BEFORE)) {
		sim_http_fail(x, -ERR_NET, (uint32_t)odds_between(a->odds, 0, 3000));
	} else if (odds_hit(a->odds, TALLY_AWS_GARBAGE)) {
		buf_adds(b, page);
		answer(a, x, 503, "", b, b->len);
	} else if (odds_hit(a->odds, TALLY_AWS_ERROR_BEFORE)) {
		write_error(a, s, s->is_ec2 ? "InternalError" : "InternalFailure", "An internal error has occurred", b);
		answer(a, x, 500, "", b, b->len);
	} else if (odds_hit(a->odds, TALLY_AWS_THROTTLE)) {
		write_error(a, s, s->is_ec2 ? "RequestLimitExceeded" : "Throttling", "Rate exceeded", b);
		answer(a, x, s->is_ec2 ? 503 : 400, odds_hit(a->odds, TALLY_AWS_RETRY_AFTER) ? "x-amz-retry-after: 3000\n" : "", b,
		       b->len);
	} else if (is_beyond_quota(a, x)) {
		write_error(a, s, s->is_ec2 ? "SecurityGroupLimitExceeded" : "TooManyLoadBalancers", "The limit is reached", b);
		answer(a, x, 400, "", b, b->len);
	} else {
		return false;
	}
	return true;
}

static void fails_after(struct aws_sim *a, const struct aws_api *s, struct sim_http *x, int status, struct buf *b)
{
	if (odds_hit(a->odds, TALLY_AWS_LOST_AFTER)) {
		sim_http_fail(x, -ERR_NET, (uint32_t)odds_between(a->odds, 0, 3000));
	} else if (status == 200 && odds_hit(a->odds, TALLY_AWS_ERROR_AFTER)) {
		write_error(a, s, s->is_ec2 ? "InternalError" : "InternalFailure", "An internal error has occurred", b);
		answer(a, x, 500, "", b, b->len);
	} else if (status == 200 && odds_hit(a->odds, TALLY_AWS_TORN_XML)) {
		answer(a, x, 200, "", b, b->len - b->len / 3);
	} else {
		answer(a, x, status, "", b, b->len);
	}
}

/* "https://host/path" */
static void split(const char *url, char host[128], const char **ret_path)
{
	const char *at = strstr(url, "://");

	at = at != NULL ? at + 3 : url;
	snprintf(host, 128, "%.*s", (int)strcspn(at, "/"), at);
	*ret_path = at + strcspn(at, "/");
	if (**ret_path == '\0')
		*ret_path = "/";
}

bool aws_sim_is_for(const char *url)
{
	char host[128];
	const char *path;

	split(url, host, &path);
	return service_of(host) != NULL || str_eq(host, AWS_IMDS_IPV4) || str_eq(host, AWS_IMDS_IPV6);
}

void aws_sim_request(struct aws_sim *a, struct sim_http *x)
{
	CLEANUP(buf_close) struct buf b = BUF_MAX(8u << 20);
	struct sigv4_seen seen = {
		.method = x->method, .headers = x->headers, .headers_n = x->headers_n, .body = x->body, .body_len = x->body_len
	};
	const struct aws_api *s;
	bool mutates;
	char host[128];
	int status;

	split(x->url, host, &seen.path);
	s = service_of(host);
	if (!is_reached(a, host)) {
		sim_http_fail(x, -ERR_NET, 0);
		return;
	}
	a->requests++;
	if (s == NULL) {
		aws_imds_request(a, x);
		return;
	}
	if (!str_eq(sim_http_header(x, "Host"), host))
		odds_broken(a->odds, "the Host header is not the host that is asked");
	if (fails_before(a, s, x, &b))
		return;
	status = serve(a, s, &seen, &b, &mutates);
	fails_after(a, s, x, status, &b);
}

int aws_sim_forward(struct aws_sim *a, const char *host, const struct sigv4_seen *seen, struct buf *body)
{
	const struct aws_api *s = service_of(host);
	bool mutates;

	a->requests++;
	return s != NULL ? serve(a, s, seen, body, &mutates) : 404;
}

void aws_limits_are_default(struct aws_sim *a)
{
	a->delay_s = 300;
	a->rules_max = 60;
	a->groups_max = 5;
	a->listeners_max = a->tgs_max = 50;
}

struct aws_sim *aws_sim_new(struct world *w, struct odds *odds)
{
	struct aws_sim *a = mem_new(struct aws_sim);

	a->w = w;
	a->odds = odds;
	a->page = 100;
	a->capacity = 1000;
	a->keys_live_ms = 6 * 3600 * 1000;
	a->least_up_s = 5;
	a->most_up_s = 60;
	aws_limits_are_default(a);
	return a;
}

#define FREE_LIST(a, list)                                                                                                         \
	do {                                                                                                                       \
		for (size_t i = 0; i < (a)->list##_n; i++) {                                                                       \
			aws_thing_close(&(a)->list[i]->t);                                                                         \
			mem_free((a)->list[i]);                                                                                    \
		}                                                                                                                  \
		mem_free((a)->list);                                                                                               \
	} while (0)

void aws_sim_free(struct aws_sim *a)
{
	for (size_t i = 0; i < a->groups_n; i++)
		mem_free(a->groups[i]->rules);
	for (size_t i = 0; i < a->target_groups_n; i++)
		mem_free(a->target_groups[i]->targets);
	for (size_t i = 0; i < a->instances_n; i++) {
		mem_free(a->instances[i]->user_data);
		aws_thing_close(&a->instances[i]->interface);
	}
	for (size_t i = 0; i < a->volumes_n; i++)
		mem_free(a->volumes[i]->changes);
	FREE_LIST(a, instances);
	FREE_LIST(a, volumes);
	FREE_LIST(a, groups);
	FREE_LIST(a, target_groups);
	FREE_LIST(a, lbs);
	FREE_LIST(a, listeners);
	mem_free(a->launches);
	mem_free(a->interfaces);
	mem_free(a->keys);
	mem_free(a);
}

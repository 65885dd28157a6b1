/* aws_sim_node.c - what nodes answer by HTTP: whether they are healthy, and when they are drained. */
#include "tests/sim/aws_sim_impl.h"
#include "tests/sim/vendor_sim.h"

#define GRACE_MS 60000 /* a node may be asked for a while after it has gone over to somebody else: nobody hears of it at once */
#define HUGE (2u << 20)

/* ---- where they are ---- */

void aws_node_address(const struct aws_sim *a, const struct aws_instance *i, char to[16])
{
	unsigned n = 0;

	while (n < a->instances_n && a->instances[n] != i)
		n++;
	snprintf(to, 16, "10.20.%u.%u", 1 + n / 200 % 200, 10 + n % 200);
}

static struct aws_instance *node_at(const struct aws_sim *a, const char *url)
{
	for (size_t n = 0; n < a->instances_n; n++) {
		char address[16], start[32];

		aws_node_address(a, a->instances[n], address);
		snprintf(start, sizeof(start), "http://%s:", address);
		if (str_starts(url, start))
			return a->instances[n];
	}
	return NULL;
}

bool aws_node_is_for(const char *url)
{
	return str_starts(url, "http://10.20.");
}

/* ---- how they come up ---- */

static void come_up(struct aws_sim *a, struct aws_instance *i, uint64_t up_ms)
{
	i->healthy_ms = up_ms + odds_between(a->odds, 5, 90) * 1000;
	if (odds_hit(a->odds, TALLY_NODE_SICK))
		i->healthy_ms = up_ms + odds_between(a->odds, 60, 1500) * 1000;
	i->is_back_told = i->is_drained_told = false;
	i->drained_ms = 0;
}

void aws_node_born(struct aws_sim *a, struct aws_instance *i, uint64_t up_ms)
{
	come_up(a, i, up_ms);
	i->is_healthy_told = false;
}

void aws_node_reboots(struct aws_sim *a, struct aws_instance *i, uint64_t down_ms)
{
	i->down_ms = down_ms;
	come_up(a, i, down_ms);
}

/* ---- what they answer ---- */

/* Of one that is not well: whatever a program may do in its place. */
static void answer_sick(struct aws_sim *a, struct sim_http *x)
{
	CLEANUP(mem_close) char *huge = NULL;

	switch (odds_between(a->odds, 0, 4)) {
	case 0:
		sim_http_fail(x, -ERR_NET, 0);
		break;
	case 1:
		sim_http_answer(x, 500, NULL, "oops", 4, 0);
		break;
	case 2:
		odds_came(a->odds, TALLY_NODE_REDIRECT);
		sim_http_answer(x, 302, "Location: " AWS_NODE_TRAP "\n", NULL, 0, 0);
		break;
	case 3:
		odds_came(a->odds, TALLY_NODE_SLOW);
		sim_http_answer(x, 200, NULL, NULL, 0, 15000);
		break;
	default:
		odds_came(a->odds, TALLY_NODE_HUGE);
		huge = mem_alloc(HUGE);
		memset(huge, 'x', HUGE);
		sim_http_answer(x, 503, NULL, huge, HUGE, 0);
		break;
	}
}

static void answer_health(struct aws_sim *a, struct aws_instance *i, struct sim_http *x)
{
	bool is_to_go = aws_now(a) < i->down_ms;

	if (!is_to_go && aws_now(a) < i->healthy_ms) {
		answer_sick(a, x);
		return;
	}
	i->is_healthy_told = true;
	i->is_back_told = !is_to_go;
	sim_http_answer(x, 200, NULL, "well", 4, 0);
}

static void answer_drain(struct aws_sim *a, struct aws_instance *i, struct sim_http *x)
{
	if (i->drained_ms == 0) {
		i->drained_ms = aws_now(a) + odds_between(a->odds, 0, 90) * 1000;
		i->drain_is_refused = odds_hit(a->odds, TALLY_NODE_REFUSES);
		if (odds_hit(a->odds, TALLY_NODE_STAYS))
			i->drained_ms += 3600000;
	}
	if (i->drain_is_refused && !a->odds->calm) { /* whoever answers for it has mended it by then */
		sim_http_answer(x, odds_one_in(a->odds, 2) ? 404 : 302, "Location: " AWS_NODE_TRAP "\n", NULL, 0, 0);
	} else if (aws_now(a) < i->drained_ms) {
		static const int waits[] = { 202, 409, 503 };

		sim_http_answer(x, waits[odds_between(a->odds, 0, 2)], NULL, NULL, 0, 0);
	} else {
		i->is_drained_told = true;
		sim_http_answer(x, odds_one_in(a->odds, 2) ? 200 : 204, NULL, NULL, 0, 0);
	}
}

static void check(struct aws_sim *a, const struct aws_instance *i, const struct sim_http *x)
{
	/* Tagged into another warehouse of the installation it is still ours. */
	bool is_ours = i != NULL && !i->foreign &&
		       (i->lost_ms == 0 || aws_now(a) < i->lost_ms + GRACE_MS ||
			str_eq(aws_tag_of(&i->t, "reeve:installation"), VENDOR_INSTALLATION));

	if (!is_ours)
		odds_broken(a->odds, "a machine of somebody else is asked: %s %s", x->method, x->url);
	if (sim_http_header(x, "Authorization") != NULL || x->body_len > 0 || x->proxy != NULL || x->connect_to != NULL)
		odds_broken(a->odds, "a node is told more than the question: %s %s", x->method, x->url);
}

void aws_node_request(struct aws_sim *a, struct sim_http *x)
{
	struct aws_instance *i = node_at(a, x->url);

	check(a, i, x);
	if (i == NULL || !aws_is_running(a, i))
		sim_http_fail(x, -ERR_NET, 0);
	else if (str_eq(x->method, "GET") && strstr(x->url, ":8040" AWS_NODE_HEALTH) != NULL)
		answer_health(a, i, x);
	else if (str_eq(x->method, "POST") && strstr(x->url, ":8041" AWS_NODE_DRAIN) != NULL)
		answer_drain(a, i, x);
	else
		odds_broken(a->odds, "a node is asked what no spec says: %s %s", x->method, x->url);
}

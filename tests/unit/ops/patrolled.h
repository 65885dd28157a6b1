/* patrolled.h - a shop in which a warehouse stands and is looked after, and what the patrol says of it. */
#pragma once
#include "agent/ops/patrol.h"
#include "tests/unit/ops/shop.h"

/* Two nodes stand, and the patrol has seen them. The apply is seq 1. */
static inline void patrolled_stand(struct shop *s, const char *policy)
{
	struct desk_command k;

	shop_policy_counts(s, policy);
	s->sim->least_up_s = 5;
	s->sim->most_up_s = 20;
	shop_run(s, &k);
	assert_int_equal(shop_ends(s, &k, NULL), DONE);
	ops_acked(s->d.ops, 1);
	desk_pass(&s->d, PATROL_MS);
	assert_int_equal(shop_alive(s), 2);
	buf_reset(&s->seen);
}

static inline struct patrol_seen patrolled_seen(const struct shop *s)
{
	struct patrol_seen seen;

	assert_true(patrol_at(ops_patrol(s->d.ops), 0, &seen));
	return seen;
}

/* "resource field" of each difference, one a line. */
static inline const char *patrolled_drifts(const struct shop *s)
{
	static char text[4096];
	struct patrol_seen seen = patrolled_seen(s);
	size_t used = 0;

	text[0] = '\0';
	for (size_t i = 0; i < json_array_size(seen.drifts); i++) {
		const json_t *d = json_array_get(seen.drifts, i);

		used += (size_t)snprintf(text + used, sizeof(text) - used, "%s %s\n", json_str_or(d, "resource", "?"),
					 json_str_or(d, "field", "?"));
	}
	return text;
}

/* Somebody else's call, at the console. */
static inline void patrolled_console(struct shop *s, const char *form)
{
	CLEANUP(buf_close) struct buf answer = BUF_MAX(1u << 16);
	int status = aws_sim_console(s->sim, form, &answer);

	if (status != 200)
		fail_msg("%s: %s", form, buf_str(&answer));
}

/* aws_sim_hand.c - somebody else's hands in the account: the customer's people, at the console, at any moment. */
#include "tests/sim/aws_sim_impl.h"

void aws_hand_stop(struct aws_sim *a, struct aws_instance *i)
{
	if (i->is_stop_protected || !aws_is_running(a, i))
		return;
	i->stop_ms = aws_now(a);
	i->stopped_ms = i->stop_ms + odds_between(a->odds, 5, 60) * 1000;
}

void aws_hand_start(struct aws_sim *a, struct aws_instance *i)
{
	if (!aws_is_stopped(a, i))
		return;
	i->stop_ms = i->stopped_ms = 0;
	i->running_ms = aws_now(a) + odds_between(a->odds, a->least_up_s, a->most_up_s) * 1000;
	aws_check_from(a, i, i->running_ms);
	aws_node_born(a, i, i->running_ms);
}

void aws_hand_end(struct aws_sim *a, struct aws_instance *i)
{
	if (i->is_protected || !aws_is_alive(a, i))
		return;
	i->stopping_ms = aws_now(a);
	i->stillborn_ms = 0;
	i->is_ended_by_hand = true;
	aws_end_instance(a, i, i->stopping_ms);
}

void aws_drop_tag(struct aws_thing *t, const char *key)
{
	for (size_t i = 0; i < t->tags_n; i++)
		if (str_eq(t->tags[i].key, key)) {
			mem_free(t->tags[i].key);
			mem_free(t->tags[i].value);
			t->tags[i] = t->tags[--t->tags_n];
			return;
		}
}

void aws_hand_tag(struct aws_thing *t, const char *key, const char *value)
{
	for (size_t i = 0; i < t->tags_n; i++)
		if (str_eq(t->tags[i].key, key)) {
			mem_free(t->tags[i].value);
			t->tags[i].value = mem_str(value);
			return;
		}
	aws_add_tag(t, key, value);
}

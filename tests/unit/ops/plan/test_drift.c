/* test_drift.c - what somebody else has changed is told by resource and field, and nothing is told where nothing differs. */
#include "agent/ops/plan/drift.h"
#include "tests/unit/ops/patrolled.h"

static const char *arn_of_group(const struct shop *s)
{
	return s->sim->target_groups[0]->t.id;
}

static void a_node_is_ended(struct shop *s)
{
	aws_hand_end(s->sim, s->sim->instances[0]);
}

static void a_node_is_stopped(struct shop *s)
{
	aws_hand_stop(s->sim, s->sim->instances[0]);
}

static void a_tag_is_changed(struct shop *s)
{
	aws_hand_tag(&s->sim->instances[1]->t, s->k.tag.key, "other");
	aws_drop_tag(&s->sim->instances[1]->t, "reeve:tags");
}

static void a_rule_is_revoked(struct shop *s)
{
	char form[512];

	snprintf(form, sizeof(form),
		 "Action=RevokeSecurityGroupIngress&Version=2016-11-15&GroupId=%s&IpPermissions.1.IpProtocol=tcp&"
		 "IpPermissions.1.FromPort=8000&IpPermissions.1.ToPort=9000&IpPermissions.1.IpRanges.1.CidrIp=10.20.0.0%%2F16",
		 s->sim->groups[0]->t.id);
	patrolled_console(s, form);
}

static void a_node_is_taken_out(struct shop *s)
{
	char form[512];

	snprintf(form, sizeof(form), "Action=DeregisterTargets&Version=2015-12-01&TargetGroupArn=%s&Targets.member.1.Id=%s",
		 arn_of_group(s), s->sim->instances[0]->t.id);
	patrolled_console(s, form);
}

static void a_listener_is_deleted(struct shop *s)
{
	char form[512];

	snprintf(form, sizeof(form), "Action=DeleteListener&Version=2015-12-01&ListenerArn=%s", s->sim->listeners[0]->t.id);
	patrolled_console(s, form);
}

static const struct {
	void (*happens)(struct shop *s);
	const char *field, *difference;
} changes[] = {
	{ a_node_is_ended, "nodes", "launch nodes of be" },
	{ a_node_is_stopped, "power", "start nodes of be" },
	{ a_tag_is_changed, "tags", "tag " },
	{ a_rule_is_revoked, "rules", "8000-9000" },
	{ a_node_is_taken_out, "targets", "register be/sql" },
	{ a_listener_is_deleted, "listeners", "create listener main" },
};

static void each_difference_is_told_by_resource_and_field(void **state)
{
	for (size_t i = 0; i < ARRAY_LEN(changes); i++) {
		struct shop *s = *state;
		struct patrol_seen seen;
		const json_t *first;

		patrolled_stand(s, SHOP_POLICY);
		seen = patrolled_seen(s);
		assert_int_equal(seen.total, 0);
		assert_string_equal(seen.unknown, "");
		changes[i].happens(s);
		desk_pass(&s->d, 2 * PATROL_MS);
		seen = patrolled_seen(s);
		first = json_array_get(seen.drifts, 0);
		if (seen.total != 1 || !str_eq(json_str_or(first, "field", ""), changes[i].field) ||
		    strstr(json_str_or(first, "difference", ""), changes[i].difference) == NULL)
			fail_msg("%zu: %u differences: %s%s", i, seen.total, patrolled_drifts(s),
				 json_str_or(first, "difference", ""));
		shop_end(state);
		shop_start(state);
	}
}

/* The register of a node that is missing is no difference of its own. */
static void a_consequence_is_not_told(void **state)
{
	struct shop *s = *state;

	patrolled_stand(s, SHOP_POLICY);
	aws_hand_end(s->sim, s->sim->instances[0]);
	aws_hand_end(s->sim, s->sim->instances[1]);
	desk_pass(&s->d, 2 * PATROL_MS);
	assert_string_equal(patrolled_drifts(s), "cluster-be/launch nodes\n");
}

/* What cannot be mended by an apply as it is differs, too. */
static void a_spec_that_could_not_be_applied_any_more_says_why(void **state)
{
	struct shop *s = *state;
	struct patrol_seen seen;

	patrolled_stand(s, SHOP_POLICY);
	snprintf(s->sim->instances[0]->image, sizeof(s->sim->instances[0]->image), "ami-9");
	desk_pass(&s->d, 2 * PATROL_MS);
	seen = patrolled_seen(s);
	assert_int_equal(seen.total, 1);
	assert_string_equal(patrolled_drifts(s), "wh-1 spec\n");
	assert_non_null(strstr(json_str_or(json_array_get(seen.drifts, 0), "difference", ""), "image_id"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		SHOP(each_difference_is_told_by_resource_and_field),
		SHOP(a_consequence_is_not_told),
		SHOP(a_spec_that_could_not_be_applied_any_more_says_why),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

/* test_planner_launch.c - what nodes are launched with, and what of it is refused before a signature is spent. */
#include "tests/unit/ops/board.h"
#include "agent/ops/steps/catalogue.h"
#include "tests/unit/ops/needs.h"

static void user_data_goes_with_the_hash_of_its_bytes_and_only_the_specs_own_tags_count(void **state)
{
	struct board *d = *state;
	struct demand need = { 0 };
	struct plans *p;

	d->k.cluster.user_data = (ProtobufCBinaryData){ 3, (uint8_t *)"abc" };
	p = board_apply(d);
	plans_demand(p, &need);
	assert_int_equal(wanted_n(&need, &bound_user_data), 1);
	assert_string_equal(wanted_text(&need, &bound_user_data, 0),
			    "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"); /* FIPS 180-2, B.1 */
	assert_int_equal(wanted_n(&need, &bound_tag_keys), 1);
	assert_string_equal(wanted_text(&need, &bound_tag_keys, 0), "sdb-cluster-id");
	demand_close(&need);
	plans_free(p);
	d->k.tag.key = (char *)"Name"; /* a name that the spec gives is the spec's */
	p = board_apply(d);
	plans_demand(p, &need);
	assert_string_equal(wanted_text(&need, &bound_tag_keys, 0), "Name");
	demand_close(&need);
	plans_free(p);
}

static void refused(struct board *d, const char *says)
{
	struct plans *p = NULL;
	struct err e = { 0 };

	assert_int_equal(planner_apply(&d->a, &d->k.s, &p, &e), -ERR_INVALID);
	if (strstr(e.text, says) == NULL)
		fail_msg("expected \"%s\", it says: %s", says, e.text);
	assert_non_null(p); /* for the policy to be asked */
	plans_free(p);
}

/* The good image, for a test to change. */
static struct ec2_image *bent_image(struct board *d)
{
	struct ec2_image *i = arena_new(d->inv->arena, struct ec2_image);

	*i = *inventory_image(d->inv, "ami-1");
	d->inv->images = (struct ec2_images){ i, 1 };
	return i;
}

static void an_image_that_cannot_be_bounded_is_not_started(void **state)
{
	struct board *d = *state;

	d->k.cluster.image_id = (char *)"ami-9";
	refused(d, "cluster be: ami-9 is no image that AWS shows");
	d->k.cluster.image_id = (char *)"ami-2";
	refused(d, "cluster be: image ami-2 maps /dev/sdz beside its root");
	d->k.cluster.image_id = (char *)"ami-3";
	refused(d, "cluster be: image ami-3 has no EBS root volume");
	d->k.cluster.image_id = (char *)"ami-1";
	d->k.volume.device = (char *)"/dev/xvda";
	refused(d, "cluster be: volumes[0]: /dev/xvda is the root of image ami-1");
	d->k.volume.device = (char *)"/dev/sdf";
	bent_image(d)->root_device = "/dev/xvdf";
	refused(d, "cluster be: volumes[0]: /dev/xvdf is the root of image ami-1");
}

static void a_subnet_is_there_and_one_of_the_specs_vpc(void **state)
{
	struct ec2_subnet pending = { .id = "subnet-1", .vpc_id = "vpc-1", .zone = "", .state = "pending" };
	struct board *d = *state;
	struct ec2_subnets subnets = d->inv->subnets;

	d->k.cluster.subnet_id = (char *)"subnet-9";
	refused(d, "cluster be: subnet-9 is a subnet of vpc-9, the spec's vpc_id is vpc-1");
	d->k.cluster.subnet_id = (char *)"subnet-7";
	refused(d, "cluster be: subnet-7 is no subnet that AWS shows");
	d->k.cluster.subnet_id = (char *)"subnet-1";
	d->inv->subnets = (struct ec2_subnets){ &pending, 1 };
	refused(d, "load balancer main: subnet-1 is pending, not available");
	d->k.s.n_load_balancers = 0;
	refused(d, "cluster be: subnet-1 is pending, not available");
	d->k.s.n_load_balancers = 1;
	pending.state = "available";
	plans_free(board_apply(d));
	d->inv->subnets = subnets;
	d->k.cluster.subnet_id = (char *)"subnet-1";
	d->k.subnets[0] = (char *)"subnet-9";
	refused(d, "load balancer main: subnet-9 is a subnet of vpc-9");
}

/* What is there already is not asked about: an image that is gone does not stop the nodes that were made from it. */
static void nodes_that_stand_need_no_image(void **state)
{
	struct board *d = *state;
	struct plans *p;

	board_add_node(d, "i-1", "be", "running");
	board_add_node(d, "i-2", "be", "running");
	d->inv->images.n = 0;
	p = board_apply(d);
	assert_null(strstr(board_steps(p), "launch"));
	plans_free(p);
}

static void a_plan_shows_what_starts_as_aws_tells_it(void **state)
{
	CLEANUP(buf_close) struct buf text = BUF_MAX(65536);
	struct board *d = *state;
	struct plans *p = board_apply(d);

	plans_print(p, &text);
	assert_non_null(strstr(buf_str(&text), "ami-1, subnet-1 in us-east-1a"));
	assert_non_null(strstr(buf_str(&text), "      image \"al2023\" of 137112412989 amazon\n"));
	plans_free(p);
}

/* A fact begins with @; a name that somebody gave an image may as well. */
static void what_aws_tells_is_never_taken_for_a_fact(void **state)
{
	struct ec2_image image = { "ami-1", "@corp/base", "137112412989", "@x", "/dev/xvda", "ebs", 8, NULL, "", "" };
	struct board *d = *state;
	json_t *facts = json_object(), *resolved = NULL;
	struct plans *p;

	d->inv->images = (struct ec2_images){ &image, 1 };
	d->k.s.n_security_groups = d->k.cluster.n_security_groups = 0;
	p = board_apply(d);
	for (size_t i = 0; i < p->n; i++)
		for (size_t k = 0; k < p->v[i].n; k++)
			if (p->v[i].steps[k].kind == &kind_launch) {
				assert_int_equal(facts_resolve(p->v[i].steps[k].args, facts, &resolved, NULL), 0);
				assert_string_equal(json_str_or(resolved, "image_name", ""), " @corp/base");
				json_decref(resolved);
			}
	assert_non_null(resolved);
	json_decref(facts);
	plans_free(p);
}

static void an_image_that_is_not_available_or_for_another_machine_is_not_started(void **state)
{
	static const char *archs[] = { "i386", "x86_64" };
	struct ec2_type type = { .name = "r6i.xlarge", .archs = archs, .archs_n = 2 };
	struct board *d = *state;
	struct ec2_image *i = bent_image(d);

	i->state = "pending";
	refused(d, "cluster be: image ami-1 is pending, not available");
	i->state = "";
	d->inv->types = (struct ec2_types){ &type, 1 };
	plans_free(board_apply(d));
	i->arch = "arm64";
	refused(d, "cluster be: image ami-1 is for arm64, and r6i.xlarge does not run that");
	type.archs_n = 0; /* AWS does not tell */
	plans_free(board_apply(d));
	type.name = "r6i.large";
	refused(d, "cluster be: r6i.xlarge is no instance type that AWS offers in this region");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		DESK_TEST(user_data_goes_with_the_hash_of_its_bytes_and_only_the_specs_own_tags_count),
		DESK_TEST(an_image_that_cannot_be_bounded_is_not_started),
		DESK_TEST(a_subnet_is_there_and_one_of_the_specs_vpc),
		DESK_TEST(nodes_that_stand_need_no_image),
		DESK_TEST(a_plan_shows_what_starts_as_aws_tells_it),
		DESK_TEST(what_aws_tells_is_never_taken_for_a_fact),
		DESK_TEST(an_image_that_is_not_available_or_for_another_machine_is_not_started),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

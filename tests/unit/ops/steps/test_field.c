/* test_field.c - what AWS takes in a field, by its references: the last that is taken and the first that is not. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>

#include "agent/base/mem.h"
#include "agent/ops/steps/field.h"

typedef int check(const char *s, const char *what, struct err *e);

/* says: what stands in the sentence; NULL: it is taken. */
struct row {
	check *check;
	const char *s, *says;
};

static void expect(const struct row *rows, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		struct err e = { 0 };
		int rc = rows[i].check(rows[i].s, "place", &e);

		if ((rc == 0) != (rows[i].says == NULL))
			fail_msg("row %zu: \"%s\": %s", i, rows[i].s, err_text(&e));
		if (rc != 0 && (strncmp(e.text, "place", 5) != 0 || strstr(e.text, rows[i].says) == NULL))
			fail_msg("row %zu: \"%s\": %s", i, rows[i].s, err_text(&e));
	}
}

/* n characters, each of them `one`. */
static const char *many(const char *one, size_t n)
{
	static char text[8][2048];
	static unsigned turn;
	char *to = text[turn++ % 8];

	to[0] = '\0';
	for (size_t at = 0; n > 0; n--, at += strlen(one))
		strcpy(to + at, one);
	return to;
}

static void a_description_has_the_characters_of_ec2(void **state)
{
	const struct row rows[] = {
		{ field_description, "Nodes of wh-1: ._-:/()#,@[]+=&;{}!$*", NULL },
		{ field_description, many("d", 255), NULL },
		{ field_description, many("d", 256), "256 characters, AWS takes 255" },
		{ field_description, "the vendor's", "found ', AWS takes only a-z" },
		{ field_description, "a > b", "found >" },
		{ field_description, "50%", "found %" },
		{ field_description, "K\xc3\xb6ln", "found U+00F6" },
		{ field_description, "a\xe2\x80\xaetxt", "found U+202E" },
		{ field_description, "\xf0\x9f\x98\x80", "found U+1F600" },
		{ field_description, "a\tb", "control characters" },
		{ field_description, "a\xff", "UTF-8" },
		{ field_description, "", "expected a text" },
		{ field_description, "   ", "expected a text" },
		{ field_description, "@sg.node", "a leading @" },
		{ field_description, "  @sg.node", "a leading @" },
	};

	(void)state;
	expect(rows, ARRAY_LEN(rows));
}

static void a_tag_has_the_characters_of_both_services(void **state)
{
	const struct row rows[] = {
		{ field_tag_key, "team:cost-center_1/a=b+c@d.e f", NULL },
		{ field_tag_key,
		  "gr\xc3\xb6\xc3\x9f"
		  "e",
		  NULL },
		{ field_tag_key, many("\xc3\xb6", 127), NULL },
		{ field_tag_key, many("k", 128), "128 characters, AWS takes 127" },
		{ field_tag_key, "a;b", "found ;" },
		{ field_tag_key, "a*", "found *" },
		{ field_tag_key, "a\xe2\x80\xae", "found U+202E" },
		{ field_tag_key, "", "expected a text" },
		{ field_tag_key, "aws:x", "not the vendor's" },
		{ field_tag_key, "AWS:x", "not the vendor's" },
		{ field_tag_key, "aWs:", "not the vendor's" },
		{ field_tag_key, "Reeve:Installation", "not the vendor's" },
		{ field_tag_key, " reeve:installation", "not the vendor's" },
		{ field_tag_key, "Resource-Created-By ", "not the vendor's" },
		{ field_tag_key, "resource-created-by-whom", NULL },
		{ field_tag_key, "awsome", NULL },
		{ field_tag_value, "", NULL },
		{ field_tag_value, "  ", NULL },
		{ field_tag_value, "aws:x", "values that begin with aws:" },
		{ field_tag_value, many("\xe2\x82\xac", 3), "found U+20AC" }, /* a symbol is no letter */
		{ field_tag_value, many("v", 255), NULL },
		{ field_tag_value, many("v", 256), "256 characters, AWS takes 255" },
		{ field_tag_value, "a\"b", "found \"" },
		{ field_tag_value, " @sg.node", "a leading @" },
	};

	(void)state;
	expect(rows, ARRAY_LEN(rows));
}

static void devices_are_one_by_their_letters(void **state)
{
	static const struct {
		const char *a, *b;
		bool is;
	} cases[] = { { "/dev/sdf", "/dev/xvdf", true },     { "/dev/sdf", "/dev/sdf", true },
		      { "/dev/sdf", "/dev/sdg", false },     { "/dev/nvme1", "/dev/nvme1", true },
		      { "/dev/nvme1", "/dev/nvme2", false }, { "", "/dev/sdf", false } };

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++)
		assert_int_equal(field_is_one_device(cases[i].a, cases[i].b), cases[i].is);
}

static void a_device_is_one_that_ec2_has_and_not_the_roots(void **state)
{
	const struct row rows[] = {
		{ field_device, "/dev/sdf", NULL },           { field_device, "/dev/sdz", NULL },
		{ field_device, "/dev/xvdf", NULL },          { field_device, "/dev/xvdba", NULL },
		{ field_device, "/dev/xvddz", NULL },         { field_device, "/dev/sda1", "is the root's" },
		{ field_device, "/dev/sda", "the root" },     { field_device, "/dev/xvda", "the root" },
		{ field_device, "/dev/xvdea", "no device" },  { field_device, "/dev/sdba", "no device" },
		{ field_device, "/dev/sdf1", "no device" },   { field_device, "/dev/sdF", "no device" },
		{ field_device, "sdf", "no device" },         { field_device, "/dev/nvme1n1", "no device" },
		{ field_device, "/dev/sd", "no device" },     { field_device, "/dev/sdf ", "no device" },
		{ field_device, "/dev/../etc", "no device" }, { field_device, "", "expected a text" },
	};

	(void)state;
	expect(rows, ARRAY_LEN(rows));
	assert_string_equal(field_device_letters("/dev/sdf"), field_device_letters("/dev/xvdf"));
	assert_string_equal(field_device_letters("other"), "");
}

static void types_profiles_and_keys_are_names(void **state)
{
	const struct row rows[] = {
		{ field_instance_type, "r6i.xlarge", NULL },
		{ field_instance_type, "u-6tb1.112xlarge", NULL },
		{ field_instance_type, "m7i.metal-24xl", NULL },
		{ field_instance_type, "r6i", "not the name of an instance type" },
		{ field_instance_type, "R6I.large", "not the name" },
		{ field_instance_type, "r6i.*", "not the name" },
		{ field_instance_type, ".large", "not the name" },
		{ field_instance_type, "r6i.a.b", "not the name" },
		{ field_profile, "node_+=,.@-1", NULL },
		{ field_profile, "velodb-role-inst-1-node", NULL },
		{ field_profile, "arn:aws:iam::123456789012:instance-profile/x", "not the name of an instance profile" },
		{ field_profile, "a/b", "not the name" },
		{ field_profile, "a b", "not the name" },
		{ field_profile, many("p", 129), "1 to 128" },
		{ field_kms_key, "arn:aws:kms:us-east-1:123456789012:key/mrk-0a", NULL },
		{ field_kms_key, "arn:aws:kms:us-east-1:123456789012:key/a b", "not the ARN" },
	};

	(void)state;
	expect(rows, ARRAY_LEN(rows));
}

static void a_volume_has_what_gp3_has(void **state)
{
	static const struct {
		uint32_t gib, iops, throughput;
		const char *says;
	} rows[] = {
		{ 1, 0, 0, NULL },
		{ 1, 3000, 125, NULL },
		{ 1, 3000, 750, NULL },
		{ 32, 16000, 2000, NULL },
		{ 160, 80000, 2000, NULL },
		{ 100, 2999, 0, "iops: 2999 is not 3000 to 80000" },
		{ 16384, 80001, 0, "iops" },
		{ 100, 0, 124, "throughput: 124 is not 125 to 2000" },
		{ 100, 16000, 2001, "throughput" },
		{ 10, 5001, 0, "iops: gp3 has at most 500 a GiB" },
		{ 10, 5000, 0, NULL },
		{ 100, 0, 751, "throughput: gp3 has at most 1 MiB/s for 4 iops, that is 750" },
		{ 100, 4000, 1001, "that is 1000" },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct err e = { 0 };
		int rc = field_gp3(rows[i].gib, rows[i].iops, rows[i].throughput, &e);

		if ((rc == 0) != (rows[i].says == NULL) || (rc != 0 && strstr(e.text, rows[i].says) == NULL))
			fail_msg("row %zu: %s", i, err_text(&e));
	}
}

static void icmp_has_types_and_codes_for_ports(void **state)
{
	struct err e = { 0 };

	(void)state;
	assert_int_equal(field_icmp(8, 0, &e), 0);
	assert_int_equal(field_icmp(-1, -1, &e), 0);
	assert_int_equal(field_icmp(-1, 0, &e), 0); /* what is not given is 0 */
	assert_int_equal(field_icmp(3, -1, &e), 0);
	assert_int_equal(field_icmp(0, 65535, &e), -ERR_INVALID);
	assert_int_equal(field_icmp(256, 0, &e), -ERR_INVALID);
	assert_int_equal(field_icmp(-2, 0, &e), -ERR_INVALID);
	assert_int_equal(field_icmp(-1, 3, &e), -ERR_INVALID);
	assert_non_null(strstr(e.text, "all types (-1) have no code 3"));
}

static void a_path_of_a_node_is_read_in_one_way_alone(void **state)
{
	static const char *const good[] = { "/", "/health", "/api/v1/health?full=1&x=%20", "/a.b-c_d~e" };
	static const char *const bad[] = { "",          "health", "//health",         "/a//b", "/..", "/a/../b",   "/a b", "/a#b",
					   "/a\\b",     "/a@b",   "http://10.0.0.7/", "/a\nb", "/a*", "/\xc3\xa4", "/a;b", "/a:b",
					   "/%2e%2e..", "/a\"b" };
	char text[NODE_PATH_MAX + 2] = "/";

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(good); i++)
		assert_int_equal(field_node_path(good[i], "path", NULL), 0);
	for (size_t i = 0; i < ARRAY_LEN(bad); i++)
		assert_int_equal(field_node_path(bad[i], "path", NULL), -ERR_INVALID);
	memset(text + 1, 'a', NODE_PATH_MAX);
	assert_int_equal(field_node_path(text, "path", NULL), -ERR_INVALID);
	text[NODE_PATH_MAX] = '\0';
	assert_int_equal(field_node_path(text, "path", NULL), 0);
}

static void blanks_at_the_ends_are_no_part_of_a_text(void **state)
{
	size_t n;

	(void)state;
	assert_memory_equal(field_trim("  a b  ", &n), "a b", 3);
	assert_int_equal(n, 3);
	field_trim("   ", &n);
	assert_int_equal(n, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_description_has_the_characters_of_ec2),
		cmocka_unit_test(a_tag_has_the_characters_of_both_services),
		cmocka_unit_test(devices_are_one_by_their_letters),
		cmocka_unit_test(a_device_is_one_that_ec2_has_and_not_the_roots),
		cmocka_unit_test(types_profiles_and_keys_are_names),
		cmocka_unit_test(a_volume_has_what_gp3_has),
		cmocka_unit_test(icmp_has_types_and_codes_for_ports),
		cmocka_unit_test(a_path_of_a_node_is_read_in_one_way_alone),
		cmocka_unit_test(blanks_at_the_ends_are_no_part_of_a_text),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

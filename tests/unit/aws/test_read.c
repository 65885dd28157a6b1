/* test_read.c - members of an answer: what may be left out, what must be there, and what is not of its type. */
#include "tests/unit/aws/answers.h"

#include "agent/aws/read.h"

static void what_may_be_left_out_reads_as_nothing(void **state)
{
	ANSWER(a, "<r><full>x</full><empty/></r>");
	const char *s;
	uint32_t u = 9;
	int32_t i = 9;

	(void)state;
	assert_int_equal(read_text(a.arena, a.root, "full", READ_ID, &s, NULL), 0);
	assert_string_equal(s, "x");
	assert_int_equal(read_text(a.arena, a.root, "empty", READ_ID, &s, NULL), 0);
	assert_string_equal(s, "");
	assert_int_equal(read_text(a.arena, a.root, "none/at/all", READ_ID, &s, NULL), 0);
	assert_string_equal(s, "");
	assert_int_equal(read_u32(a.root, "none", &u, NULL), 0);
	assert_int_equal(u, 0);
	assert_int_equal(read_i32(a.root, "none", -1, &i, NULL), 0);
	assert_int_equal(i, -1);
}

static void what_must_be_there_is_named_when_it_is_not(void **state)
{
	ANSWER(a, "<Response><empty/><id>i-1</id></Response>");
	const struct xml_node *list = NULL;
	const char *s = "old";
	struct err e = { 0 };

	(void)state;
	assert_int_equal(read_must(a.arena, a.root, "id", READ_ID, &s, &e), 0);
	assert_string_equal(s, "i-1");
	assert_int_equal(read_must(a.arena, a.root, "empty", READ_ID, &s, &e), -ERR_INVALID);
	assert_string_equal(e.text, "Response has no empty");
	assert_string_equal(s, "i-1");
	assert_int_equal(read_list(a.root, "set", &list, &e), -ERR_INVALID);
	assert_string_equal(e.text, "Response has no set");
	assert_null(list);
	assert_int_equal(read_list(a.root, "empty", &list, &e), 0);
	assert_non_null(list);
}

static void a_number_is_whole_in_range_and_nothing_else(void **state)
{
	static const struct {
		const char *xml;
		int is_u32, is_i32;
	} cases[] = {
		{ "<r><n>0</n></r>", 1, 1 },          { "<r><n>4294967295</n></r>", 1, 0 },  { "<r><n>4294967296</n></r>", 0, 0 },
		{ "<r><n>-1</n></r>", 0, 1 },         { "<r><n>-2147483648</n></r>", 0, 1 }, { "<r><n>-2147483649</n></r>", 0, 0 },
		{ "<r><n>2147483648</n></r>", 1, 0 }, { "<r><n>12x</n></r>", 0, 0 },         { "<r><n/></r>", 0, 0 },
		{ "<r><n>1.5</n></r>", 0, 0 },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		ANSWER(a, cases[i].xml);
		uint32_t u = 77;
		int32_t n = 77;

		assert_int_equal(read_u32(a.root, "n", &u, NULL), cases[i].is_u32 ? 0 : -ERR_INVALID);
		assert_int_equal(read_i32(a.root, "n", 0, &n, NULL), cases[i].is_i32 ? 0 : -ERR_INVALID);
		assert_true(cases[i].is_u32 == (u != 77));
		assert_true(cases[i].is_i32 == (n != 77));
	}
}

static void texts_and_tags_are_those_of_the_items_alone(void **state)
{
	ANSWER(a, "<l><item><k>a</k><v>1</v></item><other><k>z</k></other><item><v>2</v></item><item><k>b</k></item></l>");
	struct ec2_tags tags = { 0 };
	const char **v;
	size_t n;

	(void)state;
	assert_int_equal(read_count(a.root, "item"), 3);
	assert_int_equal(read_texts(a.arena, a.root, "item", "k", READ_WORD, &v, &n, NULL), 0);
	assert_int_equal(n, 2);
	assert_string_equal(v[0], "a");
	assert_string_equal(v[1], "b");
	assert_int_equal(read_tags(a.arena, a.root, "item", "k", "v", &tags, NULL), 0);
	assert_int_equal(tags.n, 3);
	assert_string_equal(ec2_tag_get(&tags, "a"), "1");
	assert_string_equal(ec2_tag_get(&tags, "b"), "");
	assert_null(ec2_tag_get(&tags, "z"));
}

static void rows_grow_behind_what_was_there(void **state)
{
	ANSWER(a, "<set/>");
	int *v = read_grow(a.arena, a.root, NULL, 0, 3, sizeof(*v), NULL), *had = v;

	(void)state;
	assert_int_equal(v[0] + v[1] + v[2], 0);
	v[0] = 1;
	v[1] = 2;
	v[2] = v[3] = 9; /* rows of a page that was not good */
	v = read_grow(a.arena, a.root, v, 2, 2, sizeof(*v), NULL);
	assert_ptr_equal(v, had);
	assert_int_equal(v[0] + v[1], 3);
	assert_int_equal(v[2] + v[3], 0);
	v = read_grow(a.arena, a.root, v, 4, 1, sizeof(*v), NULL);
	assert_int_equal(v[0] + v[1], 3);
	assert_int_equal(v[2] + v[3] + v[4], 0);
}

static void copies_of_the_rows_before_do_not_add_up(void **state)
{
	ANSWER(a, "<set/>");
	size_t left = arena_left(a.arena);
	char *v = NULL;

	(void)state;
	for (size_t n = 0; n < 1000; n++) {
		v = read_grow(a.arena, a.root, v, n, 1, 256, NULL);
		assert_non_null(v);
		v[n * 256] = 'x';
	}
	assert_int_equal(strlen(v), 1);
	assert_true(left - arena_left(a.arena) <= 2 * 1024 * 256);
}

static void more_rows_than_a_limit_are_refused_with_the_list_and_the_limit(void **state)
{
	ANSWER(a, "<set/>");
	struct arena *full = arena_new_sized(READ_ANSWER_BYTES - 1);
	struct err e = { 0 };

	(void)state;
	assert_non_null(read_grow(a.arena, a.root, NULL, 0, READ_ROWS_MAX, 1, &e));
	assert_null(read_grow(a.arena, a.root, NULL, 0, READ_ROWS_MAX + 1, 1, &e));
	assert_int_equal(e.code, ERR_LIMIT);
	assert_string_equal(e.text, "set: 4097 rows behind 0; an answer may have 4096, a list 32768");
	assert_null(read_grow(a.arena, a.root, a.arena, READ_LIST_MAX, 1, 1, &e));
	assert_string_equal(e.text, "set: 1 rows behind 32768; an answer may have 4096, a list 32768");
	assert_null(read_grow(full, a.root, NULL, 0, 1, 1, &e));
	assert_string_equal(e.text, "set: no room for it: all that was read before it is too much");
	arena_free(full);
}

/* `unit`, n times over, as the text of an answer: is it of the form? */
static int checked(enum read_form form, const char *unit, size_t n, struct err *e)
{
	CLEANUP(buf_close) struct buf b = BUF_MAX(1u << 20);

	buf_adds(&b, "<row><id>");
	while (n-- > 0)
		buf_adds(&b, unit);
	buf_adds(&b, "</id></row>");
	{
		ANSWER(a, buf_str(&b));
		const char *s = NULL;
		int rc = read_must(a.arena, a.root, "id", form, &s, e);

		return rc == 0 && form == READ_SAYING ? (int)strlen(s) : rc;
	}
}

static void a_text_has_its_form_and_its_length_or_is_refused_by_its_place(void **state)
{
	static const struct {
		enum read_form form;
		const char *good, *bad;
		size_t most;
	} cases[] = {
		{ READ_ID, "Z", "&quot;", 64 },      { READ_ID, "-", "_", 64 },     { READ_ARN, ":", " ", 2048 },
		{ READ_ARN, "/", "\xc3\xa4", 2048 }, { READ_WORD, " ", "\n", 256 }, { READ_NAME, "\xf0\x9f\x98\x80", NULL, 256 },
		{ READ_KEY, "\xc3\xa4", NULL, 128 },
	};
	struct err e = { 0 };

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		assert_int_equal(checked(cases[i].form, cases[i].good, cases[i].most, &e), 0);
		assert_int_equal(checked(cases[i].form, cases[i].good, cases[i].most + 1, &e), -ERR_INVALID);
		if (cases[i].bad != NULL)
			assert_int_equal(checked(cases[i].form, cases[i].bad, 1, &e), -ERR_INVALID);
	}
	assert_int_equal(checked(READ_ID, "x", 60000, &e), -ERR_INVALID);
	assert_string_equal(e.text, "row: id is not at most 64 letters, digits and hyphens");
}

static void prose_is_cut_between_two_characters(void **state)
{
	(void)state;
	assert_int_equal(checked(READ_SAYING, "x", 1024, NULL), 1024);
	assert_int_equal(checked(READ_SAYING, "x", 60000, NULL), 1024);
	assert_int_equal(checked(READ_SAYING, "\xe2\x82\xac", 1000, NULL), 1023);
}

static void a_tag_beyond_the_limits_of_aws_makes_the_list_unread(void **state)
{
	CLEANUP(buf_close) struct buf b = BUF_MAX(1u << 20);
	struct ec2_tags tags = { 0 };
	struct err e = { 0 };

	(void)state;
	buf_adds(&b, "<l><item><k>a</k><v>1</v></item><item><k>b</k><v>");
	for (unsigned i = 0; i < 257; i++)
		buf_adds(&b, "v");
	buf_adds(&b, "</v></item></l>");
	{
		ANSWER(a, buf_str(&b));

		assert_int_equal(read_tags(a.arena, a.root, "item", "k", "v", &tags, &e), -ERR_INVALID);
		assert_string_equal(e.text, "item: v is not at most 256 characters");
		assert_int_equal(tags.n, 0);
	}
}

struct row {
	const char *id;
	unsigned value;
};

static bool differ_in_tens(const void *a, const void *b)
{
	return ((const struct row *)a)->value / 10 != ((const struct row *)b)->value / 10;
}

static void of_rows_with_one_id_the_newest_stays_in_the_place_of_the_first(void **state)
{
	char again[] = "a"; /* the same text in another place */
	struct row rows[] = { { "a", 1 }, { "b", 2 }, { again, 3 }, { "c", 4 }, { "b", 5 }, { "a", 16 } };
	struct row more[ARRAY_LEN(rows)];

	(void)state;
	memcpy(more, rows, sizeof(rows));
	assert_int_equal(read_join(rows, ARRAY_LEN(rows), sizeof(rows[0]), NULL), 3);
	assert_string_equal(rows[0].id, "a");
	assert_int_equal(rows[0].value, 16);
	assert_int_equal(rows[1].value, 5);
	assert_string_equal(rows[2].id, "c");
	assert_int_equal(read_join(more, ARRAY_LEN(more), sizeof(more[0]), differ_in_tens), 4);
	assert_int_equal(more[0].value, 3);
	assert_int_equal(more[3].value, 16);
	assert_int_equal(read_join(rows, 0, sizeof(rows[0]), NULL), 0);
}

static void many_rows_are_joined_as_few_are(void **state)
{
	enum { N = 5000 };
	struct row *rows = mem_alloc(N * sizeof(*rows));
	struct arena *m = arena_new_sized(1u << 20);

	(void)state;
	for (unsigned i = 0; i < N; i++)
		rows[i] = (struct row){ arena_printf(m, "i-%u", i % (N / 2)), i };
	assert_int_equal(read_join(rows, N, sizeof(*rows), NULL), N / 2);
	for (unsigned i = 0; i < N / 2; i++)
		assert_int_equal(rows[i].value, i + N / 2);
	arena_free(m);
	mem_free(rows);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_may_be_left_out_reads_as_nothing),
		cmocka_unit_test(what_must_be_there_is_named_when_it_is_not),
		cmocka_unit_test(a_number_is_whole_in_range_and_nothing_else),
		cmocka_unit_test(texts_and_tags_are_those_of_the_items_alone),
		cmocka_unit_test(rows_grow_behind_what_was_there),
		cmocka_unit_test(copies_of_the_rows_before_do_not_add_up),
		cmocka_unit_test(more_rows_than_a_limit_are_refused_with_the_list_and_the_limit),
		cmocka_unit_test(a_text_has_its_form_and_its_length_or_is_refused_by_its_place),
		cmocka_unit_test(prose_is_cut_between_two_characters),
		cmocka_unit_test(a_tag_beyond_the_limits_of_aws_makes_the_list_unread),
		cmocka_unit_test(of_rows_with_one_id_the_newest_stays_in_the_place_of_the_first),
		cmocka_unit_test(many_rows_are_joined_as_few_are),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

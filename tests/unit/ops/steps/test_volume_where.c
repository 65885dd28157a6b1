/* test_volume_where.c - how volumes stand is asked by both ownership tags, and what is not ours counts as not there. */
#include "agent/ops/steps/volume_where.h"
#include "tests/unit/ops/steps/asked.h"

#define VOLUMES(rows) "<R><volumeSet>" rows "</volumeSet></R>"
#define ROW(id, tags)                                                                                                              \
	"<item><volumeId>" id "</volumeId><status>in-use</status><attachmentSet><item><instanceId>i-1</instanceId>"                \
	"<status>attached</status></item></attachmentSet>" tags "</item>"
#define OTHER_TAGS                                                                                                                 \
	"<tagSet><item><key>resource-created-by</key><value>velodb</value></item><item><key>reeve:installation</key>"              \
	"<value>inst-2</value></item></tagSet>"

static void ask(struct kinds *t, struct request *req)
{
	*req = (struct request){ 0 };
	volume_where.ask(&t->x, req);
}

static void it_is_asked_for_by_both_ownership_tags(void **state)
{
	struct request req;
	struct kinds t;

	(void)state;
	asked_start(&t, &kind_attach_volume, "{\"volume\": \"vol-1\"}", VOLUMES(""));
	ask(&t, &req);
	assert_has(buf_str(&req.body), "Filter.1.Name=volume-id&Filter.1.Value.1=vol-1");
	assert_has(buf_str(&req.body), "Filter.2.Name=tag%3Aresource-created-by&Filter.2.Value.1=velodb");
	assert_has(buf_str(&req.body), "Filter.3.Name=tag%3Areeve%3Ainstallation&Filter.3.Value.1=inst-1");
	request_close(&req);
	asked_end(&t);
}

static void of_a_list_those_that_are_left_out_are_not_asked_for(void **state)
{
	struct request req;
	struct kinds t;

	(void)state;
	asked_start(&t, &kind_wait_modified, "{\"volumes\": [\"vol-1\", \"vol-2\", \"vol-3\"]}", VOLUMES(""));
	step_leave_out(&t.x, "vol-2", "is gone");
	ask(&t, &req);
	assert_has(buf_str(&req.body), "Filter.1.Value.1=vol-1&Filter.1.Value.2=vol-3&");
	request_close(&req);
	asked_end(&t);
}

static void a_volume_that_is_not_ours_counts_as_not_there(void **state)
{
	struct kinds t;

	(void)state;
	asked_start(&t, &kind_wait_modified, "{\"volumes\": [\"vol-1\"]}",
		    VOLUMES(ROW("vol-1", OUR_TAGS) ROW("vol-2", OTHER_TAGS) ROW("vol-3", "")));
	assert_string_equal(json_str_or(volume_where_row(&t.x, "vol-1"), "instance", ""), "i-1");
	assert_string_equal(json_str_or(volume_where_row(&t.x, "vol-1"), "attachment", ""), "attached");
	assert_null(volume_where_row(&t.x, "vol-2"));
	assert_null(volume_where_row(&t.x, "vol-3"));
	assert_null(volume_where_row(&t.x, "vol-4"));
	asked_end(&t);
}

/* One page of several would make volumes look gone. */
static void an_answer_that_is_not_whole_tells_nothing(void **state)
{
	struct kinds t;

	(void)state;
	asked_start(&t, &kind_wait_modified, "{\"volumes\": [\"vol-1\"]}", VOLUMES(""));
	assert_false(kinds_see(&t, &volume_where, "<R><volumeSet/><nextToken>t</nextToken></R>"));
	asked_end(&t);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(it_is_asked_for_by_both_ownership_tags),
		cmocka_unit_test(of_a_list_those_that_are_left_out_are_not_asked_for),
		cmocka_unit_test(a_volume_that_is_not_ours_counts_as_not_there),
		cmocka_unit_test(an_answer_that_is_not_whole_tells_nothing),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

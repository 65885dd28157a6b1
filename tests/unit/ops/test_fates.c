/* test_fates.c - a warehouse that could not be made, and one that was deleted, are known as that until a spec stands again. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <cmocka.h>

#include "agent/base/json.h"
#include "agent/base/mem.h"
#include "agent/base/str.h"
#include "agent/ops/fates.h"

static json_t *result_of(const char *state, bool started)
{
	json_t *j = json_pack("{s:s}", "state", state);

	if (started)
		json_object_set_new(j, "started_ms", json_integer(1));
	return j;
}

struct told {
	enum verb_index verb;
	const char *state;
	bool started, is_plan;
	const char *planned; /* the record's members */
};

static void end(struct fates *s, struct wanted *w, const char *warehouse, const struct told *t)
{
	CLEANUP(json_close) json_t *result = result_of(t->state, t->started), *planned = json_loads(t->planned, 0, NULL);
	uint8_t none[1] = { 0 };
	ProtobufCBinaryData args = { 0, none };
	struct wanted_end e = { warehouse, "op-1", verb_at(t->verb), &args, result, t->is_plan };

	fates_ended(s, w, &e, planned);
	wanted_ended(w, &e);
}

#define NOTHING "{\"found\": null}"
#define SOMETHING "{\"found\": {\"be\": {\"up\": 1}}}"

static const struct {
	const char *says;
	struct told t[3];
	size_t n;
	enum fate fate;
} lives[] = {
	{ "made", { { VERB_WAREHOUSE_APPLY, "SUCCEEDED", true, false, NOTHING } }, 1, FATE_NONE },
	{ "not made, and what it had made was taken back",
	  { { VERB_WAREHOUSE_APPLY, "ROLLED_BACK", true, false, NOTHING } },
	  1,
	  FATE_CREATE_FAILED },
	{ "nobody knows how it ended", { { VERB_WAREHOUSE_APPLY, "INDETERMINATE", true, false, NOTHING } }, 1, FATE_CREATE_FAILED },
	{ "denied before it began", { { VERB_WAREHOUSE_APPLY, "DENIED", false, false, NOTHING } }, 1, FATE_NONE },
	{ "a plan alone", { { VERB_WAREHOUSE_APPLY, "FAILED", true, true, NOTHING } }, 1, FATE_NONE },
	{ "it stood before this journal began", { { VERB_WAREHOUSE_APPLY, "FAILED", true, false, SOMETHING } }, 1, FATE_NONE },
	{ "an older version has planned it", { { VERB_WAREHOUSE_APPLY, "FAILED", true, false, "{}" } }, 1, FATE_NONE },
	{ "one that stood is changed in vain",
	  { { VERB_WAREHOUSE_APPLY, "SUCCEEDED", true, false, NOTHING },
	    { VERB_WAREHOUSE_APPLY, "FAILED", true, false, SOMETHING } },
	  2,
	  FATE_NONE },
	{ "a second try fails, too",
	  { { VERB_WAREHOUSE_APPLY, "FAILED", true, false, NOTHING }, { VERB_WAREHOUSE_APPLY, "FAILED", true, false, SOMETHING } },
	  2,
	  FATE_CREATE_FAILED },
	{ "a second try is well",
	  { { VERB_WAREHOUSE_APPLY, "FAILED", true, false, NOTHING },
	    { VERB_WAREHOUSE_APPLY, "SUCCEEDED", true, false, SOMETHING } },
	  2,
	  FATE_NONE },
	{ "deleted",
	  { { VERB_WAREHOUSE_APPLY, "SUCCEEDED", true, false, NOTHING },
	    { VERB_WAREHOUSE_DELETE, "SUCCEEDED", true, false, SOMETHING } },
	  2,
	  FATE_DELETED },
	{ "deleted, and nothing of it was left",
	  { { VERB_WAREHOUSE_DELETE, "SUCCEEDED", false, false, NOTHING } },
	  1,
	  FATE_DELETED },
	{ "a plan of a deletion", { { VERB_WAREHOUSE_DELETE, "SUCCEEDED", false, true, SOMETHING } }, 1, FATE_NONE },
	{ "a deletion in vain", { { VERB_WAREHOUSE_DELETE, "FAILED", true, false, SOMETHING } }, 1, FATE_NONE },
	{ "not made, then deleted",
	  { { VERB_WAREHOUSE_APPLY, "FAILED", true, false, NOTHING },
	    { VERB_WAREHOUSE_DELETE, "SUCCEEDED", true, false, SOMETHING } },
	  2,
	  FATE_DELETED },
	{ "deleted, and not made again",
	  { { VERB_WAREHOUSE_DELETE, "SUCCEEDED", true, false, SOMETHING },
	    { VERB_WAREHOUSE_APPLY, "ROLLED_BACK", true, false, NOTHING } },
	  2,
	  FATE_CREATE_FAILED },
	{ "a reboot changes nothing of that",
	  { { VERB_WAREHOUSE_DELETE, "SUCCEEDED", true, false, SOMETHING },
	    { VERB_CLUSTER_REBOOT, "FAILED", true, false, SOMETHING } },
	  2,
	  FATE_DELETED },
};

static void how_its_commands_ended_says_what_became_of_it(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(lives); i++) {
		struct fates s = { .n = 0 }, back = { .n = 0 };
		struct wanted w = { .n = 0 };
		json_t *list;

		for (size_t k = 0; k < lives[i].n; k++)
			end(&s, &w, "wh-1", &lives[i].t[k]);
		if (fates_of(&s, "wh-1") != lives[i].fate)
			fail_msg("%s: %d", lives[i].says, fates_of(&s, "wh-1"));
		assert_int_equal(fates_of(&s, "wh-2"), FATE_NONE);
		list = fates_list(&s);
		fates_replay(&back, list);
		assert_int_equal(fates_of(&back, "wh-1"), lives[i].fate);
		json_decref(list);
		wanted_close(&w);
	}
}

static void the_newest_are_known_and_a_warehouse_stands_once_among_them(void **state)
{
	struct told gone = { VERB_WAREHOUSE_DELETE, "SUCCEEDED", true, false, NOTHING };
	struct fates s = { .n = 0 };
	struct wanted w = { .n = 0 };
	char name[16];

	(void)state;
	for (unsigned i = 0; i < FATES_MAX + 1; i++) {
		snprintf(name, sizeof(name), "wh-%u", i);
		end(&s, &w, name, &gone);
		end(&s, &w, "wh-0", &gone);
	}
	assert_int_equal(s.n, FATES_MAX);
	assert_int_equal(fates_of(&s, name), FATE_DELETED);
	assert_int_equal(fates_of(&s, "wh-0"), FATE_DELETED);
	assert_int_equal(fates_of(&s, "wh-1"), FATE_NONE);
	wanted_close(&w);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(how_its_commands_ended_says_what_became_of_it),
		cmocka_unit_test(the_newest_are_known_and_a_warehouse_stands_once_among_them),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

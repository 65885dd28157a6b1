/* test_creds_refresh.c - the rules that AWS's SDKs share for renewing keys, case by case, against a source that does as it is told.
 * A row says what is cached, and then step by step what the source would answer, what the asker gets, and whether it was asked. */
#include "tests/unit/aws/askers.h"

#include "agent/aws/creds_source.h"

#define LIFE_S 3600 /* an advisory window of 15 minutes */

enum answer { NOTHING, FRESH, STALE, DOWN, REFUSED };
enum told { OLD, NEW, ERROR, DENIED };

struct script {
	struct creds_source source;
	struct world *w;
	struct timer later;
	enum answer answer;
	unsigned asked, made, life_s;
};

static const struct creds_why no_answer = { .action = "sts:AssumeRole", .class = AWS_AMBIGUOUS };

static void on_later(struct timer *t)
{
	struct script *s = container_of(t, struct script, later);
	struct keys k = { 0 };
	struct err e = { 0 };

	if (s->answer == DOWN) {
		err_set(&e, ERR_NET, "nobody is there");
		creds_renewed(s->source.creds, -ERR_NET, &k, &e, &no_answer);
		return;
	}
	if (s->answer == REFUSED) {
		err_set(&e, ERR_DENIED, "AccessDenied");
		creds_refused(s->source.creds, &e, &no_answer);
		return;
	}
	snprintf(k.id, sizeof(k.id), "KEY%u", ++s->made);
	k.expires_ms = world_wall_ms(s->w) + (s->answer == FRESH ? (int64_t)s->life_s * 1000 : 0);
	creds_renewed(s->source.creds, 0, &k, &e, &no_answer);
	keys_close(&k);
}

static void on_ask(struct creds_source *source)
{
	struct script *s = container_of(source, struct script, source);

	assert_int_not_equal(s->answer, NOTHING);
	s->asked++;
	timer_start(s->w, &s->later, 10, on_later);
}

static void on_cancel(struct creds_source *source)
{
	struct script *s = container_of(source, struct script, source);

	timer_start(s->w, &s->later, 0, on_later);
}

static void on_free(struct creds_source *source)
{
	(void)source;
}

static struct script open_script(struct cloud *c)
{
	return (struct script){ .source = { .name = "script", .ask = on_ask, .cancel = on_cancel, .free = on_free },
				.w = c->w,
				.life_s = LIFE_S };
}

/* ---- the cases --------------------------------------------------------------------------------------------------------- */

struct step {
	char what;   /* g: somebody asks; r: AWS refuses the keys in hand; o: it refuses others; w: time passes; 0: the end */
	unsigned at; /* w: seconds */
	enum answer answer;
	enum told told;
	bool asks;
};

#define NONE 0
#define LEFT(s) (s)
#define G(answer, told, asks)                                                                                                      \
	{                                                                                                                          \
		'g', 0, answer, told, asks                                                                                         \
	}
#define W(s)                                                                                                                       \
	{                                                                                                                          \
		'w', s, NOTHING, OLD, false                                                                                        \
	}
#define REFUSE                                                                                                                     \
	{                                                                                                                          \
		'r', 0, NOTHING, OLD, false                                                                                        \
	}
#define REFUSE_OTHERS                                                                                                              \
	{                                                                                                                          \
		'o', 0, NOTHING, OLD, false                                                                                        \
	}

/* clang-format off */
static const struct {
	const char *name;
	int left_s; /* of what is cached */
	struct step steps[6];
} cases[] = {
	{ "good keys",                          LEFT(1800), { G(NOTHING, OLD, false) } },
	{ "advisory, a success",                LEFT(600),  { G(FRESH, NEW, true) } },
	{ "advisory, a failure",                LEFT(600),  { G(DOWN, OLD, true), G(NOTHING, OLD, false) } },
	{ "last minute, a success",             LEFT(30),   { G(FRESH, NEW, true) } },
	{ "last minute, a failure",             LEFT(30),   { G(DOWN, OLD, true), G(NOTHING, OLD, false) } },
	{ "expired, a success",                 LEFT(-1),   { G(FRESH, NEW, true) } },
	{ "expired, a failure",                 LEFT(-1),   { G(DOWN, OLD, true), G(NOTHING, OLD, false) } },
	{ "no keys, a failure is not kept",     NONE,       { G(DOWN, ERROR, true), G(FRESH, NEW, true) } },
	{ "advisory, expired ones are brought", LEFT(600),  { G(STALE, OLD, true), G(NOTHING, OLD, false) } },
	{ "last minute, expired are brought",   LEFT(30),   { G(STALE, OLD, true), G(NOTHING, OLD, false) } },
	{ "advisory, a refusal",                LEFT(600),  { G(REFUSED, DENIED, true), G(FRESH, NEW, true) } },
	{ "last minute, a refusal",             LEFT(30),   { G(REFUSED, DENIED, true), G(FRESH, NEW, true) } },
	{ "expired, refusals",                  LEFT(-1),   { G(REFUSED, DENIED, true), G(REFUSED, DENIED, true), G(DOWN, OLD, true),
	                                                      G(NOTHING, OLD, false) } },
	{ "no keys, a refusal",                 NONE,       { G(REFUSED, DENIED, true), G(FRESH, NEW, true) } },
	{ "refused by AWS, a success",          LEFT(1800), { REFUSE, G(FRESH, NEW, true) } },
	{ "refused by AWS, a failure",          LEFT(1800), { REFUSE, G(DOWN, OLD, true), G(NOTHING, OLD, false) } },
	{ "refused by AWS while it stays away", LEFT(-1),   { G(DOWN, OLD, true), W(60), REFUSE, G(NOTHING, OLD, false), W(600),
	                                                      G(FRESH, NEW, true) } },
	{ "others refused by AWS",              LEFT(1800), { REFUSE_OTHERS, G(NOTHING, OLD, false) } },
	{ "it stays away for five minutes",     LEFT(-1),   { G(DOWN, OLD, true), W(298), G(NOTHING, OLD, false), W(305),
	                                                      G(FRESH, NEW, true) } },
};
/* clang-format on */

static void get(struct cloud *c, struct creds *creds, struct script *s, const struct step *step)
{
	struct ask a = { 0 };
	unsigned asked = s->asked, made = s->made;
	char id[32];

	s->answer = step->answer;
	snprintf(id, sizeof(id), "KEY%u", step->told == NEW ? made + 1 : 1);
	ask(c, creds, &a);
	assert_int_equal(s->asked - asked, step->asks);
	assert_int_equal(a.rc, step->told == ERROR ? -ERR_NET : step->told == DENIED ? -ERR_DENIED : 0);
	if (step->told == DENIED)
		assert_non_null(strstr(a.req.err.text, "AccessDenied"));
	if (a.rc == 0)
		assert_string_equal(a.req.keys.id, id);
	keys_close(&a.req.keys);
}

static void run(struct cloud *c, struct creds *creds, struct script *s, const struct step *step)
{
	for (; step->what != '\0'; step++) {
		if (step->what == 'g')
			get(c, creds, s, step);
		else if (step->what == 'w')
			cloud_pass(c, step->at * 1000);
		else
			creds_reject(creds, step->what == 'r' ? "KEY1" : "KEY0");
	}
}

static void keys_are_renewed_by_the_rules_that_the_sdks_share(void **state)
{
	static const struct step first = G(FRESH, NEW, true);
	struct cloud *c = *state;

	for (size_t i = 0; i < 2 * ARRAY_LEN(cases); i++) {
		struct script s = open_script(c);
		struct creds *creds = creds_new(c->w, &s.source);

		s.source.brings_others = i >= ARRAY_LEN(cases);
		print_message("           %s\n", cases[i % ARRAY_LEN(cases)].name);
		if (cases[i % ARRAY_LEN(cases)].left_s != NONE) {
			get(c, creds, &s, &first);
			cloud_pass(c, (uint64_t)(LIFE_S - cases[i % ARRAY_LEN(cases)].left_s) * 1000);
		}
		run(c, creds, &s, cases[i % ARRAY_LEN(cases)].steps);
		close_creds(c, creds);
	}
}

/* The first life has a window of an hour, the second one of five minutes. */
static void the_advisory_window_follows_the_life_of_the_last_keys(void **state)
{
	static const struct step fresh = G(FRESH, NEW, true), none = G(NOTHING, OLD, false);
	struct cloud *c = *state;
	struct script s = open_script(c);
	struct creds *creds = creds_new(c->w, &s.source);

	s.life_s = 21600;
	get(c, creds, &s, &fresh);
	cloud_pass(c, 17900 * 1000);
	get(c, creds, &s, &none);
	cloud_pass(c, 160 * 1000);
	s.life_s = 600;
	get(c, creds, &s, &fresh);
	cloud_pass(c, 290 * 1000);
	s.made = 0;
	s.answer = NOTHING;
	{
		struct ask a = { 0 };

		assert_int_equal(ask(c, creds, &a), 0);
		assert_string_equal(a.req.keys.id, "KEY2");
		keys_close(&a.req.keys);
	}
	cloud_pass(c, 20 * 1000);
	get(c, creds, &s, &fresh);
	close_creds(c, creds);
}

/* ---- many askers ------------------------------------------------------------------------------------------------------- */

static void who_starts_an_advisory_renewal_waits_for_it_and_others_get_the_old_keys(void **state)
{
	static const struct step first = G(FRESH, NEW, true);
	struct cloud *c = *state;
	struct script s = open_script(c);
	struct creds *creds = creds_new(c->w, &s.source);
	struct ask a[3] = { 0 };

	get(c, creds, &s, &first);
	cloud_pass(c, (LIFE_S - 600) * 1000);
	for (size_t i = 0; i < ARRAY_LEN(a); i++)
		start(creds, &a[i]);
	cloud_wait(c, &a[2].done);
	assert_true(a[1].done);
	assert_false(a[0].done);
	cloud_wait(c, &a[0].done);
	assert_string_equal(a[0].req.keys.id, "KEY2");
	for (size_t i = 1; i < ARRAY_LEN(a); i++)
		assert_string_equal(a[i].req.keys.id, "KEY1");
	assert_int_equal(s.asked, 2);
	for (size_t i = 0; i < ARRAY_LEN(a); i++)
		keys_close(&a[i].req.keys);
	close_creds(c, creds);
}

static void a_refusal_is_told_to_all_who_waited_and_the_source_is_asked_once_a_second(void **state)
{
	struct cloud *c = *state;
	struct script s = open_script(c);
	struct creds *creds = creds_new(c->w, &s.source);
	uint64_t since_ms = world_now_ms(c->w);
	struct ask a[20] = { 0 };

	for (s.answer = REFUSED; world_now_ms(c->w) - since_ms < 60000;) {
		for (size_t i = 0; i < ARRAY_LEN(a); i++)
			start(creds, &a[i]);
		for (size_t i = 0; i < ARRAY_LEN(a); i++) {
			cloud_wait(c, &a[i].done);
			assert_int_equal(a[i].rc, -ERR_DENIED);
		}
	}
	assert_in_range(s.asked, 30, 61);
	close_creds(c, creds);
}

/* The question that waits for its second is told to its asker too. */
static void closing_cancels_who_waits_for_a_question_s_turn(void **state)
{
	static const struct step down = G(DOWN, ERROR, true);
	struct cloud *c = *state;
	struct script s = open_script(c);
	struct creds *creds = creds_new(c->w, &s.source);
	struct ask a[2] = { 0 };

	get(c, creds, &s, &down);
	start(creds, &a[0]);
	cloud_pass(c, 100);
	start(creds, &a[1]);
	creds_cancel(&a[1].req);
	cloud_wait(c, &a[1].done);
	assert_int_equal(a[1].rc, -ERR_CANCELED);
	assert_false(a[0].done);
	close_creds(c, creds);
	assert_int_equal(a[0].rc, -ERR_CANCELED);
	assert_int_equal(s.asked, 1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		CLOUD_TEST(keys_are_renewed_by_the_rules_that_the_sdks_share),
		CLOUD_TEST(the_advisory_window_follows_the_life_of_the_last_keys),
		CLOUD_TEST(who_starts_an_advisory_renewal_waits_for_it_and_others_get_the_old_keys),
		CLOUD_TEST(a_refusal_is_told_to_all_who_waited_and_the_source_is_asked_once_a_second),
		CLOUD_TEST(closing_cancels_who_waits_for_a_question_s_turn),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

/* fuzz_inbox.c - what the vendor wants: unsigned bytes are never accepted and freshen no head; a signed command is accepted only
 * if it is bound to this installation and is the first of its epoch. */
#include "tests/unit/control/desk.h"

#include "tests/fuzz/fuzz.h"

static void give(struct desk *d, const void *intent, size_t len)
{
	struct err e = { 0 };

	if (inbox_take(&d->in, intent, len, &e) != 0)
		FUZZ_MUST(e.text[0] != '\0');
	desk_settle(d);
}

/* The bytes signed as they are, alone in an intent. */
static void give_signed(struct desk *d, const char *s, size_t len, bool is_head)
{
	intent_t i = REEVE__CONTROL__V1__INTENT__INIT;
	signed_t *one = desk_signed(s, len, is_head ? &d->head : &d->command, is_head ? SIGN_DOMAIN_HEAD : SIGN_DOMAIN_COMMAND);
	CLEANUP(mem_close) uint8_t *bytes = NULL;

	i.epoch = 1;
	i.head = is_head ? one : NULL;
	i.commands = &one;
	i.n_commands = is_head ? 0 : 1;
	bytes = mem_alloc(reeve__control__v1__intent__get_packed_size(&i) + 1);
	give(d, bytes, reeve__control__v1__intent__pack(&i, bytes));
	reeve__control__v1__signed__free_unpacked(one, NULL);
}

static void must_be_ours(const char *s, size_t len)
{
	command_t *c = reeve__control__v1__command__unpack(NULL, len, (const uint8_t *)s);

	FUZZ_MUST(c != NULL && c->seq == 1 && c->command_id.len == 16 && c->binding != NULL);
	FUZZ_MUST(strcmp(c->binding->installation, "inst-1") == 0 && strcmp(c->binding->account, "123456789012") == 0);
	FUZZ_MUST(strcmp(c->binding->region, "us-east-1") == 0 && strcmp(c->binding->role_id, "AROAX") == 0);
	reeve__control__v1__command__free_unpacked(c, NULL);
}

void fuzz_one(const char *s, size_t len)
{
	unsigned how = fuzz_choice(&s, &len) % 3;
	void *state = NULL;
	struct desk *d;

	desk_start(&state);
	d = state;
	if (how == 0)
		give(d, s, len);
	else
		give_signed(d, s, len, how == 1);
	FUZZ_MUST(ops_accepted(d->ops) <= 1);
	FUZZ_MUST(how == 1 || !inbox_head_is_fresh(&d->in));
	FUZZ_MUST(how == 2 || ops_accepted(d->ops) == 0);
	if (ops_accepted(d->ops) == 1)
		must_be_ours(s, len);
	desk_end(&state);
}

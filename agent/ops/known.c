/* known.c - see known.h. */
#include "agent/ops/known.h"

#include <string.h>

#include "agent/base/enc.h"
#include "agent/base/json.h"
#include "agent/base/mem.h"

const struct known_command *known_by_id(const struct known *k, const uint8_t id[UUID_LEN])
{
	for (size_t i = k->n; i-- > 0;)
		if (memcmp(k->v[i].id, id, UUID_LEN) == 0)
			return &k->v[i];
	return NULL;
}

const struct known_command *known_by_seq(const struct known *k, uint64_t epoch, uint64_t seq)
{
	for (size_t i = k->n; i-- > 0;)
		if (k->v[i].epoch == epoch && k->v[i].seq == seq)
			return &k->v[i];
	return NULL;
}

static void forget_oldest(struct known *k, int64_t now_ms)
{
	int64_t at = uuid_v7_ms(k->v[0].id);

	/* An id whose time lies ahead would make every other new id look like a forgotten one. */
	at = at < now_ms ? at : now_ms;
	if (at > k->forgotten_ms)
		k->forgotten_ms = at;
	memmove(k->v, k->v + 1, --k->n * sizeof(*k->v));
}

bool known_is_body(const struct known_command *c, const struct digest *body)
{
	static const uint8_t none[KNOWN_BODY_LEN];

	return memcmp(c->body, none, sizeof(none)) == 0 || memcmp(c->body, body->b, sizeof(c->body)) == 0;
}

void known_add(struct known *k, const struct known_command *c, int64_t now_ms)
{
	/* A checkpoint names an open command twice: in its list of ids, and in the record of its acceptance. */
	if (known_by_id(k, c->id) != NULL)
		return;
	if (k->v == NULL)
		k->v = mem_alloc(KNOWN_MAX * sizeof(*k->v));
	if (k->n == KNOWN_MAX)
		forget_oldest(k, now_ms);
	k->v[k->n++] = *c;
}

void known_records(const struct known *k, json_t *to)
{
	json_t *list = json_array();
	char id[UUID_TEXT_LEN], body[2 * KNOWN_BODY_LEN + 1];

	for (size_t i = 0; i < k->n; i++)
		json_array_append_new(list, json_pack("[s, I, I, s]", uuid_text(k->v[i].id, id), (json_int_t)k->v[i].epoch,
						      (json_int_t)k->v[i].seq, enc_hex(k->v[i].body, KNOWN_BODY_LEN, body)));
	if (k->n > 0)
		json_array_append_new(
		    to, json_pack("[s, {s:O, s:I}, i]", "known", "commands", list, "forgotten_ms", (json_int_t)k->forgotten_ms, 0));
	json_decref(list);
}

void known_replay(struct known *k, const json_t *record)
{
	const json_t *list = json_object_get(record, "commands");
	int64_t forgotten = json_int_or(record, "forgotten_ms", 0);

	for (size_t i = 0; i < json_array_size(list); i++) {
		const json_t *r = json_array_get(list, i), *id = json_array_get(r, 0), *body = json_array_get(r, 3);
		struct known_command c = { .epoch = (uint64_t)json_integer_value(json_array_get(r, 1)),
					   .seq = (uint64_t)json_integer_value(json_array_get(r, 2)) };

		/* A hash that cannot be read counts as not known: the id still keeps the command from being taken twice. */
		if (json_is_string(body) && enc_unhex(json_string_value(body), c.body, sizeof(c.body)) != 0)
			memset(c.body, 0, sizeof(c.body));
		if (json_is_string(id) && uuid_parse(json_string_value(id), c.id) == 0)
			known_add(k, &c, forgotten);
	}
	if (forgotten > k->forgotten_ms)
		k->forgotten_ms = forgotten;
}

void known_close(struct known *k)
{
	mem_free(k->v);
	*k = (struct known){ 0 };
}

/* vendor_local.c - what the agent begins by itself: nobody sent it, it stands on a command that was, and its result is told until
 * its id acknowledges it. */
#include "tests/sim/vendor_sim_impl.h"

static struct vendor_local *local_of(struct vendor_sim *v, const ProtobufCBinaryData *id)
{
	for (size_t i = 0; i < v->locals_n; i++)
		if (memcmp(v->locals[i].id, id->data, UUID_LEN) == 0)
			return &v->locals[i];
	return NULL;
}

static bool stands_on_a_command(const struct vendor_sim *v, const Reeve__Control__V1__Status *s)
{
	for (size_t i = 0; i < v->n; i++)
		if (s->stands_on.len == UUID_LEN && memcmp(v->commands[i].id, s->stands_on.data, UUID_LEN) == 0)
			return v->commands[i].flaw == FLAW_NONE;
	return false;
}

static struct vendor_local *local_for(struct vendor_sim *v, const ProtobufCBinaryData *id)
{
	struct vendor_local *l = local_of(v, id);

	if (l != NULL || v->locals_n == VENDOR_LOCALS_MAX)
		return l;
	l = &v->locals[v->locals_n++];
	*l = (struct vendor_local){ .result = BUF_MAX(1u << 20) };
	memcpy(l->id, id->data, UUID_LEN);
	uuid_text(l->id, l->id_text);
	return l;
}

bool vendor_take_local(struct vendor_sim *v, const Reeve__Control__V1__Status *s, const struct buf *packed)
{
	struct vendor_local *l;

	if (s->seq != 0 || s->epoch != 0 || s->command_id.len != UUID_LEN || !stands_on_a_command(v, s))
		return false;
	l = local_for(v, &s->command_id);
	if (l == NULL) {
		odds_broken(v->odds, "more than %d operations of the agent's own", VENDOR_LOCALS_MAX);
		return true;
	}
	if (l->result.len > 0 && (packed->len != l->result.len || memcmp(packed->data, l->result.data, packed->len) != 0))
		odds_broken(v->odds, "the result of %s %s reads differently the second time", s->verb, l->id_text);
	else if (l->result.len == 0 && s->state >= REEVE__CONTROL__V1__STATE__SUCCEEDED)
		buf_add(&l->result, packed->data, packed->len);
	if (l->state != s->state)
		sim_trace(v->w, "local %s %s %s", s->verb, vendor_state_name(s->state), s->error != NULL ? s->error->message : "");
	l->state = s->state;
	l->is_told = true;
	v->news = v->news || l->result.len > 0;
	return true;
}

size_t vendor_add_locals(struct vendor_sim *v, ProtobufCBinaryData *ids, size_t n)
{
	for (size_t i = 0; i < v->locals_n; i++)
		if (v->locals[i].is_told && v->locals[i].result.len > 0)
			ids[n++] = (ProtobufCBinaryData){ UUID_LEN, v->locals[i].id };
	return n;
}

bool vendor_tells_locals(const struct vendor_sim *v)
{
	for (size_t i = 0; i < v->locals_n; i++)
		if (v->locals[i].is_told)
			return true;
	return false;
}

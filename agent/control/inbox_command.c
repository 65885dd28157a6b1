/* inbox_command.c - what a command says, judged once it is known that it was signed, is ours and has its turn. */
#include "agent/base/str.h"
#include "agent/control/inbox_impl.h"
#include "agent/ops/verb.h"

#define SCHEMA 1
#define STATE(name) REEVE__CONTROL__V1__STATE__##name

/* The first row that fits.
 *
 *   a head has cancelled it                          CANCELLED
 *   schema, verb or mode of a newer version          REJECTED_UNSUPPORTED
 *   a verb that is the agent's own                   REJECTED_UNSUPPORTED
 *   no expiry, or it is over                         EXPIRED
 *   its target is no id, or its arguments are wrong  FAILED      (some verbs may have none: verb.h)
 *   else                                             it is carried out: 0
 */
int inbox_command_judge(const struct inbox *in, const command_t *c, struct err *e)
{
	const struct verb *verb = verb_of(c->verb);

	/* Asked first: whatever else is wrong with it, the vendor has said that it is not to be carried out. */
	if (inbox_head_calls_off(in, c->command_id.data)) {
		err_set(e, ERR_CANCELED, "cancelled by the vendor before it was accepted");
		return STATE(CANCELLED);
	}
	if (c->schema != SCHEMA) {
		err_set(e, ERR_UNSUPPORTED, "schema %u is not known to this version", c->schema);
		return STATE(REJECTED_UNSUPPORTED);
	}
	if (verb == NULL || verb->is_local) {
		err_set(e, ERR_UNSUPPORTED,
			verb == NULL ? "verb %d is not known to this version"
				     : "verb %d is the agent's own: no command asks for it",
			(int)c->verb);
		return STATE(REJECTED_UNSUPPORTED);
	}
	if (c->mode != REEVE__CONTROL__V1__MODE__PLAN && c->mode != REEVE__CONTROL__V1__MODE__EXECUTE) {
		err_set(e, ERR_UNSUPPORTED, "mode %d is not known to this version", (int)c->mode);
		return STATE(REJECTED_UNSUPPORTED);
	}
	/* 0 is proto3's word for a member that was left out. A command that is good for ever is none that anybody meant. */
	if (c->expires_at == 0 || world_wall_ms(in->w) >= c->expires_at) {
		err_set(e, ERR_TIMEOUT, c->expires_at == 0 ? "it has no expiry" : "it had expired before it came");
		return STATE(EXPIRED);
	}
	if (!(verb->may_be_of_all && *c->target == '\0') && !str_is_id(c->target, 32)) {
		err_set(e, ERR_INVALID, "target: expected 1 to 32 of [a-z0-9-]");
		return STATE(FAILED);
	}
	return verb_judge(verb, c, e) == 0 ? 0 : STATE(FAILED);
}

/* aws_sim_birth.c - how a new instance comes up, or dies before it does. */
#include "tests/sim/aws_sim_impl.h"

/* EC2 API reference, StateReason; EC2 User Guide, "Instance terminates immediately". */
static const struct {
	enum tally_kind kind;
	const char *code, *message;
} deaths[] = {
	{ TALLY_AWS_STILLBORN, "Server.InternalError", "Server.InternalError: Internal error on launch" },
	{ TALLY_AWS_DEAD_KMS, "Client.InvalidKMSKey.InvalidState",
	  "Client.InvalidKMSKey.InvalidState: The KMS key provided is in an incorrect state" },
	{ TALLY_AWS_DEAD_CLIENT, "Client.InternalError", "Client.InternalError: Client error on launch" },
	{ TALLY_AWS_DEAD_VOLUMES, "Client.VolumeLimitExceeded", "Client.VolumeLimitExceeded: Volume limit exceeded" },
	{ TALLY_AWS_DEAD_CAPACITY, "Server.InsufficientInstanceCapacity",
	  "Server.InsufficientInstanceCapacity: Insufficient capacity to satisfy instance request" },
};

/* The first kind dies at any time of its start, the others at once: nobody has seen them pending. */
void aws_birth(struct aws_sim *a, struct aws_instance *i)
{
	uint64_t now = aws_now(a);

	i->running_ms = now + odds_between(a->odds, a->least_up_s, a->most_up_s) * 1000;
	aws_check_from(a, i, i->running_ms);
	aws_node_born(a, i, i->running_ms);
	for (unsigned d = 0; d < ARRAY_LEN(deaths); d++) {
		if (!odds_hit(a->odds, deaths[d].kind))
			continue;
		i->death = d;
		i->stillborn_ms = d == 0 ? odds_between(a->odds, now + 1000, i->running_ms) : now + 1;
		aws_end_instance(a, i, i->stillborn_ms);
		if (d > 0)
			i->terminated_ms = i->stillborn_ms;
		return;
	}
}

void aws_write_death(const struct aws_instance *i, struct buf *b)
{
	xmlw_text(b, "code", "%s", deaths[i->death].code);
	xmlw_text(b, "message", "%s", deaths[i->death].message);
}

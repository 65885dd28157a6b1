/* sm.c - see sm.h. */
#include "agent/base/sm.h"

#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>

#include "agent/base/log.h"

/* A table may have holes: they are no states either. */
static bool is_state(const struct sm_machine *machine, unsigned state)
{
	return state < machine->states_n && machine->states[state].name != NULL;
}

static void stop(const struct sm_machine *machine, const char *from, unsigned to, const char *why)
{
	char number[32];
	const char *name = number;

	snprintf(number, sizeof(number), "number %u", to);
	if (is_state(machine, to))
		name = machine->states[to].name;
	log_error("bug.state", "machine=%s from=%s to=%s err=%s", machine->name, from, name, why);
	/* What an owner in an impossible state would do next, on the disk or in AWS, is worse than a restart, which goes on from
	 * the journal. */
	abort();
}

void sm_init(struct sm *m, const struct sm_machine *machine, unsigned start)
{
	if (!is_state(machine, start))
		stop(machine, "", start, "it cannot begin in a state that the table does not have");
	m->machine = machine;
	m->now = start;
	m->of = NULL;
}

void sm_move(struct sm *m, unsigned to)
{
	const struct sm_machine *machine = m->machine;
	const struct sm_state *from = &machine->states[m->now];
	const char *broken;

	if (!is_state(machine, to))
		stop(machine, from->name, to, "there is no such state");
	if ((from->to & SM_TO(to)) == 0)
		stop(machine, from->name, to, "there is no such move");
	/* `broken` judges the owner in its new state, so the move comes before the question. */
	m->now = to;
	log_debug("sm.move", "machine=%s of=%s from=%s to=%s", machine->name, m->of != NULL ? m->of : "-", from->name,
		  machine->states[to].name);
	broken = machine->broken != NULL ? machine->broken(m) : NULL;
	if (broken != NULL)
		stop(machine, from->name, to, broken);
}

const char *sm_name(const struct sm *m)
{
	return m->machine->states[m->now].name;
}

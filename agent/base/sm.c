/* sm.c - see sm.h. */
#include "agent/base/sm.h"

#include <stdlib.h>

#include "agent/base/log.h"

void sm_init(struct sm *m, const struct sm_state *table, unsigned start)
{
	m->table = table;
	m->now = start;
}

void sm_move(struct sm *m, unsigned to)
{
	const struct sm_state *from = &m->table[m->now];

	if ((from->to & SM_TO(to)) == 0) {
		log_error("bug.state", "from=%s to=%s err=\"there is no such move\"", from->name, m->table[to].name);
		abort();
	}
	m->now = to;
}

const char *sm_name(const struct sm *m)
{
	return m->table[m->now].name;
}

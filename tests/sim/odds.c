/* odds.c - see odds.h. */
#include "tests/sim/odds.h"

#include <stdarg.h>

uint64_t odds_between(struct odds *o, uint64_t least, uint64_t most)
{
	return least + sim_random(o->w) % (most - least + 1);
}

bool odds_one_in(struct odds *o, unsigned n)
{
	return sim_random(o->w) % n == 0;
}

void odds_came(struct odds *o, enum tally_kind kind)
{
	tally(kind);
	o->hits[kind]++;
	sim_trace(o->w, "came %s", tally_name(kind));
}

bool odds_hit(struct odds *o, enum tally_kind kind)
{
	if (o->calm || o->per_mille[kind] == 0 || sim_random(o->w) % 1000 >= o->per_mille[kind])
		return false;
	odds_came(o, kind);
	return true;
}

void odds_broken(struct odds *o, const char *fmt, ...)
{
	va_list ap;
	int n;

	if (o->broken[0] != '\0')
		return;
	n = snprintf(o->broken, sizeof(o->broken), "at %llu ms: ", (unsigned long long)world_now_ms(o->w));
	va_start(ap, fmt);
	vsnprintf(o->broken + n, sizeof(o->broken) - (size_t)n, fmt, ap);
	va_end(ap);
	sim_trace(o->w, "BROKEN %s", o->broken);
}

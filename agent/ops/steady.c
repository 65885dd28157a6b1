/* steady.c - see steady.h. */
#include "agent/ops/steady.h"

int64_t steady_now(struct steady *s, int64_t wall_ms, uint64_t mono_ms)
{
	int64_t wall = wall_ms - s->wall_ms, lived = (int64_t)(mono_ms - s->mono_ms);

	if (!s->begun)
		s->now_ms = wall_ms;
	/* A wall clock that is set back stands still for an instant; one that is set ahead goes no faster than the time that was
	 * lived. */
	else if (wall > 0)
		s->now_ms += wall < lived ? wall : lived;
	s->begun = true;
	s->wall_ms = wall_ms;
	s->mono_ms = mono_ms;
	return s->now_ms;
}

/* flag.h - a bool that a callback sets and a test waits for: flag_set as `done`, flag_is_set with sim_run_until. */
#pragma once
#include <stdbool.h>

static inline void flag_set(void *ctx)
{
	*(bool *)ctx = true;
}

static inline bool flag_is_set(void *ctx)
{
	return *(bool *)ctx;
}

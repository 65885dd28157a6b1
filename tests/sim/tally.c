/* tally.c - see tally.h. */
#include "tests/sim/tally.h"

static uint64_t counts[TALLY_COUNT];

static const char *const texts[TALLY_COUNT] = {
#define TALLY_TEXT(name, text) [TALLY_##name] = text,
	TALLY_KINDS(TALLY_TEXT)
#undef TALLY_TEXT
};

static const char *const names[TALLY_COUNT] = {
#define TALLY_NAME(name, text) [TALLY_##name] = #name,
	TALLY_KINDS(TALLY_NAME)
#undef TALLY_NAME
};

static bool are_off[TALLY_COUNT];

const char *tally_name(enum tally_kind kind)
{
	return names[kind];
}

void tally_is_off(enum tally_kind kind, bool off)
{
	are_off[kind] = off;
}

void tally(enum tally_kind kind)
{
	counts[kind]++;
}

void tally_add(const uint64_t more[TALLY_COUNT])
{
	for (unsigned i = 0; i < TALLY_COUNT; i++)
		counts[i] += more[i];
}

const uint64_t *tally_counts(void)
{
	return counts;
}

unsigned tally_print(FILE *to)
{
	unsigned never = 0;

	for (unsigned i = 0; i < TALLY_COUNT; i++) {
		bool is_never = counts[i] == 0 && !are_off[i];

		fprintf(to, "  %-52s %10llu%s\n", texts[i], (unsigned long long)counts[i],
			is_never     ? "  NEVER"
			: are_off[i] ? "  off"
				     : "");
		never += is_never;
	}
	return never;
}

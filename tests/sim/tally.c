/* tally.c - see tally.h. */
#include "tests/sim/tally.h"

static uint64_t counts[TALLY_COUNT];

static const char *const texts[TALLY_COUNT] = {
#define TALLY_TEXT(name, text) [TALLY_##name] = text,
	TALLY_KINDS(TALLY_TEXT)
#undef TALLY_TEXT
};

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
		fprintf(to, "  %-52s %10llu%s\n", texts[i], (unsigned long long)counts[i], counts[i] == 0 ? "  NEVER" : "");
		never += counts[i] == 0;
	}
	return never;
}

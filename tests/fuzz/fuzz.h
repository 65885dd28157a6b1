/* fuzz.h - what the fuzzers share. Each file beside this one holds one `fuzz_one`: it hands the bytes to a parser and says
 * what must hold of whatever comes out. `make fuzz` runs them for long, `make fuzz-smoke` for seconds. */
#pragma once
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "agent/base/buf.h"
#include "agent/base/mem.h"

/* One input, a copy of its own with a NUL behind it: a step beyond is seen by the sanitizer. */
void fuzz_one(const char *s, size_t len);

/* The property: stops the fuzzer, which keeps the input. */
#define FUZZ_MUST(holds)                                                                                                           \
	do {                                                                                                                       \
		if (!(holds))                                                                                                      \
			fuzz_broken(#holds, __FILE__, __LINE__);                                                                   \
	} while (0)
void fuzz_broken(const char *what, const char *file, int line) __attribute__((noreturn));

bool fuzz_same(const struct buf *a, const struct buf *b);
/* The first byte of an input, to choose by, and the rest of it; 0 of an empty one. */
unsigned fuzz_choice(const char **s, size_t *len);

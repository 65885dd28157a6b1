/* fuzz.c - see fuzz.h; what libFuzzer calls. */
#include "tests/fuzz/fuzz.h"

#include <stdio.h>
#include <stdlib.h>

#include "agent/base/log.h"

int LLVMFuzzerInitialize(int *argc, char ***argv);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

static void drop(enum log_level level, const char *event, const char *pairs, void *ctx)
{
	(void)level;
	(void)event;
	(void)pairs;
	(void)ctx;
}

int LLVMFuzzerInitialize(int *argc, char ***argv)
{
	(void)argc;
	(void)argv;
	log_set(LOG_ERROR, drop, NULL);
	return 0;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	CLEANUP(mem_close) char *copy = mem_strn((const char *)data, len);

	fuzz_one(copy, len);
	return 0;
}

void fuzz_broken(const char *what, const char *file, int line)
{
	fprintf(stderr, "%s:%d: does not hold: %s\n", file, line, what);
	abort();
}

bool fuzz_same(const struct buf *a, const struct buf *b)
{
	return a->len == b->len && (a->len == 0 || memcmp(a->data, b->data, a->len) == 0);
}

unsigned fuzz_choice(const char **s, size_t *len)
{
	unsigned choice = *len > 0 ? (unsigned char)**s : 0;

	if (*len > 0) {
		*s += 1;
		*len -= 1;
	}
	return choice;
}

/* test_footprint.c - what is given back is not what is in use. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <dlfcn.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "agent/base/footprint.h"
#include "agent/base/mem.h"

#define PIECES 64
#define PIECE (100u << 10) /* below what has pages of its own */

static size_t anonymous_kb(void)
{
	FILE *f = fopen("/proc/self/status", "r");
	char line[256];
	size_t kb = 0;

	assert_non_null(f);
	while (fgets(line, sizeof(line), f) != NULL)
		if (strncmp(line, "RssAnon:", 8) == 0)
			kb = strtoul(line + 8, NULL, 10);
	fclose(f);
	return kb;
}

/* Under a sanitizer the heap is the sanitizer's, which keeps what is freed to watch it. */
static bool has_own_heap(void)
{
	return dlsym(RTLD_DEFAULT, "__asan_init") == NULL;
}

/* Every second piece goes, so that the heap cannot become shorter by itself. */
static void what_is_in_use_stays_and_the_rest_goes_back(void **state)
{
	char *v[PIECES];
	size_t before;

	(void)state;
	for (size_t i = 0; i < PIECES; i++)
		memset(v[i] = mem_alloc(PIECE), (int)i + 1, PIECE);
	for (size_t i = 0; i < PIECES; i += 2)
		mem_free(v[i]);
	before = anonymous_kb();
	footprint_shrink();
	if (has_own_heap())
		assert_true(anonymous_kb() + PIECES / 4 * (PIECE >> 10) < before);
	for (size_t i = 1; i < PIECES; i += 2) {
		for (size_t k = 0; k < PIECE; k++)
			assert_int_equal(v[i][k], (int)i + 1);
		mem_free(v[i]);
	}
}

static void *work(void *ctx)
{
	char *text = mem_printf("%s of a thread", "the work");

	for (int i = 0; i < 1000; i++)
		*(size_t *)ctx += strlen(text);
	mem_free(text);
	return ctx;
}

/* The program's own pages are read again when they are needed. */
static void threads_go_on_while_it_happens(void **state)
{
	pthread_t threads[4];
	size_t sums[4] = { 0 };

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(threads); i++)
		assert_int_equal(pthread_create(&threads[i], NULL, work, &sums[i]), 0);
	for (int i = 0; i < 50; i++)
		footprint_shrink();
	for (size_t i = 0; i < ARRAY_LEN(threads); i++) {
		pthread_join(threads[i], NULL);
		assert_int_equal(sums[i], 1000 * strlen("the work of a thread"));
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_is_in_use_stays_and_the_rest_goes_back),
		cmocka_unit_test(threads_go_on_while_it_happens),
	};

	footprint_begin();
	return cmocka_run_group_tests(tests, NULL, NULL);
}

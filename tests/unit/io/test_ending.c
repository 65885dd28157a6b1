/* test_ending.c - a component of a world closes from the loop, and leaves nothing there. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "agent/base/mem.h"
#include "agent/io/ending.h"
#include "tests/sim/world_sim.h"

/* Something with a file to write. */
struct writer {
	struct ending end;
	struct disk_req disk;
};

static bool is_out(struct closing *c)
{
	return container_of(c, struct writer, end.closing)->disk.impl != NULL;
}

static void writer_free(struct closing *c)
{
	mem_free(container_of(c, struct writer, end.closing));
}

static const struct closing_how writer_how = { is_out, writer_free };

static void on_written(struct disk_req *r, int rc)
{
	(void)rc;
	ending_step(&container_of(r, struct writer, disk)->end);
}

static void on_done(void *ctx)
{
	*(bool *)ctx = true;
}

static void done_comes_from_the_loop_when_all_is_home(void **state)
{
	(void)state;
	for (int busy = 0; busy < 2; busy++) {
		struct world *w = sim_new(1);
		struct writer *wr = mem_new(struct writer);
		bool told = false;

		if (busy)
			disk_replace(w, &wr->disk, "/x", "a", 1, 0600, on_written);
		assert_false(ending_is_on(&wr->end));
		ending_step(&wr->end);
		ending_begin(&wr->end, w, &writer_how, on_done, &told);
		assert_true(ending_is_on(&wr->end));
		assert_false(told);
		while (sim_step(w))
			assert_false(told && disk_exists(w, "/x") != (busy == 1));
		assert_true(told);
		sim_free(w);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(done_comes_from_the_loop_when_all_is_home),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

/* test_socket.c - the life of the local socket: looked at, lost, made again, and closed at any moment of that. Run under ASan:
 * nothing that is closed may be used. What it answers is tests/e2e/agent. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "agent/base/log.h"
#include "agent/base/mem.h"
#include "agent/daemon/socket.h"
#include "tests/sim/world_sim.h"

#define SOCKET "/run/reeve/reeve.sock"
#define LOOK_MS 2000

struct room {
	struct world *w;
	struct socket *s;
	unsigned gone;
};

static void on_gone(void *ctx)
{
	((struct room *)ctx)->gone++;
}

static void close_it(void *ctx)
{
	struct room *r = ctx;

	socket_close(r->s, on_gone, r);
}

static void lose_it(void *ctx)
{
	sim_file_unlink(((struct room *)ctx)->w, SOCKET);
}

static bool is_gone(void *ctx)
{
	return ((struct room *)ctx)->gone > 0;
}

/* What is asked of the world before the socket is comes before a look of the same millisecond. */
static void lives(uint64_t lost_ms, uint64_t closed_ms)
{
	struct room r = { .w = sim_new(1) };

	log_set(LOG_ERROR, NULL, NULL);
	if (lost_ms > 0)
		sim_at(r.w, lost_ms, lose_it, &r);
	sim_at(r.w, closed_ms, close_it, &r);
	r.s = socket_new(r.w, SOCKET, NULL);
	assert_int_equal(sim_run_until(r.w, is_gone, &r, closed_ms + 10000), SIM_TRUE);
	sim_run_until(r.w, NULL, NULL, 2 * LOOK_MS);
	assert_int_equal(r.gone, 1);
	sim_free(r.w);
	log_set(LOG_INFO, NULL, NULL);
}

static void it_closes_once_at_any_moment_of_its_looks(void **state)
{
	(void)state;
	for (uint64_t ms = 1; ms <= 2 * LOOK_MS + 2; ms += ms % LOOK_MS > 2 && ms % LOOK_MS < LOOK_MS - 2 ? 111 : 1)
		lives(0, ms);
	lives(0, LOOK_MS);
	lives(0, 2 * LOOK_MS);
}

static void it_closes_once_while_a_lost_one_is_made_again(void **state)
{
	(void)state;
	for (uint64_t ms = LOOK_MS - 1; ms <= LOOK_MS + 3; ms++)
		lives(1000, ms);
	lives(1000, 2 * LOOK_MS);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(it_closes_once_at_any_moment_of_its_looks),
		cmocka_unit_test(it_closes_once_while_a_lost_one_is_made_again),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

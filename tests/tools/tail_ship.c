/* tail_ship.c - a tail and a shipper on the real world, for tests: `tail_ship SPOOL URL PATTERN`; or, with `journald:FOLDER` in
 * place of the pattern, what the journal there has of numbered.service.
 *
 * Everything may leave, nobody signs. SIGTERM closes it in order; what it knows of itself is printed then as JSON. */
#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>

#include "agent/base/mem.h"
#include "agent/base/str.h"
#include "agent/io/world_uv.h"
#include "collectors/journald.h"
#include "collectors/positions_gone.h"
#include "collectors/tail.h"
#include "shippers/shipper.h"

#define JOURNALD "journald:"

static struct world *w;
static struct shipper *ship;
static struct tail *tail;
static struct journald *journald;
static struct sig term;
static struct positions positions;
static struct positions_gone gone;

static void on_shipper_closed(void *ctx)
{
	(void)ctx;
	positions_close(&positions);
	world_uv_stop(w);
}

static void on_tail_closed(void *ctx)
{
	struct shipper_stats st = shipper_stats(ship);

	(void)ctx;
	printf("{\"taken\":%" PRIu64 ",\"sent\":%" PRIu64 ",\"retries\":%" PRIu64 ",\"rejected\":%" PRIu64 ",\"corrupt\":%" PRIu64
	       "}\n",
	       st.taken[TELEMETRY_LOG], st.exporter[0].sent_records[TELEMETRY_LOG], st.exporter[0].retries,
	       st.exporter[0].rejected_records[TELEMETRY_LOG], st.spool.corrupt);
	fflush(stdout);
	shipper_close(ship, on_shipper_closed, NULL);
}

static void on_gone_closed(void *ctx)
{
	if (journald != NULL)
		journald_close(journald, on_tail_closed, NULL);
	else if (tail != NULL)
		tail_close(tail, on_tail_closed, NULL);
	else
		on_tail_closed(ctx);
}

static void on_term(struct sig *s)
{
	w->sig_stop(w, s);
	if (positions_gone_runs(&gone))
		positions_gone_close(&gone, on_gone_closed, NULL);
	else
		on_gone_closed(NULL);
}

static struct tail_path path;

static void start_tail(void *ctx)
{
	const struct tail_config tc = { .paths = &path, .paths_n = 1, .positions = &positions };

	(void)ctx;
	tail = tail_new(w, &tc, shipper_sink(ship));
	tail_start(tail);
}

static void start_journald(void)
{
	static const char *const units[] = { "numbered.service" };
	static struct journald_source_config c = { .service = "numbered", .units = units, .units_n = 1 };

	c.dir = path.path + strlen(JOURNALD);
	journald = journald_new(w, &c, 1, &positions, shipper_sink(ship));
	journald_start(journald);
}

static void on_opened(void *ctx)
{
	if (str_starts(path.path, JOURNALD))
		start_journald();
	else
		positions_gone_start(&gone, w, &positions, NULL, start_tail, ctx);
}

static int start(char **argv, struct err *e)
{
	const struct telemetry_attr resource[] = { { "service.name", "reeve" }, { "service.instance.id", "test" } };
	const struct shipper_config sc = { .dir = argv[1],
					   .dests = { { .name = "vendor", .to = { .url = argv[2] } } },
					   .dests_n = 1,
					   .resource = resource,
					   .resource_n = 2,
					   .reserve = 1,
					   .opened = on_opened,
					   .positions = &positions.durable };
	char star[] = "*", *all[] = { star };
	const struct telemetry_rules rules = { .metrics = all, .metrics_n = 1, .logs = all, .logs_n = 1 };

	path = (struct tail_path){ .path = argv[3], .service = "numbered" };
	positions_init(&positions);
	ship = shipper_new(w, &sc);
	TRY(shipper_rules(ship, &rules, NULL, e));
	return w->sig_start(w, &term, SIGTERM, on_term, e);
}

int main(int argc, char **argv)
{
	struct err e = { 0 };

	if (argc != 4) {
		fprintf(stderr, "usage: tail_ship SPOOL URL PATTERN\n");
		return 2;
	}
	w = world_uv_new(&e);
	if (w == NULL || start(argv, &e) != 0) {
		fprintf(stderr, "tail_ship: %s\n", err_text(&e));
		return 1;
	}
	world_uv_run(w);
	world_uv_free(w);
	return 0;
}

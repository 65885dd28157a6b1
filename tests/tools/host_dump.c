/* host_dump.c - reads the machine's metrics once and prints a point a line as JSON, for tests. */
#include <stdio.h>
#include <stdlib.h>

#include "agent/base/json.h"
#include "agent/base/mem.h"
#include "agent/io/world_uv.h"
#include "collectors/host.h"

static struct world *w;
static struct host *host;

static void on_point(void *ctx, const struct telemetry_point *p)
{
	static const char *const shapes[] = { "gauge", "counter", "updown" };
	json_t *o = json_object(), *attrs = json_object();

	(void)ctx;
	for (size_t i = 0; i < p->attrs_n; i++)
		json_object_set_new(attrs, p->attrs[i].key, json_string(p->attrs[i].value));
	json_object_set_new(o, "name", json_string(p->name));
	json_object_set_new(o, "unit", json_string(p->unit));
	json_object_set_new(o, "shape", json_string(shapes[p->shape]));
	json_object_set_new(o, "value", p->is_double ? json_real(p->d) : json_integer(p->i));
	json_object_set_new(o, "start_ms", json_integer(p->start_ms));
	json_object_set_new(o, "time_ms", json_integer(p->time_ms));
	json_object_set_new(o, "attributes", attrs);
	json_dumpf(o, stdout, JSON_COMPACT);
	putchar('\n');
	json_decref(o);
}

static void on_closed(void *ctx)
{
	(void)ctx;
	world_uv_stop(w);
}

static void on_scrape_done(void *ctx)
{
	(void)ctx;
	fflush(stdout);
	if (host_stats(host).scrapes == 0)
		host_close(host, on_closed, NULL);
}

int main(void)
{
	const struct telemetry_sink sink = { .point = on_point, .scrape_done = on_scrape_done };
	struct err e = { 0 };

	w = world_uv_new(&e);
	if (w == NULL) {
		fprintf(stderr, "host_dump: %s\n", err_text(&e));
		return 1;
	}
	host = host_new(w, 200, &sink);
	world_uv_run(w);
	world_uv_free(w);
	return 0;
}

/* https_get.c - requests on the real world, for tests: `https_get CA_FILE` takes a URL a line, and prints a status or why not. */
#include <stdio.h>
#include <string.h>

#include "agent/base/mem.h"
#include "agent/io/world.h"
#include "agent/io/world_uv.h"

static struct world *w;

static void on_answer(struct http_req *r, int rc)
{
	if (rc == 0)
		printf("%d\n", r->status);
	else
		printf("%s\n", err_text(&r->err));
	fflush(stdout);
	world_uv_stop(w);
}

int main(int argc, char **argv)
{
	struct err e = { 0 };
	char url[512];

	if (argc != 2) {
		fprintf(stderr, "usage: https_get CA_FILE\n");
		return 2;
	}
	w = world_uv_new(&e);
	if (w == NULL) {
		fprintf(stderr, "https_get: %s\n", err_text(&e));
		return 1;
	}
	while (fgets(url, sizeof(url), stdin) != NULL) {
		struct http_req r = { .method = "GET", .url = url, .ca_file = argv[1], .body.max = 65536 };

		url[strcspn(url, "\n")] = '\0';
		http_start(w, &r, on_answer);
		world_uv_run(w);
		http_req_close(&r);
	}
	world_uv_free(w);
	return 0;
}

/* cmd_sample.c - reeve export sample: what stands in a body that waits in the spool, as a person reads it. From the file alone. */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "agent/base/json.h"
#include "agent/base/mem.h"
#include "agent/base/str.h"
#include "agent/cli/cli.h"
#include "agent/cli/otlp_read.h"
#include "agent/cli/page.h"
#include "agent/config.h"
#include "agent/io/world_uv.h"
#include "shippers/batch.h"
#include "shippers/pack.h"
#include "shippers/spool_found.h"

#define PACKED_MAX (8u << 20)
#define RAW_MAX (BATCH_BYTES_MAX + (64u << 10))
#define SHOWN 10
#define SHOWN_MAX 5000
#define HANG 4

struct sample {
	struct world *w;
	const char *config, *dir, *batch, *count;
	bool is_json;
	uint64_t most, id;
	char *name; /* of the body that was chosen */
	struct spool_body body;
};

/* ---- which ----------------------------------------------------------------------------------------------------------------- */

/* The newest that waits; with an id also one that was set aside. */
static int on_name(void *ctx, const char *name)
{
	struct sample *s = ctx;
	struct spool_body b;
	enum spool_name is = spool_found_name(name, &b);
	bool is_it = s->batch != NULL ? b.id == s->id : is == SPOOL_NAME_BODY;

	if (is == SPOOL_NAME_OTHER || !is_it || (s->name != NULL && b.seq < s->body.seq))
		return 0;
	mem_free(s->name);
	s->name = mem_str(name);
	s->body = b;
	return 0;
}

static int choose(struct sample *s, const char *dir, struct err *e)
{
	int rc = s->w->disk_list(s->w, dir, on_name, s, e);

	if (rc == -ERR_NOTFOUND)
		return err_set(e, ERR_NOTFOUND, "%s is not there: no agent has run here yet", dir);
	TRY(rc);
	if (s->name == NULL && s->batch != NULL)
		return err_set(e, ERR_NOTFOUND, "no batch %s in %s: it has left, or never was; reeve export show tells what left",
			       s->batch, dir);
	if (s->name == NULL)
		return err_set(e, ERR_NOTFOUND, "no batch waits in %s: all that was taken has left", dir);
	return 0;
}

static int unpack(enum pack_format f, const struct buf *packed, struct buf *to)
{
	struct pack p = { 0 };
	int rc;

	pack_begin(&p, PACK_OUT, f, 0);
	do
		rc = pack_slice(&p, packed, to);
	while (rc == 0);
	pack_end(&p);
	return rc;
}

static int load(struct sample *s, const char *dir, struct buf *to, struct err *e)
{
	CLEANUP(mem_close) char *path = mem_printf("%s/%s", dir, s->name);
	CLEANUP(buf_close) struct buf packed = BUF_MAX(PACKED_MAX);
	int rc = disk_read_all(s->w, path, &packed, e);

	if (rc == -ERR_NOTFOUND)
		return err_set(e, ERR_NOTFOUND, "the batch has left a moment ago; ask again");
	TRY(rc);
	if (unpack(s->body.format, &packed, to) != 1)
		return err_set(e, ERR_CORRUPT, "%s is not whole, or not %s", path, pack_name(s->body.format));
	return 0;
}

/* ---- as a person reads it -------------------------------------------------------------------------------------------------- */

static void print_pairs(const char *label, json_t *o)
{
	CLEANUP(buf_close) struct buf text = BUF_MAX(64u << 10);
	const char *key;
	json_t *v;

	json_object_foreach(o, key, v) {
		char *value = json_dumps(v, JSON_ENCODE_ANY);

		buf_addf(&text, "%s%s=%s", text.len > 0 ? " " : "", key,
			 json_is_string(v) ? json_string_value(v)
			 : value != NULL   ? value
					   : "?");
		free(value);
	}
	if (text.len > 0)
		page_line(HANG + 2, "    %s%s", label, buf_str(&text));
}

/* A record of several lines keeps them. */
static void print_body(const char *body)
{
	while (*body != '\0') {
		size_t len = strcspn(body, "\n");

		page_line(HANG, "    %.*s", (int)len, body);
		body += len + (body[len] == '\n');
	}
}

static void print_record(const json_t *r)
{
	const char *path = json_str_or(json_object_get(r, "scope"), "log.file.path", "");
	const json_t *v = json_object_get(r, "value");
	char *value;

	if (str_eq(json_str_or(r, "kind", ""), "log")) {
		page_line(HANG, "%s  %-5s  %s  %s", json_str_or(r, "time", "no time"), json_str_or(r, "severity", "-"),
			  json_str_or(r, "service", "-"), path);
		print_body(json_str_or(r, "body", ""));
	} else {
		value = v != NULL ? json_dumps(v, JSON_ENCODE_ANY) : NULL;
		page_line(HANG, "%s  %s = %s %s", json_str_or(r, "time", "no time"), json_str_or(r, "name", "?"),
			  value != NULL ? value : "?", json_str_or(r, "unit", ""));
		free(value);
	}
	print_pairs("", json_object_get(r, "attributes"));
}

static void print(const struct sample *s, const json_t *list, size_t all)
{
	const json_t *first = json_array_get(list, 0);

	page_line(HANG, "batch %016" PRIx64 ", %s, %zu records%s", s->body.id, batch_kind_name(s->body.kind), all,
		  str_ends(s->name, ".rejected") ? ", which a receiver has refused"
		  : str_ends(s->name, ".bad")    ? ", set aside"
						 : ", waiting to be sent");
	print_pairs("", json_object_get(first, "resource"));
	page_text("\n");
	for (size_t i = 0; i < json_array_size(list) && !page_is_closed(); i++)
		print_record(json_array_get(list, i));
	if (all > json_array_size(list))
		page_line(HANG, "and %zu more: -n %zu", all - json_array_size(list), all);
}

static void print_json(const json_t *list)
{
	for (size_t i = 0; i < json_array_size(list) && !page_is_closed(); i++) {
		char *line = json_dumps(json_array_get(list, i), JSON_COMPACT);

		page_text(line != NULL ? line : "");
		page_text("\n");
		free(line);
	}
}

/* ---- the command --------------------------------------------------------------------------------------------------------- */

static int answer(struct sample *s, struct err *e)
{
	CLEANUP(buf_close) struct buf raw = BUF_MAX(RAW_MAX);
	CLEANUP(json_close) json_t *list = NULL;
	CLEANUP(mem_close) char *dir = NULL;
	struct config c = { 0 };
	size_t all = 0;

	if (s->dir == NULL)
		TRY(config_load(s->w, s->config, &c, e));
	dir = s->dir != NULL ? mem_str(s->dir) : mem_printf("%s/spool", c.state_dir);
	config_close(&c);
	TRY(choose(s, dir, e));
	TRY(load(s, dir, &raw, e));
	if (otlp_read(s->body.kind, &raw, (size_t)s->most, &list, &all, e) != 0)
		return err_set(e, ERR_CORRUPT, "%s/%s is no OTLP request", dir, s->name);
	if (s->is_json)
		print_json(list);
	else
		print(s, list, all);
	return 0;
}

static int check_arguments(struct sample *s)
{
	s->most = SHOWN;
	if (s->count != NULL && (str_u64(s->count, &s->most) != 0 || s->most == 0 || s->most > SHOWN_MAX))
		return cli_usage("-n wants a number from 1 to %d, not \"%.40s\"", SHOWN_MAX, s->count);
	if (s->batch != NULL && !spool_found_id(s->batch, &s->id))
		return cli_usage("--batch wants an id of 16 hex digits, not \"%.40s\"", s->batch);
	return 0;
}

static int run(int argc, char **argv)
{
	struct sample s = { .is_json = cli_take_flag(&argc, argv, "--json") };
	struct err e = { 0 };
	int rc;

	if (cli_config_path(&argc, argv, &s.config) != 0 || cli_take(&argc, argv, "--batch", &s.batch) != 0 ||
	    cli_take(&argc, argv, "-n", &s.count) != 0 || cli_no_more(argc, argv, 1) != 0)
		return 2;
	rc = check_arguments(&s);
	if (rc != 0)
		return rc;
	s.dir = argc > 1 ? argv[1] : NULL;
	s.w = world_uv_new(&e);
	if (s.w == NULL)
		return cli_fail(&e);
	rc = answer(&s, &e);
	if (rc == -ERR_DENIED)
		err_wrap(&e, rc, "the spool is for root and the agent's user");
	mem_free(s.name);
	world_uv_free(s.w);
	return rc == 0 ? 0 : cli_fail(&e);
}

const struct cli_command cli_export_sample = {
	.name = "export sample",
	.about = "records of a batch that waits to leave (needs no daemon)",
	.usage = "[DIR] [--batch ID] [-n N] [--json] [-c FILE]",
	.page =
	    "  DIR         the spool's folder; that of the configuration unless given\n"
	    "  --batch ID  of this batch: its 16 hex digits, as the ledger and the spool's file names have them; also one that\n"
	    "              was set aside. The newest that waits unless given\n"
	    "  -n N        the first N records; 10 unless given, at most 5000\n"
	    "  --json      a line of JSON for each record\n"
	    "  -c FILE     the configuration (" CONFIG_PATH ")\n"
	    "\n"
	    "What is shown is what leaves, byte for byte: the rules have been over it. Root and the service's user may read it.\n"
	    "\n"
	    "exit status\n"
	    "  0  shown\n"
	    "  1  no such batch, or it cannot be read\n"
	    "  2  it was asked wrongly\n"
	    "\n"
	    "examples\n"
	    "  reeve export sample\n"
	    "  reeve export sample -n 100 --json | jq -r .body\n"
	    "  reeve export sample --batch 0123456789abcdef\n",
	.run = run,
};

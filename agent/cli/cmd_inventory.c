/* cmd_inventory.c - reeve inventory: what the account holds of ours, as the running agent sees it now. Tables for whoever looks at
 * 3 a.m., one line a thing, so that grep finds a node with all that matters of it; `--json` is all of it, tags too. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "agent/base/json.h"
#include "agent/base/mem.h"
#include "agent/base/str.h"
#include "agent/cli/ask.h"
#include "agent/cli/cli.h"
#include "agent/cli/page.h"
#include "agent/io/world_uv.h"

#define HANG 8
#define COLUMNS_MAX 12
#define LINE_MAX_BYTES 8192
#define NOT_WHOLE 3
#define ASKED_MS 70000 /* the socket's patience with a request, an answer and its taker, and some */
#define ASKED_MAX 10

/* ---- tables: rows of texts or numbers, the first one their heads ---- */

static const char *cell(const json_t *row, size_t i)
{
	const char *text = json_string_value(json_array_get(row, i));

	return text != NULL && *text != '\0' ? text : "-";
}

static void measure(const json_t *rows, size_t widths[COLUMNS_MAX])
{
	for (size_t k = 0; k < json_array_size(rows); k++) {
		const json_t *row = json_array_get(rows, k);

		for (size_t i = 0; i < json_array_size(row) && i < COLUMNS_MAX; i++)
			if (strlen(cell(row, i)) > widths[i])
				widths[i] = strlen(cell(row, i));
	}
}

static void print_row(const json_t *row, const size_t widths[COLUMNS_MAX])
{
	CLEANUP(buf_close) struct buf line = BUF_MAX(LINE_MAX_BYTES);
	size_t n = json_array_size(row);

	for (size_t i = 0; i < n && i < COLUMNS_MAX; i++)
		buf_addf(&line, "  %-*s", i + 1 < n ? (int)widths[i] : 0, cell(row, i));
	page_line(HANG, "%s", buf_str(&line));
}

/* Nothing where there are but the heads. */
static void print_table(const json_t *rows)
{
	size_t widths[COLUMNS_MAX] = { 0 };

	if (json_array_size(rows) < 2)
		return;
	measure(rows, widths);
	page_text("\n");
	for (size_t k = 0; k < json_array_size(rows); k++)
		print_row(json_array_get(rows, k), widths);
}

static json_t *number(const json_t *o, const char *member)
{
	return json_sprintf("%lld", (long long)json_int_or(o, member, 0));
}

static const char *text(const json_t *o, const char *member)
{
	return json_str_or(o, member, "");
}

/* ---- nodes and volumes ---- */

static json_t *sizes(const json_t *volumes)
{
	long long gib = 0;

	for (size_t i = 0; i < json_array_size(volumes); i++)
		gib += (long long)json_int_or(json_array_get(volumes, i), "size_gib", 0);
	return json_array_size(volumes) > 0 ? json_sprintf("%zu: %lld GiB", json_array_size(volumes), gib) : json_string("");
}

static void add_node(json_t *rows, const char *cluster, const json_t *n)
{
	json_array_append_new(rows, json_pack("[s, s, s, s, s, s, s, s, s, o, s]", text(n, "id"), cluster, text(n, "state"),
					      text(n, "type"), text(n, "zone"), text(n, "subnet"), text(n, "private_ip"),
					      text(n, "image"), text(n, "launched"), sizes(json_object_get(n, "volumes")),
					      text(n, "reason")));
}

static void add_volume(json_t *rows, const char *node, const char *cluster, const json_t *v)
{
	const char *change = text(v, "change");

	json_array_append_new(rows, json_pack("[s, s, s, s, o, s, o, o, o, s]", text(v, "id"), node, cluster, text(v, "device"),
					      json_sprintf("%lld GiB", (long long)json_int_or(v, "size_gib", 0)), text(v, "type"),
					      number(v, "iops"), number(v, "throughput"),
					      json_sprintf("%s%s%s", text(v, "state"), *change != '\0' ? ", " : "", change),
					      json_is_true(json_object_get(v, "kept")) ? "kept" : "goes with it"));
}

static void add_volumes(json_t *rows, const char *cluster, const json_t *node)
{
	const json_t *volumes = json_object_get(node, "volumes");

	for (size_t i = 0; i < json_array_size(volumes); i++)
		add_volume(rows, text(node, "id"), cluster, json_array_get(volumes, i));
}

static void print_clusters(const json_t *w)
{
	CLEANUP(json_close)
	json_t *nodes = json_pack("[[s, s, s, s, s, s, s, s, s, s, s]]", "NODE", "CLUSTER", "STATE", "TYPE", "ZONE", "SUBNET",
				  "ADDRESS", "IMAGE", "LAUNCHED", "VOLUMES", "REASON");
	CLEANUP(json_close)
	json_t *volumes = json_pack("[[s, s, s, s, s, s, s, s, s, s]]", "VOLUME", "NODE", "CLUSTER", "DEVICE", "SIZE", "TYPE",
				    "IOPS", "MIB/S", "STATE", "ITS NODE ENDS");
	const json_t *clusters = json_object_get(w, "clusters"), *orphans = json_object_get(w, "orphan_volumes");

	for (size_t i = 0; i < json_array_size(clusters); i++) {
		const json_t *c = json_array_get(clusters, i), *list = json_object_get(c, "nodes");

		for (size_t k = 0; k < json_array_size(list); k++) {
			add_node(nodes, text(c, "name"), json_array_get(list, k));
			add_volumes(volumes, text(c, "name"), json_array_get(list, k));
		}
	}
	for (size_t i = 0; i < json_array_size(orphans); i++)
		add_volume(volumes, "NO NODE", text(json_array_get(orphans, i), "cluster"), json_array_get(orphans, i));
	print_table(nodes);
	print_table(volumes);
}

/* ---- what stands in front of them ---- */

static void print_groups(const json_t *w)
{
	CLEANUP(json_close) json_t *rows = json_pack("[[s, s, s, s]]", "SECURITY GROUP", "ID", "VPC", "RULES");
	const json_t *all = json_object_get(w, "security_groups");

	for (size_t i = 0; i < json_array_size(all); i++) {
		const json_t *g = json_array_get(all, i);

		json_array_append_new(
		    rows, json_pack("[s, s, s, o]", text(g, "name"), text(g, "id"), text(g, "vpc"), number(g, "rules")));
	}
	print_table(rows);
}

/* "arn:...:targetgroup/NAME/6d0ecf831eec9f09": NAME; what is no such ARN stays as it is. */
static json_t *name_of(const char *arn)
{
	const char *at = strstr(arn, ":targetgroup/");

	if (at == NULL)
		return json_string(arn);
	at += strlen(":targetgroup/");
	return json_stringn(at, strcspn(at, "/"));
}

static void add_listener(json_t *rows, const json_t *lb, const json_t *l)
{
	json_array_append_new(rows, json_pack("[s, s, o, s, o, s]", text(lb, "name"), text(lb, "state"),
					      l != NULL ? number(l, "port") : json_string(""), text(l, "protocol"),
					      name_of(text(l, "target_group")), text(lb, "dns_name")));
}

static void print_balancers(const json_t *w)
{
	CLEANUP(json_close)
	json_t *rows =
	    json_pack("[[s, s, s, s, s, s]]", "LOAD BALANCER", "STATE", "PORT", "PROTOCOL", "TARGET GROUP", "NAME IN DNS");
	const json_t *all = json_object_get(w, "load_balancers");

	for (size_t i = 0; i < json_array_size(all); i++) {
		const json_t *lb = json_array_get(all, i), *listeners = json_object_get(lb, "listeners");

		if (json_array_size(listeners) == 0)
			add_listener(rows, lb, NULL);
		for (size_t k = 0; k < json_array_size(listeners); k++)
			add_listener(rows, lb, json_array_get(listeners, k));
	}
	print_table(rows);
}

static void add_target(json_t *rows, const json_t *g, const json_t *t)
{
	json_array_append_new(rows, json_pack("[s, o, s, s, s]", text(g, "name"), number(g, "port"), text(t, "id"),
					      text(t, "health"), text(t, "reason")));
}

static void print_target_groups(const json_t *w)
{
	CLEANUP(json_close) json_t *rows = json_pack("[[s, s, s, s, s]]", "TARGET GROUP", "PORT", "TARGET", "HEALTH", "REASON");
	const json_t *all = json_object_get(w, "target_groups");

	for (size_t i = 0; i < json_array_size(all); i++) {
		const json_t *g = json_array_get(all, i), *targets = json_object_get(g, "targets");

		if (json_array_size(targets) == 0)
			add_target(rows, g, NULL);
		for (size_t k = 0; k < json_array_size(targets); k++)
			add_target(rows, g, json_array_get(targets, k));
	}
	print_table(rows);
}

/* ---- all of it ---- */

/* "2 nodes, 7 volumes"; empty: nothing was left out. */
static void add_left_out(const json_t *j, struct buf *to)
{
	json_t *left = json_object_get(j, "left_out"), *n;
	const char *kind;

	json_object_foreach(left, kind, n) {
		CLEANUP(mem_close) char *words = mem_str(kind);

		for (char *c = words; *c != '\0'; c++)
			*c = *c == '_' ? ' ' : *c;
		if (json_integer_value(n) > 0)
			buf_addf(to, "%s%lld %s", to->len > 0 ? ", " : "", (long long)json_integer_value(n), words);
	}
}

static void print_warehouse(const json_t *w)
{
	const char *name = text(w, "name");
	long long generation = (long long)json_int_or(w, "generation", 0);

	page_text("\n");
	if (*name == '\0')
		page_line(HANG, "of no warehouse");
	else
		page_line(HANG, "warehouse %s, generation %lld", name, generation);
	print_clusters(w);
	print_groups(w);
	print_balancers(w);
	print_target_groups(w);
}

static void print_inventory(const json_t *j, const char *left_out)
{
	const json_t *all = json_object_get(j, "warehouses");

	page_line(HANG, "taken %s: account %s in %s, installation %s", text(j, "taken_at"), text(j, "account"), text(j, "region"),
		  text(j, "installation"));
	if (*left_out != '\0')
		page_line(HANG, "NOT WHOLE: for want of room %s are left out", left_out);
	if (json_array_size(all) == 0 && *left_out == '\0')
		page_line(HANG, "nothing of this installation is there");
	for (size_t i = 0; i < json_array_size(all); i++)
		print_warehouse(json_array_get(all, i));
}

/* ---- the command ---- */

static int tell(const json_t *j, bool is_json)
{
	CLEANUP(buf_close) struct buf left_out = BUF_MAX(1024);
	char *dump;

	add_left_out(j, &left_out);
	if (!is_json) {
		print_inventory(j, buf_str(&left_out));
		return left_out.len > 0 ? NOT_WHOLE : 0;
	}
	dump = json_dumps(j, JSON_INDENT(2));
	page_text(dump != NULL ? dump : "");
	page_text("\n");
	free(dump);
	return left_out.len > 0 ? NOT_WHOLE : 0;
}

static bool is_being_taken(int status, const json_t *j)
{
	return status == 503 && json_is_true(json_object_get(j, "taking"));
}

/* A large account, or an AWS that throttles, takes longer than the socket waits with one answer. */
static int ask_until_taken(struct world *w, const struct config *c, int *ret_status, json_t **ret, struct err *e)
{
	for (unsigned n = 0;; n++) {
		TRY(ask_within(w, c, "/v1/inventory", ASKED_MS, ret_status, ret, e));
		if (n + 1 >= ASKED_MAX || !is_being_taken(*ret_status, *ret))
			return 0;
		fprintf(stderr, "reeve: note: it takes its time: %s\n", text(*ret, "error"));
		json_decref(*ret);
		*ret = NULL;
	}
}

static int answer(bool is_json, const struct config *c, struct world *w)
{
	CLEANUP(json_close) json_t *j = NULL;
	struct err e = { 0 };
	int status = 0, rc = ask_until_taken(w, c, &status, &j, &e);

	if (rc != 0) {
		cli_fail(&e);
		return rc == -ERR_DENIED ? 1 : CLI_NO_DAEMON;
	}
	if (status != 200) {
		err_set(&e, ERR_SERVICE, "the daemon has no inventory (%d): %s", status, json_str_or(j, "error", "no reason"));
		return cli_fail(&e);
	}
	return tell(j, is_json);
}

static int run(int argc, char **argv)
{
	bool is_json = cli_take_flag(&argc, argv, "--json");
	struct config c = { 0 };
	struct err e = { 0 };
	const char *config;
	struct world *w;
	int rc;

	if (cli_config_path(&argc, argv, &config) != 0 || cli_no_more(argc, argv, 0) != 0)
		return 2;
	w = world_uv_new(&e);
	if (w == NULL)
		return cli_fail(&e);
	rc = config_load(w, config, &c, &e) == 0 ? answer(is_json, &c, w) : cli_fail(&e);
	config_close(&c);
	world_uv_free(w);
	return rc;
}

const struct cli_command cli_inventory = {
	.name = "inventory",
	.about = "what the account holds of ours",
	.usage = "[--json] [-c FILE]",
	.page = "  --json   all of it as JSON (docs/inventory.schema.json), with ARNs and tags\n"
		"  -c FILE  the configuration (" CONFIG_PATH "), which names the daemon's socket\n"
		"\n"
		"The daemon asks AWS with the instance role, changes nothing, and tells what bears both ownership tags. What it\n"
		"was told within the last five seconds it tells again. Root, the service's user and the group reeve may ask.\n"
		"A node that has ended is shown for as long as EC2 shows it. A volume that no node has is NO NODE: it holds data\n"
		"and costs money, and nobody deletes it here.\n"
		"\n"
		"exit status\n"
		"  0  all of it was told\n"
		"  1  the question failed: no configuration, this user may not ask, or AWS does not tell it\n"
		"  2  it was asked wrongly\n"
		"  3  something was left out for want of room (1 MiB), and is counted\n"
		"  6  no daemon answers\n"
		"\n"
		"examples\n"
		"  reeve inventory\n"
		"  reeve inventory | grep i-0123456789abcdef0\n"
		"  reeve inventory --json | jq -r '.warehouses[].orphan_volumes[].id'\n",
	.run = run,
};

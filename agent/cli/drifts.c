/* drifts.c - see drifts.h. */
#include "agent/cli/drifts.h"

#include "agent/base/buf.h"
#include "agent/base/json.h"
#include "agent/base/mem.h"
#include "agent/base/str.h"
#include "agent/cli/page.h"

#define FIRST_FEW 3

static void print_drifts(const json_t *w, bool all, unsigned hang)
{
	const json_t *list = json_object_get(w, "drifts");
	size_t n = json_array_size(list), told = all || n < FIRST_FEW ? n : FIRST_FEW;
	long long total = (long long)json_int_or(w, "drifts_total", 0);

	for (size_t i = 0; i < told; i++) {
		const json_t *d = json_array_get(list, i);

		page_line(hang + 2, "%-14s %s of %s: %s (since %s)", "", json_str_or(d, "field", "?"),
			  json_str_or(d, "resource", "?"), json_str_or(d, "difference", "?"), json_str_or(d, "since", "?"));
	}
	if (total > (long long)told)
		page_line(hang, "%-14s and %lld more%s", "", total - (long long)told, all ? "" : ": reeve status -v");
}

static void print_orphans(const json_t *w, unsigned hang)
{
	long long n = (long long)json_int_or(w, "orphan_volumes", 0);

	if (n > 0)
		page_line(hang, "%-14s %s: %lld volume%s that no node has: reeve inventory", "", json_str_or(w, "name", "?"), n,
			  n > 1 ? "s" : "");
}

/* "wh-1: Running (be Stopped)": clusters that are another way than the warehouse are named. */
static void add_status(const json_t *w, struct buf *to)
{
	const char *is = json_str_or(w, "status", ""), *name, *sep = " (";
	json_t *of;

	buf_addf(to, "%s: %s", json_str_or(w, "name", "?"), *is != '\0' ? is : "not known how it is");
	json_object_foreach(json_object_get(w, "clusters"), name, of) {
		if (str_eq(json_string_value(of), is))
			continue;
		buf_addf(to, "%s%s %s", sep, name, json_string_value(of));
		sep = ", ";
	}
	buf_adds(to, str_eq(sep, ", ") ? ")" : "");
}

/* Behind its status, the first row that holds:
 *
 *   nothing to compare with, or no look can be had    why
 *   no spec stands                                    nothing: the status says it all (Creating, Deleted ...)
 *   no look has been had                              that
 *   nothing differs                                   that
 *   else                                              in how many ways, and the first of them  */
static void print_warehouse(const json_t *w, const char *label, bool all, unsigned hang)
{
	CLEANUP(buf_close) struct buf text = BUF_MAX(16384);
	const char *looked = json_str_or(w, "looked_at", NULL), *unknown = json_str_or(w, "unknown", "");
	long long generation = (long long)json_int_or(w, "generation", 0), total = (long long)json_int_or(w, "drifts_total", 0);

	add_status(w, &text);
	if (*unknown != '\0')
		buf_addf(&text, "; how it differs is not known: %s", unknown);
	else if (*json_str_or(w, "stands_on", "") != '\0' && looked == NULL)
		buf_adds(&text, ", not looked at yet");
	else if (looked != NULL && total == 0)
		buf_addf(&text, ", as generation %lld says, looked at %s", generation, looked);
	else if (looked != NULL)
		buf_addf(&text, ", differs from generation %lld in %lld way%s, looked at %s; an apply of it mends that", generation,
			 total, total > 1 ? "s" : "", looked);
	page_line(hang, "%-14s %s", label, buf_str(&text));
	if (looked != NULL && *unknown == '\0')
		print_drifts(w, all, hang);
}

void drifts_print(const json_t *status, bool all, unsigned hang)
{
	const json_t *list = json_object_get(status, "warehouses");

	for (size_t i = 0; i < json_array_size(list); i++) {
		print_warehouse(json_array_get(list, i), i == 0 ? "warehouses" : "", all, hang);
		print_orphans(json_array_get(list, i), hang);
	}
}

/* drifts.c - see drifts.h. */
#include "agent/cli/drifts.h"

#include "agent/base/json.h"
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

/* The first row that holds:
 *
 *   nothing to compare with, or no look has been had    why
 *   nothing differs                                     that
 *   else                                                in how many ways, and the first of them  */
static void print_warehouse(const json_t *w, const char *label, bool all, unsigned hang)
{
	const char *name = json_str_or(w, "name", "?"), *looked = json_str_or(w, "looked_at", NULL);
	long long generation = (long long)json_int_or(w, "generation", 0), total = (long long)json_int_or(w, "drifts_total", 0);

	if (*json_str_or(w, "unknown", "") != '\0') {
		page_line(hang, "%-14s %s: not known how it stands: %s", label, name, json_str_or(w, "unknown", ""));
		return;
	}
	if (looked == NULL) {
		page_line(hang, "%-14s %s: not looked at yet", label, name);
		return;
	}
	if (total == 0) {
		page_line(hang, "%-14s %s: as generation %lld says, looked at %s", label, name, generation, looked);
		return;
	}
	page_line(hang, "%-14s %s: differs from generation %lld in %lld way%s, looked at %s; an apply of it mends that", label,
		  name, generation, total, total > 1 ? "s" : "", looked);
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

/* verdict.c - see verdict.h. One function a question; none knows of another.
 *
 *   mode FROZEN (STOP, mode: off), READ_ONLY (a journal that is damaged or too new)      4
 *   not connected, and the last login or poll failed                                     5
 *   mode NO_POLICY, disk full, no fresh head, telemetry not taken, records lost lately,
 *   a result that a person must look at, a command that AWS refuses to let on,
 *   a start that takes longer than ten minutes                                           3
 *   not connected, and nothing has failed: a login is under way                          - */
#include "agent/cli/verdict.h"

#include <stdarg.h>
#include <string.h>

#include "agent/base/json.h"
#include "agent/base/mem.h"
#include "agent/base/stamp.h"
#include "agent/base/str.h"

#define START_MOST_MS (10ll * 60 * 1000)
#define LOSS_RECENT_MS (15ll * 60 * 1000)

static void add(json_t *to, enum verdict v, const char *todo, const char *fmt, ...) __attribute__((format(printf, 4, 5)));

static void add(json_t *to, enum verdict v, const char *todo, const char *fmt, ...)
{
	CLEANUP(mem_close) char *what = NULL;
	size_t at = 0;
	va_list ap;

	va_start(ap, fmt);
	what = mem_vprintf(fmt, ap);
	va_end(ap);
	/* Behind those that are as bad or worse: the worst is read first, and its exit status is the one that counts. */
	while (at < json_array_size(to) && json_int_or(json_array_get(to, at), "exit", 0) >= v)
		at++;
	json_array_insert_new(to, at, json_pack("{s:i, s:o, s:o}", "exit", (int)v, "what", json_text(what), "do", json_text(todo)));
}

int64_t verdict_age_ms(const json_t *s, const char *when)
{
	int64_t now, then;

	if (stamp_parse_iso(json_str_or(s, "time", ""), &now, NULL) != 0 || stamp_parse_iso(when, &then, NULL) != 0)
		return INT64_MAX;
	return now - then;
}

static void judge_mode(const json_t *s, json_t *to)
{
	const char *mode = json_str_or(s, "mode", ""), *why = json_str_or(s, "why", ""),
		   *folder = json_str_or(s, "state_folder", "?");
	/* Both a STOP file and `mode: off` are FROZEN; the reason alone tells which of them a person has to take away. */
	bool is_stop = strstr(why, "STOP") != NULL;
	CLEANUP(mem_close)
	char *thaw = mem_printf("when changes may go on: %s %s", is_stop ? "remove" : "take `mode: off` out of",
				json_str_or(s, is_stop ? "stop_file" : "policy_file", "?"));
	CLEANUP(mem_close)
	char *write = mem_printf("write %s; `reeve check-config` says what is wrong with it", json_str_or(s, "policy_file", "?"));
	CLEANUP(mem_close)
	char *look = mem_printf("`reeve journal verify` names the line; bring %s/journal back from a copy, or ask the "
				"vendor before you move it away: an agent without it is a new one",
				folder);

	if (str_eq(mode, "FROZEN"))
		add(to, VERDICT_STOPPED, thaw, "frozen, nothing is changed: %s", why);
	else if (str_eq(mode, "READ_ONLY") && json_object_get(json_object_get(s, "journal"), "newer") != NULL)
		add(to, VERDICT_STOPPED,
		    "install the version that has written it, or one that is newer still: it goes on from there",
		    "the journal is a newer version's, nothing is changed: %s",
		    json_str_or(json_object_get(s, "journal"), "newer", why));
	else if (str_eq(mode, "READ_ONLY"))
		add(to, VERDICT_STOPPED, look, "the journal is damaged, nothing is changed: %s",
		    json_str_or(json_object_get(s, "journal"), "damaged", why));
	else if (str_eq(mode, "NO_POLICY"))
		add(to, VERDICT_DEGRADED, write, "no policy, so nothing is changed and no telemetry leaves: %s", why);
}

static void judge_start(const json_t *s, json_t *to)
{
	int64_t since = verdict_age_ms(s, json_str_or(s, "started", ""));
	const char *trouble = json_str_or(s, "start_trouble", "");

	/* It is tried again by itself, and much of what fails in a machine's first minutes passes; only what lasts is told. */
	if (*trouble != '\0' && since != INT64_MAX && since > START_MOST_MS)
		add(to, VERDICT_DEGRADED,
		    "look at the machine's role, at the metadata service, and at the way to STS; it is tried again by itself",
		    "it cannot find out who this machine is: %s", trouble);
}

/* By the kind of trouble that the agent tells: agent/control/trouble.h. */
static const char *vendor_advice(const char *kind)
{
	static const struct {
		const char *kind, *advice;
	} rows[] = {
		{ "refused",
		  "ask the vendor whether this installation, account and role (below) are the registered ones; it is tried "
		  "again by itself" },
		{ "busy", "the vendor has trouble of its own, which is the vendor's to mend; it is tried again by itself" },
		{ "no_answer",
		  "look at the way there: name, routes, security group, vendor.connect_to, vendor.proxy, vendor.ca_file; it is "
		  "tried again by itself" },
		{ "keys", "look at the machine's role and at the metadata service; it is tried again by itself" },
	};

	for (size_t i = 0; i < ARRAY_LEN(rows); i++)
		if (str_eq(kind, rows[i].kind))
			return rows[i].advice;
	return "tell the vendor; it is tried again by itself";
}

static void judge_vendor(const json_t *s, json_t *to)
{
	const json_t *v = json_object_get(s, "vendor");
	const char *trouble = json_str_or(v, "trouble", "");
	bool is_connected = json_is_true(json_object_get(v, "connected"));

	if (!is_connected && *trouble != '\0')
		add(to, VERDICT_VENDOR, vendor_advice(json_str_or(v, "trouble_kind", "")), "no connection to the vendor: %s",
		    trouble);
	/* Without a connection no head can come: that would be the same trouble told a second time. */
	if (is_connected && json_is_false(json_object_get(v, "head_is_fresh")))
		add(to, VERDICT_DEGRADED, "compare this machine's clock (timedatectl), then ask the vendor",
		    "the vendor has sent no fresh signed head: no command of high risk starts, and no cancel arrives");
}

static void judge_disk(const json_t *s, json_t *to)
{
	CLEANUP(mem_close) char *todo = mem_printf("free some space on the file system of %s", json_str_or(s, "state_folder", "?"));

	if (json_is_true(json_object_get(json_object_get(s, "journal"), "disk_is_full")))
		add(to, VERDICT_DEGRADED, todo, "the disk is full: nothing is changed, only results are still recorded");
}

static void judge_telemetry(const json_t *s, json_t *to)
{
	const json_t *t = json_object_get(s, "telemetry");
	const char *trouble = json_str_or(t, "trouble", ""), *loss = json_str_or(t, "last_loss", "");
	int64_t age = verdict_age_ms(s, loss);

	if (*trouble != '\0')
		add(to, VERDICT_DEGRADED, "do what the sentence says; it is tried again by itself", "telemetry: %s", trouble);
	if (age != INT64_MAX && age < LOSS_RECENT_MS)
		add(to, VERDICT_DEGRADED,
		    "`reeve status -v` says how many and why: for want of room look at the vendor's receiver and at "
		    "telemetry.spool, "
		    "for a rule at the policy's export",
		    "telemetry is being lost, last at %s", loss);
}

/* What nobody but a person can tell: did the last call have its effect? And what AWS keeps from getting on. */
static void judge_operations(const json_t *s, json_t *to)
{
	const json_t *ops = json_object_get(s, "operations");

	for (size_t i = 0; i < json_array_size(ops); i++) {
		const json_t *o = json_array_get(ops, i);
		long long seq = (long long)json_int_or(o, "seq", 0);
		CLEANUP(mem_close)
		char *todo = mem_printf("look at the resources that `reeve journal show --op %s` names", json_str_or(o, "id", "?"));

		if (str_eq(json_str_or(o, "state", ""), "INDETERMINATE"))
			add(to, VERDICT_DEGRADED, todo, "command %lld ended and nobody knows how: %s", seq,
			    json_str_or(o, "error", ""));
		else if (!json_is_true(json_object_get(o, "ended")) && json_object_get(o, "error") != NULL)
			add(to, VERDICT_DEGRADED,
			    "it is tried again by itself; take away what is in its way, or have the vendor cancel it",
			    "command %lld does not get on: %s", seq, json_str_or(o, "error", ""));
	}
}

json_t *verdict_of(const json_t *status, int *ret_exit)
{
	json_t *all = json_array();

	judge_vendor(status, all);
	judge_mode(status, all);
	judge_start(status, all);
	judge_disk(status, all);
	judge_telemetry(status, all);
	judge_operations(status, all);
	*ret_exit = (int)json_int_or(json_array_get(all, 0), "exit", VERDICT_FINE);
	return all;
}

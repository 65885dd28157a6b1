/* sentence.c - see sentence.h. One function a type of record; a type that this version does not know is told as it is. */
#include "agent/cli/sentence.h"

#include <string.h>

#include "agent/base/json.h"
#include "agent/base/mem.h"
#include "agent/base/str.h"
#include "agent/cli/past.h"

#define NAMES_MAX 20000 /* commands; of more the later ones are called by their ids */
#define LISTED_MAX 6
#define UNKNOWN_MAX 400

static const char *text(const json_t *r, const char *member)
{
	return json_str_or(r, member, "?");
}

static long long num(const json_t *r, const char *member)
{
	return (long long)json_int_or(r, member, 0);
}

static const char *error_of(const json_t *r)
{
	return json_str_or(json_object_get(r, "error"), "message", "");
}

static void add_after(struct buf *to, const char *before, const char *what)
{
	if (*what != '\0')
		buf_addf(to, "%s%s", before, what);
}

/* "command 7", or "command 01a3185c-5000" where its acceptance was not seen. */
static void add_command(const struct sentence *s, const json_t *r, struct buf *to)
{
	const char *id = text(r, "op"), *name = json_str_or(s->names, id, NULL);

	if (name != NULL)
		buf_adds(to, name);
	else
		buf_addf(to, "command %.13s", id);
}

/* What stands before the name of a step of the plan, in a step that takes it back or belongs to that: and in words. */
static const struct back {
	const char *before, *says;
} backs[] = { { "undo-", "take back: " }, { "undone-", "wait for what was taken back: " }, { "again-", "put back: " }, { "", "" } };

static const struct back *back_of(const char *step)
{
	const struct back *b = backs;

	while (!str_starts(step, b->before))
		b++;
	return b;
}

/* In words, as the plan says it; its name where the plan was not seen. */
static void add_title(const struct sentence *s, const json_t *r, struct buf *to)
{
	const char *step = text(r, "step"), *title;
	const struct back *b = back_of(step);
	CLEANUP(mem_close) char *key = mem_printf("%s/%s", text(r, "plan"), step + strlen(b->before));

	title = json_str_or(json_object_get(s->titles, text(r, "op")), key, NULL);
	if (title == NULL)
		buf_adds(to, step);
	else
		buf_addf(to, "%s%s", b->says, title);
}

/* "command 7, cluster-be: register be/sql: " */
static void add_step(const struct sentence *s, const json_t *r, struct buf *to)
{
	add_command(s, r, to);
	buf_addf(to, ", %s: ", text(r, "plan"));
	add_title(s, r, to);
	buf_adds(to, ": ");
}

static void remember_titles(struct sentence *s, const json_t *r, const json_t *plan)
{
	const json_t *steps = json_object_get(plan, "steps");
	json_t *of = json_object_get(s->titles, text(r, "op"));

	for (size_t i = 0; of != NULL && i < json_array_size(steps); i++) {
		const json_t *step = json_array_get(steps, i);
		CLEANUP(mem_close) char *key = mem_printf("%s/%s", text(plan, "name"), text(step, "name"));

		if (json_object_get(step, "title") != NULL)
			json_object_set(of, key, json_object_get(step, "title"));
	}
}

/* [[kind, id], ...] as "; created instance i-1, instance i-2 and 3 more" */
static void add_resources(const json_t *r, const char *member, struct buf *to)
{
	const json_t *list = json_object_get(r, member);
	size_t n = json_array_size(list);

	for (size_t i = 0; i < n && i < LISTED_MAX; i++) {
		const char *kind = json_string_value(json_array_get(json_array_get(list, i), 0));
		const char *id = json_string_value(json_array_get(json_array_get(list, i), 1));

		if (i == 0)
			buf_addf(to, "; %s ", member);
		buf_addf(to, "%s%s %s", i > 0 ? ", " : "", kind != NULL ? kind : "?", id != NULL ? id : "?");
	}
	if (n > LISTED_MAX)
		buf_addf(to, " and %zu more", n - LISTED_MAX);
}

/* ---- one a type ---- */

static void created(struct sentence *s, const json_t *r, struct buf *to)
{
	(void)s;
	buf_addf(to, "the journal of %s begins, its key is %s", text(r, "installation"), text(r, "public_key"));
}

static void started(struct sentence *s, const json_t *r, struct buf *to)
{
	(void)s;
	buf_addf(to, "the agent %s starts on %s, %s in %s, role %s", text(r, "version"), text(r, "instance_id"), text(r, "account"),
		 text(r, "region"), text(r, "role"));
}

static void remember(struct sentence *s, const json_t *r)
{
	if (s->names == NULL)
		s->names = json_object();
	if (json_object_size(s->names) < NAMES_MAX)
		json_object_set_new(s->names, text(r, "op"), json_sprintf("command %lld", num(r, "command_seq")));
}

static void accepted(struct sentence *s, const json_t *r, struct buf *to)
{
	const json_t *result = json_object_get(r, "result");
	char verb[40];

	remember(s, r);
	add_command(s, r, to);
	buf_addf(to, " is accepted: %s of %s", past_verb(r, verb), text(r, "warehouse"));
	add_after(to, ", asked for by ", json_str_or(r, "requested_by", ""));
	add_after(to, ": ", json_str_or(r, "reason", ""));
	if (result != NULL)
		buf_addf(to, "; it ends at once as %s: %s", text(result, "state"), error_of(result));
	buf_addf(to, " (id %s)", text(r, "op"));
}

/* The agent's own has no number: it is called by what it does. */
static void local_accepted(struct sentence *s, const json_t *r, struct buf *to)
{
	const char *occurrence = text(r, "occurrence");

	if (s->names == NULL)
		s->names = json_object();
	if (json_object_size(s->names) < NAMES_MAX)
		json_object_set_new(s->names, text(r, "op"), json_sprintf("the agent's %s of %s", text(r, "verb"), occurrence));
	buf_addf(to, "the agent begins %s of %s by itself, in %s", text(r, "verb"), occurrence, text(r, "warehouse"));
	add_after(to, ": ", json_str_or(r, "reason", ""));
	buf_addf(to, "; it carries on the spec of %s (id %s)", json_str_or(s->names, text(r, "stands_on"), text(r, "stands_on")),
		 text(r, "op"));
}

static void nodes_seen(struct sentence *s, const json_t *r, struct buf *to)
{
	const char *cluster;
	json_t *ids;

	(void)s;
	buf_addf(to, "nodes of %s that were seen alive:", text(r, "warehouse"));
	json_object_foreach(json_object_get(r, "nodes"), cluster, ids)
		buf_addf(to, " %s %zu", cluster, json_array_size(ids));
}

static void planned(struct sentence *s, const json_t *r, struct buf *to)
{
	const json_t *plans = json_object_get(json_object_get(r, "plan"), "plans");
	size_t steps = 0;

	if (s->titles == NULL)
		s->titles = json_object();
	if (json_object_size(s->titles) < NAMES_MAX)
		json_object_set_new(s->titles, text(r, "op"), json_object());
	for (size_t i = 0; i < json_array_size(plans); i++) {
		steps += json_array_size(json_object_get(json_array_get(plans, i), "steps"));
		remember_titles(s, r, json_array_get(plans, i));
	}
	add_command(s, r, to);
	buf_addf(to, " is planned: %zu steps in %zu plans", steps, json_array_size(plans));
	for (size_t i = 0; i < json_array_size(plans) && i < LISTED_MAX; i++)
		buf_addf(to, "%s%s", i == 0 ? " (" : ", ", text(json_array_get(plans, i), "name"));
	buf_addf(to, "%s, hash %.12s",
		 json_array_size(plans) == 0           ? ""
		 : json_array_size(plans) > LISTED_MAX ? " ...)"
						       : ")",
		 text(r, "plan_hash"));
}

static void command_started(struct sentence *s, const json_t *r, struct buf *to)
{
	add_command(s, r, to);
	buf_addf(to, " starts, with the plan %.12s", text(r, "plan_hash"));
}

static void cancelled(struct sentence *s, const json_t *r, struct buf *to)
{
	add_command(s, r, to);
	buf_adds(to, " is cancelled by the vendor");
}

static void add_output(const json_t *o, struct buf *to)
{
	if (o != NULL)
		buf_addf(to, "; its %s of %lld bytes is for the vendor, sha256 %s", json_str_or(o, "kind", "output"),
			 num(o, "size_bytes"), json_str_or(o, "sha256", "?"));
}

static void result(struct sentence *s, const json_t *r, struct buf *to)
{
	add_command(s, r, to);
	buf_addf(to, " has ended: %s", text(r, "state"));
	add_after(to, ", ", error_of(r));
	if (num(r, "steps_total") > 0)
		buf_addf(to, "; %lld of %lld steps", num(r, "steps_done"), num(r, "steps_total"));
	add_resources(r, "created", to);
	add_resources(r, "deleted", to);
	add_output(json_object_get(r, "output"), to);
	add_after(to, "; ", json_str_or(r, "note", ""));
}

static void intent(struct sentence *s, const json_t *r, struct buf *to)
{
	add_step(s, r, to);
	buf_addf(to, "about to call %s", json_str_or(r, "action", "AWS"));
	if (num(r, "generation") > 1)
		buf_addf(to, ", with its token number %lld", num(r, "generation"));
}

static void doubt(struct sentence *s, const json_t *r, struct buf *to)
{
	const char *leaving = json_str_or(r, "leaving", "");

	add_step(s, r, to);
	buf_adds(to, str_eq(leaving, "gives-up")
			 ? "no answer, and no more time: whether it had its effect is looked up one last time"
		     : str_eq(leaving, "leaves") ? "no answer, and it is not called again: whether it had its effect is looked up"
						 : "not through yet, it is tried again: AWS refused the call, or gave no answer");
	add_after(to, ": ", error_of(r));
}

static void outcome(struct sentence *s, const json_t *r, struct buf *to)
{
	add_step(s, r, to);
	buf_adds(to, text(r, "outcome"));
	if (*json_str_or(r, "how", "") != '\0')
		buf_addf(to, " (%s)", text(r, "how"));
	if (json_is_true(json_object_get(r, "adopted")))
		buf_adds(to, ", found as it was made before");
	add_after(to, ": ", error_of(r));
	add_resources(r, "created", to);
	add_resources(r, "deleted", to);
	add_after(to, "; ", json_str_or(r, "note", ""));
}

static void undo(struct sentence *s, const json_t *r, struct buf *to)
{
	add_command(s, r, to);
	buf_addf(to, ", %s: what was done is taken back", text(r, "plan"));
	if (json_is_true(json_object_get(r, "cancelled")))
		buf_adds(to, ", as it was cancelled");
	add_after(to, ": ", error_of(r));
}

static void acked(struct sentence *s, const json_t *r, struct buf *to)
{
	const json_t *ops = json_object_get(r, "ops");

	if (ops == NULL)
		buf_addf(to, "the vendor has all results up to number %lld", num(r, "through"));
	for (size_t i = 0; i < json_array_size(ops); i++) {
		const char *id = json_string_value(json_array_get(ops, i));
		const char *name = id != NULL ? json_str_or(s->names, id, id) : "?";

		buf_addf(to, "%s%s", i == 0 ? "the vendor has the result of " : ", ", name);
	}
}

static void refused(struct sentence *s, const json_t *r, struct buf *to)
{
	(void)s;
	buf_addf(to, "a command was refused: %s (SHA-256 of its body %.16s)", text(r, "reason"), text(r, "body_sha256"));
}

static void left_out(struct sentence *s, const json_t *r, struct buf *to)
{
	(void)s;
	buf_addf(to, "%lld more notes came within an hour than are recorded", num(r, "count"));
}

static void pruned(struct sentence *s, const json_t *r, struct buf *to)
{
	(void)s;
	buf_addf(to, "segment %s goes, as the journal has its largest size; its last record is %lld, with SHA-256 %.16s",
		 text(r, "segment"), num(r, "last_seq"), text(r, "last_sha256"));
}

/* What was open when a segment began; its commands are known from here, too. */
static void checkpoint(struct sentence *s, const json_t *r, struct buf *to)
{
	const json_t *list = json_object_get(r, "records");
	size_t commands = 0;

	for (size_t i = 0; i < json_array_size(list); i++) {
		const char *type = json_string_value(json_array_get(json_array_get(list, i), 0));

		if (type == NULL || !str_eq(type, "command.accepted"))
			continue;
		commands++;
		remember(s, json_array_get(json_array_get(list, i), 1));
	}
	buf_addf(to, "a segment begins: %zu commands are open or not acknowledged", commands);
	if (num(r, "epoch") > 0)
		buf_addf(to, ", accepted up to number %lld of epoch %lld", num(r, "accepted"), num(r, "epoch"));
}

/* ---- all ---- */

static const struct {
	const char *type;
	void (*tell)(struct sentence *s, const json_t *r, struct buf *to);
} types[] = {
	{ "journal.created", created },
	{ "agent.started", started },
	{ "command.accepted", accepted },
	{ "local.accepted", local_accepted },
	{ "warehouse.nodes", nodes_seen },
	{ "command.planned", planned },
	{ "command.started", command_started },
	{ "command.cancelled", cancelled },
	{ "command.result", result },
	{ "step.intent", intent },
	{ "step.doubt", doubt },
	{ "step.outcome", outcome },
	{ "plan.undo", undo },
	{ "result.acked", acked },
	{ "command.refused", refused },
	{ "notes.left_out", left_out },
	{ "journal.pruned", pruned },
	{ "checkpoint", checkpoint },
};

/* Of another version: what it says, without the chain's own members. */
static void unknown(const char *type, const json_t *record, struct buf *to)
{
	static const char *const own[] = { "prev", "seq", "time", "type" };
	CLEANUP(buf_close) struct buf all = BUF_MAX(8u << 20);
	CLEANUP(json_close) json_t *copy = json_copy((json_t *)record);

	/* Number and time stand in front of the sentence already, and the hash of the chain is for programs. */
	for (size_t i = 0; i < ARRAY_LEN(own); i++)
		json_object_del(copy, own[i]);
	json_write(copy, &all);
	buf_addf(to, "%s %.*s%s", type, UNKNOWN_MAX, buf_str(&all), all.len > UNKNOWN_MAX ? " ..." : "");
}

void sentence_of(struct sentence *s, const char *type, const json_t *record, struct buf *to)
{
	for (size_t i = 0; i < ARRAY_LEN(types); i++)
		if (str_eq(type, types[i].type)) {
			types[i].tell(s, record, to);
			return;
		}
	unknown(type, record, to);
}

void sentence_close(struct sentence *s)
{
	json_close(&s->names);
	json_close(&s->titles);
}

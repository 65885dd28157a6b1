/* plan_print.c - plans as people read them, like a Terraform plan: first what changes, what interrupts service and what is lost,
 * then each step. */
#include <string.h>

#include "agent/base/json.h"
#include "agent/base/mem.h"
#include "agent/base/str.h"
#include "agent/ops/plan/plan.h"

#define STEPS_MAX (8u << 20)
#define STEP_SAYS_MAX (64u << 10)

/* "+" makes, "-" removes, "~" changes, " " looks. */
static char sign_of(const struct step_kind *k)
{
	if (!step_mutates(k))
		return ' ';
	return k->makes != NULL ? '+' : k->removes != NULL ? '-' : '~';
}

/* As wide as the longest name and the longest action of all plans. */
struct columns {
	int name, action;
};

static struct columns columns_of(const struct plans *p)
{
	struct columns c = { 0 };

	for (size_t i = 0; i < p->n; i++)
		for (size_t k = 0; k < p->v[i].n; k++) {
			int name = (int)strlen(p->v[i].steps[k].title), action = (int)strlen(p->v[i].steps[k].kind->action);

			c.name = name > c.name ? name : c.name;
			c.action = action > c.action ? action : c.action;
		}
	return c;
}

unsigned plans_column(const struct plans *p)
{
	struct columns c = columns_of(p);

	return (unsigned)(4 + c.name + 2 + c.action + 2);
}

static void print_step(const struct step *s, struct columns c, bool high, struct buf *to)
{
	buf_addf(to, "  %c %-*s  %-*s  ", sign_of(s->kind), c.name, s->title, c.action, s->kind->action);
	if (s->kind->print != NULL)
		s->kind->print(s->args, to);
	buf_adds(to, high ? "  [HIGH RISK: needs a release signature]\n" : "\n");
	if (s->kind->detail != NULL)
		s->kind->detail(s->args, to);
}

static void print_notes(const struct plans *p, struct buf *to)
{
	const json_t *notes = json_object_get(p->json, "notes");

	for (size_t i = 0; i < json_array_size(notes); i++)
		buf_addf(to, "%sNote: %s\n", i == 0 ? "\n" : "", json_string_value(json_array_get(notes, i)));
}

/* ---- what it comes to ---- */

/* "cluster-be: stop the nodes of be: no other node of the cluster runs", each such step a line behind the heading. */
static void print_sum(const struct plans *p, bool is_loss, const char *heading, const char *none, struct buf *to)
{
	bool any = false;

	for (size_t i = 0; i < p->n; i++)
		for (size_t k = 0; k < p->v[i].n; k++) {
			const struct step *s = &p->v[i].steps[k];
			CLEANUP(buf_close) struct buf says = BUF_MAX(STEP_SAYS_MAX);
			void (*say)(const json_t *args, struct buf *to) = is_loss ? s->kind->loses : s->kind->interrupts;

			if (say != NULL)
				say(s->args, &says);
			if (says.len == 0)
				continue;
			buf_addf(to, "%s  %s: %s: %s\n", any ? "" : heading, p->v[i].name, s->title, buf_str(&says));
			any = true;
		}
	if (!any)
		buf_adds(to, none);
}

static void print_kept(const struct plans *p, struct buf *to)
{
	const json_t *list = json_object_get(p->json, "preserved");
	const char *before = "Stays: ";

	for (size_t i = 0; i < json_array_size(list); i++) {
		const json_t *pair = json_array_get(list, i);

		buf_addf(to, "%s%s %s", before, json_string_value(json_array_get(pair, 0)),
			 json_string_value(json_array_get(pair, 1)));
		before = ", ";
	}
	if (*before == ',')
		buf_adds(to, "\n");
}

/* Before the steps: who reads no more than this knows what is at stake. */
static void print_stakes(const struct plans *p, struct buf *to)
{
	const json_t *changes = json_object_get(p->json, "changes");

	for (size_t i = 0; i < json_array_size(changes); i++)
		buf_addf(to, "%s  %s\n", i == 0 ? "What changes:\n" : "", json_string_value(json_array_get(changes, i)));
	print_sum(p, false, "Interrupts service:\n", "Interrupts service: no step does\n", to);
	print_sum(p, true, "Lost for good:\n", "Lost for good: nothing\n", to);
	print_kept(p, to);
}

/* ---- all of it ---- */

struct sums {
	size_t makes, removes, changes;
};

static void print_plan(const struct plan *plan, struct columns columns, struct sums *sums, struct buf *to)
{
	buf_addf(to, "\nPlan %s (stage %u)\n", plan->name, plan->stage);
	for (size_t k = 0; k < plan->n; k++) {
		const struct step *s = &plan->steps[k];
		char c = sign_of(s->kind);

		if (k == plan->pivot && k > 0)
			buf_adds(to, "    -- point of no return: what follows is not taken back --\n");
		print_step(s, columns, s->kind->is_high != NULL && s->kind->is_high(s->args), to);
		sums->makes += c == '+';
		sums->removes += c == '-';
		sums->changes += c == '~';
	}
}

void plans_print(const struct plans *p, struct buf *to)
{
	CLEANUP(buf_close) struct buf steps = BUF_MAX(STEPS_MAX);
	struct columns columns = columns_of(p);
	char hex[DIGEST_HEX_LEN];
	struct sums sums = { 0 };

	for (size_t i = 0; i < p->n; i++)
		print_plan(&p->v[i], columns, &sums, &steps);
	buf_addf(to, "Command %s: %s of %s\nSeen at %s, plan hash %s\n", json_str_or(p->json, "command", "?"),
		 json_str_or(p->json, "verb", "?"), json_str_or(p->json, "warehouse", "?"),
		 json_str_or(p->json, "inventory_time", "?"), digest_hex(&p->hash, hex));
	if (p->n > 0) {
		buf_adds(to, "\n");
		print_stakes(p, to);
	}
	if (strchr(buf_str(&steps), '@') != NULL)
		buf_adds(to, "@name in a step stands for what a step before it makes or finds: its id is known only then.\n");
	buf_add(to, buf_str(&steps), steps.len);
	if (p->n == 0)
		buf_addf(to, "\n%s\n", json_str_or(p->json, "deed", "Nothing to do: what is there is what was asked for."));
	print_notes(p, to);
	buf_addf(to, "\n%zu to make, %zu to change, %zu to remove.\n", sums.makes, sums.changes, sums.removes);
}

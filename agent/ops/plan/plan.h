/* plan.h - plans as data: what a command will do, call by call, before it does it.
 *
 * A command compiles to plans in stages: all plans of a stage run beside each other, the next stage starts when all have
 * ended well. Ids are command/plan/step. One hash covers all plans of the command; approval covers that hash. The JSON form
 * is what the journal holds and what is hashed. */
#pragma once
#include <jansson.h>
#include <stdbool.h>

#include "agent/base/digest.h"
#include "agent/base/err.h"
#include "agent/ops/steps/demand.h"
#include "agent/ops/steps/step.h"

#define PLAN_STEPS_MAX 256
#define PLANS_MAX 256 /* two of each cluster, what is shared, and one of each node that is changed by itself */

struct step {
	const char *name; /* stable: from the spec alone */
	const struct step_kind *kind;
	json_t *args;
	const char *title; /* for people, in words: "deregister main/sql"; the name where a plan of an older version has none */
};

struct plan {
	const char *name;
	unsigned stage;
	unsigned pivot; /* before step number pivot failure undoes in reverse; from there on only forward */
	struct step *steps;
	size_t n;
};

/* All plans of one command, and what must be told with them. */
struct plans {
	json_t *json; /* owns all texts and arguments below */
	struct plan *v;
	size_t n;
	struct digest hash;
};

/* ---- building: a builder remembers its first failure and tells it once, at the end ---- */
struct plan_builder;
struct plan_builder *plan_builder_new(const char *command, const char *verb, const char *warehouse, uint64_t generation,
				      int64_t inventory_ms);
void plan_begin(struct plan_builder *b, const char *name, unsigned stage);
void plan_add(struct plan_builder *b, const struct step_kind *kind, json_t *args, const char *name_fmt, ...)
    __attribute__((format(printf, 4, 5)));
/* What people read for the step that was added last. */
void plan_title(struct plan_builder *b, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
void plan_pivot(struct plan_builder *b);
void plan_preserve(struct plan_builder *b, const char *kind, const char *id); /* what a deletion leaves alone */
void plan_stay(struct plan_builder *b, const char *cluster, json_t *ids);     /* nodes that stand and stay; takes ids */
/* What people should know of a plan that no step of it says. */
void plan_note(struct plan_builder *b, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
/* What becomes of something, from and to: "~ cluster be: 2 -> 4 nodes". For people alone: it is not hashed. */
void plan_tell(struct plan_builder *b, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
/* What is done in the place of steps, in a sentence for people. */
void plan_deed(struct plan_builder *b, const char *says);
int plan_end(struct plan_builder *b, struct plans **ret, struct err *e); /* frees the builder; drops empty plans */

/* ---- using ---- */
int plans_from_json(json_t *json, struct plans **ret, struct err *e); /* takes a reference of its own */
void plans_free(struct plans *p);
size_t plans_steps(const struct plans *p);
void plans_demand(const struct plans *p, struct demand *d);
/* The first step that needs a second key, or NULL. */
const struct step *plans_high(const struct plans *p, const struct plan **ret_plan);
/* For people, like a Terraform plan. */
void plans_print(const struct plans *p, struct buf *to);
unsigned plans_column(const struct plans *p); /* where in a line of it stands what the step does */

/* Replaces "@name" by facts, deep; a list fact inside a list is spliced in. A fact that is not there is an error. */
int facts_resolve(const json_t *args, const json_t *facts, json_t **ret, struct err *e);

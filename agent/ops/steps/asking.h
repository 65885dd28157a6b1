/* asking.h - a step that asks several nodes by HTTP, one after the other: where they are, whose turn it is, what each has said.
 *
 * Its arguments: instances, vpc_id, cidrs (the VPC's blocks), port, path; and started, when the plan has just started them. In a
 * round each node is asked once; between two rounds lies the kind's poll_s. What they have said is kept in x->told. */
#pragma once
#include "agent/ops/steps/step.h"

/* "nodes": {id: {...}}, of those that bear our tags. */
extern const struct step_look asking_where;

enum asking_is {
	ASKING_THERE,  /* it runs, is ours, and has an address inside the VPC */
	ASKING_COMING, /* it may yet: EC2 does not show it so */
	ASKING_GONE,   /* it is not, and will not be */
};
/* why: of one that is not there, for people; a literal. */
enum asking_is asking_how_is(const struct step_ctx *x, const char *id, const char **why);

/* A request to the one whose turn it is. */
int asking_ask(const struct step_ctx *x, const char *method, struct request *req, struct err *e);
const char *asking_now(const struct step_ctx *x); /* who was asked last; "": nobody */
/* MORE while somebody that is there, and not done with, was not asked in this round; else AGAIN, and another round begins. */
enum step_verdict asking_go_on(const struct step_ctx *x);

/* What the one that was asked last has said: a text for people; done with: it is asked no more. */
void asking_note(const struct step_ctx *x, const char *text, bool is_done);
const char *asking_said(const struct step_ctx *x, const char *id); /* NULL: it was not asked */
bool asking_is_done(const struct step_ctx *x, const char *id);
/* "HTTP 503", "no answer", "an address that is not inside the VPC": of the answer its status alone. */
void asking_status(const struct aws_call *c, char to[64]);

/* reads.h - every read that the agent makes with the role of its instance. With AssumeRole on the operate role it is all that this
 * role may do. Derived: from the table of a taking's reads, the step kinds that only read, and the looks of the others. */
#pragma once

#include <stddef.h>

#define READS_MAX 63

struct resource;
struct step_kind;

/* IAM actions, each once, sorted, ended by NULL; zero before they are collected. */
struct reads {
	const char *v[READS_MAX + 1];
	size_t n;
};

/* Of these kinds of steps and of things, both ended by NULL, and of the account itself. */
void reads_collect(struct reads *r, const struct step_kind *const *kinds, const struct resource *const *resources);
/* Those of the catalogue: IAM actions, each once, sorted, ended by NULL. */
const char *const *reads_all(void);

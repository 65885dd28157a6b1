/* faults.h - all that is wrong with a file, so that a person mends it in one go: sentences in the order in which they were found.
 *
 * A reader goes on behind what is wrong, and what follows from a fault is not told as another. The first FAULTS_MAX are kept, and
 * the rest is counted. */
#pragma once
#include <stdbool.h>
#include <stddef.h>

#include "agent/base/err.h"
#include "agent/base/yaml.h"

#define FAULTS_MAX 256

struct faults {
	struct err v[FAULTS_MAX];
	size_t n;       /* kept */
	size_t all;     /* found */
	size_t missed;  /* values that are of no use: each was heard of here, or before, while the text was read */
	struct err now; /* where the next getter puts its sentence; then faults_hear */
};

void faults_hear(struct faults *f,
		 int rc); /* rc of a getter that was given &f->now; without a sentence there: it was heard before */
/* Hears of all that keeps the text from being a tree. NULL: there is none; else what could be read of it. */
struct yaml *faults_read(struct faults *f, const char *file, const char *text, size_t len);
/* Hears of each key that does not belong there. False: it is no mapping, which was heard, and nothing in it can be read. */
bool faults_enter(struct faults *f, const struct yaml_node *map, const char *const *keys);
/* Is it there? If not, that was heard, unless it may stand behind where the reading broke off. */
bool faults_need(struct faults *f, const struct yaml_node *map, const char *key, const char *expected);
/* 0: none; else the code of the first, its sentence, and how many there are beside it. */
int faults_first(const struct faults *f, struct err *e);

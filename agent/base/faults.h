/* faults.h - all that is wrong with a file, so that a person mends it in one go: sentences in the order in which they were found.
 *
 * A reader goes on behind what is wrong, and what follows from a fault is not told as another. The first FAULTS_MAX are kept, and
 * the rest is counted. */
#pragma once
#include <stdbool.h>
#include <stddef.h>

#include "agent/base/err.h"
#include "agent/base/yaml.h"

#define FAULTS_MAX 32

struct faults {
	struct err v[FAULTS_MAX];
	size_t n;       /* kept */
	size_t all;     /* found */
	struct err now; /* where the next getter puts its sentence; then faults_hear */
};

void faults_hear(struct faults *f, int rc); /* rc of a getter that was given &f->now */
/* Hears of each key that does not belong there. False: it is no mapping, which was heard, and nothing in it can be read. */
bool faults_enter(struct faults *f, const struct yaml_node *map, const char *const *keys);
/* Is it there? If not, that was heard. */
bool faults_need(struct faults *f, const struct yaml_node *map, const char *key, const char *expected);
/* 0: none; else the code of the first, its sentence, and how many there are beside it. */
int faults_first(const struct faults *f, struct err *e);

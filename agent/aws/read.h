/* read.h - what all readers of query answers share: texts, numbers, lists and tags out of an XML tree, into an arena.
 *
 * A member that AWS may leave out reads as "" or 0; one that it must send, or that is not of its type, is an error that
 * names it. Rows join what earlier pages brought: a list is a set by id, for things move between pages while they are read. */
#pragma once
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "agent/aws/ec2.h"
#include "agent/base/arena.h"
#include "agent/base/xml.h"

const char *read_text(struct arena *m, const struct xml_node *n, const char *path); /* "" when it is not there */
int read_must(struct arena *m, const struct xml_node *n, const char *path, const char **ret, struct err *e);
int read_u32(const struct xml_node *n, const char *path, uint32_t *ret, struct err *e); /* not there: 0 */
int read_i32(const struct xml_node *n, const char *path, int32_t other, int32_t *ret, struct err *e);

/* A list that the answer must have, even when it is empty. */
int read_list(const struct xml_node *n, const char *path, const struct xml_node **ret, struct err *e);
size_t read_count(const struct xml_node *list, const char *item);
/* The text at `path` of each item that has one. */
void read_texts(struct arena *m, const struct xml_node *list, const char *item, const char *path, const char ***ret, size_t *ret_n);
/* `item` of `list` hold `key` and `value`. */
void read_tags(struct arena *m, const struct xml_node *list, const char *item, const char *key, const char *value,
	       struct ec2_tags *ret);

/* A copy of `n` rows with zeroed room for `more` behind them. */
void *read_grow(struct arena *m, const void *rows, size_t n, size_t more, size_t size);
/* The first member of a row is its id, a const char *. Of rows with one id the last stays, in the place of the first, unless
 * `differ` says that they are two things; NULL: they never are. Returns how many rows are left. */
typedef bool read_differ_fn(const void *a, const void *b);
size_t read_join(void *rows, size_t n, size_t size, read_differ_fn *differ);

/* In a reader with `m`, `ret` and `e`: each `item` of `set` by `row`, joined into *ret when all were good. */
#define READ_ROWS(set, item, row, differ)                                                                                          \
	do {                                                                                                                       \
		const struct xml_node *c = NULL;                                                                                   \
		__typeof__(*ret) all = *ret;                                                                                       \
		all.v = read_grow(m, all.v, all.n, read_count(set, item), sizeof(*all.v));                                         \
		while ((c = xml_next(set, c, item)) != NULL)                                                                       \
			TRY(row(c, m, &all.v[all.n++], e));                                                                        \
		all.n = read_join(all.v, all.n, sizeof(*all.v), differ);                                                           \
		*ret = all;                                                                                                        \
	} while (0)

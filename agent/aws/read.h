/* read.h - what all readers of query answers share: texts, numbers, lists and tags out of an XML tree, into an arena.
 *
 * A member that AWS may leave out reads as "" or 0; one that it must send, or that is not of its type, is an error that
 * names it. Rows join what earlier pages brought: a list is a set by id, for things move between pages while they are read.
 *
 * Whatever is answered, an arena has room for it: texts have a form and a greatest length, an answer and a list a greatest
 * number of rows, and an arena with less room than one answer may take is not read into. What is beyond is -ERR_LIMIT. */
#pragma once
#include <assert.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "agent/aws/ec2.h"
#include "agent/base/arena.h"
#include "agent/base/xml.h"

#define READ_BODY_MAX (8u << 20) /* of any answer that a reader sees */
#define READ_ROWS_MAX 4096       /* of one list in one answer: AWS sends 1,000 */
#define READ_LIST_MAX 32768      /* rows of a list of several pages; a power of two */
#define READ_ROW_SIZE_MAX 256
/* What one answer may take of an arena: each text twice; of each element a row and the rounding of its texts; of each row the
 * texts that are not there; and the rows of the pages before, copied into twice the room. */
#define READ_ANSWER_BYTES (48u << 20)
static_assert(READ_ANSWER_BYTES >=
		  2 * READ_BODY_MAX + XML_MAX_NODES * 128 + READ_ROWS_MAX * 1024 + (READ_LIST_MAX + 4) * READ_ROW_SIZE_MAX,
	      "an answer within its limits fits");
struct arena *read_arena(void); /* for one answer */

/* What texts are made of, and how long they are at most: all that is recorded, compared or sent back has such a form. */
enum read_form {
	READ_ID,     /* "i-0abc", "123456789012": 64 letters, digits and hyphens */
	READ_ARN,    /* 2,048 printable ASCII characters without blanks; also a name that may be an ARN */
	READ_WORD,   /* 256 printable ASCII characters: states, protocols, zones, names of types and devices */
	READ_NAME,   /* 256 characters: names that people give, and values of tags */
	READ_KEY,    /* 128 characters: keys of tags */
	READ_SAYING, /* prose for people: cut after 1,024 bytes */
};
int read_check(const struct xml_node *n, const char *path, enum read_form form, struct err *e); /* -ERR_INVALID: it has not */
/* "" when it is not there. */
int read_text(struct arena *m, const struct xml_node *n, const char *path, enum read_form form, const char **ret, struct err *e);
int read_must(struct arena *m, const struct xml_node *n, const char *path, enum read_form form, const char **ret, struct err *e);

/* A text of a row, a const char * at `to`. */
struct read_member {
	const char *path;
	size_t to; /* offsetof */
	enum read_form form;
	bool must;
};
int read_members(struct arena *m, const struct xml_node *n, const struct read_member *v, size_t members_n, void *row,
		 struct err *e);

int read_u32(const struct xml_node *n, const char *path, uint32_t *ret, struct err *e); /* not there: 0 */
int read_i32(const struct xml_node *n, const char *path, int32_t other, int32_t *ret, struct err *e);

/* A list that the answer must have, even when it is empty. */
int read_list(const struct xml_node *n, const char *path, const struct xml_node **ret, struct err *e);
size_t read_count(const struct xml_node *list, const char *item);
/* The text at `path` of each item that has one. */
int read_texts(struct arena *m, const struct xml_node *list, const char *item, const char *path, enum read_form form,
	       const char ***ret, size_t *ret_n, struct err *e);
/* `item` of `list` hold `key` and `value`. */
int read_tags(struct arena *m, const struct xml_node *list, const char *item, const char *key, const char *value,
	      struct ec2_tags *ret, struct err *e);

/* `n` rows with zeroed room for `more` behind them. Rows of before, if any, came from here; the room doubles, so that copies do
 * not add up. NULL: that is beyond a limit, or the arena is too full; the sentence names the list. */
void *read_grow(struct arena *m, const struct xml_node *list, void *rows, size_t n, size_t more, size_t size, struct err *e);
/* The first member of a row is its id, a const char *. Of rows with one id the last stays, in the place of the first, unless
 * `differ` says that they are two things; NULL: they never are. Returns how many rows are left. */
typedef bool read_differ_fn(const void *a, const void *b);
size_t read_join(void *rows, size_t n, size_t size, read_differ_fn *differ);

/* In a reader with `m`, `ret` and `e`: each `item` of `set` by `row`, joined into *ret when all were good. */
#define READ_ROWS(set, item, row, differ)                                                                                          \
	do {                                                                                                                       \
		const struct xml_node *c = NULL;                                                                                   \
		__typeof__(*ret) all = *ret;                                                                                       \
		static_assert(sizeof(*all.v) <= READ_ROW_SIZE_MAX, "READ_ANSWER_BYTES counts with it");                            \
		all.v = read_grow(m, set, all.v, all.n, read_count(set, item), sizeof(*all.v), e);                                 \
		if (all.v == NULL)                                                                                                 \
			return -ERR_LIMIT;                                                                                         \
		while ((c = xml_next(set, c, item)) != NULL)                                                                       \
			TRY(row(c, m, &all.v[all.n++], e));                                                                        \
		all.n = read_join(all.v, all.n, sizeof(*all.v), differ);                                                           \
		*ret = all;                                                                                                        \
	} while (0)

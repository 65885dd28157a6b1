/* yaml.h - a strict subset of YAML (libyaml) for configuration and policy: mappings, sequences, scalars.
 *
 * A byte order mark of UTF-8 in front is dropped; other encodings are refused, and so is a byte that is no text, by its line.
 * Refused with file and line: anchors, aliases, tags, merge keys, duplicate keys, more than one document, and more than the
 * limits below, which keep a read quick: the policy is read before each call that changes something. Who reads for a person is told
 * all of that (yaml_read), who reads for himself the first of it (yaml_parse). Scalars are text until a getter types them, so there
 * is no "Norway problem". Getters name file, line, what was found and what was expected. */
#pragma once
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "agent/base/err.h"

#define YAML_MAX_BYTES (256u << 10)
#define YAML_MAX_DEPTH 16
#define YAML_MAX_KEYS 128   /* of one mapping: each new key is compared with all before it */
#define YAML_MAX_NODES 8192 /* scalars, lists and mappings; keys are counted with their values */

struct yaml;
struct yaml_node;

typedef void yaml_hear(void *ctx, const struct err *e);

/* Goes on behind what it refuses and tells each of it, wherever that is still YAML; else it says that the rest was not read, and
 * the tree ends there. A value that was refused fails every getter, which leaves *e as it is: it was told. NULL: there is
 * nothing. */
struct yaml *yaml_read(const char *file, const char *s, size_t len, yaml_hear *hear, void *ctx);
/* All or nothing. `file` is used in errors only. The tree lives until yaml_close, and so do all texts handed out. */
int yaml_parse(const char *file, const char *s, size_t len, struct yaml **ret, struct err *e);
void yaml_close(struct yaml **y); /* also for CLEANUP; one that is NULL is fine */
struct yaml_node *yaml_root(struct yaml *y);

/* Is a mapping with no other keys than these (NULL at the end), or NULL. To be asked before yaml_missing: a key that is
 * spelled wrong is named, and not the one that it was meant to be. */
int yaml_map(const struct yaml_node *n, const char *const *keys, struct err *e);
/* The next member behind `after` (NULL: from the first on) whose key is none of these, and the sentence about it; NULL: none. */
const struct yaml_node *yaml_stranger(const struct yaml_node *map, const struct yaml_node *after, const char *const *keys,
				      struct err *e);
bool yaml_is_cut(const struct yaml_node *n); /* it was not read to its end, so what is missing may stand behind */
bool yaml_is_map(const struct yaml_node *n); /* NULL is none */
#define YAML_KEYS(...) ((const char *const[]){ __VA_ARGS__, NULL })
/* A value of a mapping, or NULL when it is not there (or n is NULL). */
struct yaml_node *yaml_get(const struct yaml_node *n, const char *key);
/* Error sentences begin with "FILE:LINE: "; `expected` completes "expected ...". */
int yaml_wrong(const struct yaml_node *n, const char *expected, struct err *e);
/* As yaml_wrong, for a value that may hold a secret: it is not shown. */
int yaml_wrong_hidden(const struct yaml_node *n, const char *expected, struct err *e);
int yaml_missing(const struct yaml_node *map, const char *key, const char *expected, struct err *e);

/* A NULL node leaves *ret as it is (the default) and is no error. */
int yaml_str(const struct yaml_node *n, const char **ret, struct err *e);
int yaml_bool(const struct yaml_node *n, bool *ret, struct err *e);
int yaml_u64(const struct yaml_node *n, uint64_t most, uint64_t *ret, struct err *e);
int yaml_duration(const struct yaml_node *n, uint64_t *ret_ms, struct err *e);
int yaml_size(const struct yaml_node *n, uint64_t *ret_bytes, struct err *e);
int yaml_enum(const struct yaml_node *n, const char *const *names, size_t count, unsigned *ret, struct err *e);

/* Members of a sequence, in file order; NULL has none. */
int yaml_list(const struct yaml_node *n, size_t most, struct err *e); /* is a sequence of at most `most`, or NULL */
struct yaml_node *yaml_first(const struct yaml_node *n);
struct yaml_node *yaml_next(const struct yaml_node *n);

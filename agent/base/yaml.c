/* yaml.c - the tree of a file, and the getters that type its scalars. */
#include "agent/base/yaml.h"

#include <stdio.h>
#include <string.h>

#include "agent/base/arena.h"
#include "agent/base/mem.h"
#include "agent/base/str.h"
#include "agent/base/yaml_impl.h"

/* libyaml exports a yaml_free of its own, so this one must not be seen. */
static void tree_free(struct yaml *y)
{
	if (y == NULL)
		return;
	arena_free(y->arena);
	mem_free(y);
}

/* Of all that is wrong the first. */
struct first {
	struct err *e;
	int rc;
};

static void hear_first(void *ctx, const struct err *told)
{
	struct first *first = ctx;

	if (first->rc == 0)
		first->rc = err_set(first->e, told->code, "%s", told->text);
}

int yaml_parse(const char *file, const char *s, size_t len, struct yaml **ret, struct err *e)
{
	struct first first = { .e = e };
	struct yaml *y = yaml_read(file, s, len, hear_first, &first);

	if (first.rc != 0)
		tree_free(y);
	else
		*ret = y;
	return first.rc;
}

void yaml_close(struct yaml **y)
{
	tree_free(*y);
	*y = NULL;
}

struct yaml_node *yaml_root(struct yaml *y)
{
	return y->root;
}

struct yaml_node *yaml_get(const struct yaml_node *n, const char *key)
{
	if (n == NULL || n->kind != YAML_MAP)
		return NULL;
	for (struct yaml_node *m = n->first; m != NULL; m = m->next)
		if (str_eq(m->key, key))
			return m;
	return NULL;
}

static const char *found(const struct yaml_node *n)
{
	return n->kind == YAML_MAP ? "a mapping" : n->kind == YAML_LIST ? "a list" : n->text;
}

static int wrong(const struct yaml_node *n, const char *quote, const char *what, const char *expected, struct err *e)
{
	const char *key = n->key != NULL ? n->key : "", *colon = n->key != NULL ? ": " : "";

	if (n->kind == YAML_HOLE)
		return -ERR_INVALID;
	return err_set(e, ERR_INVALID, "%s:%u: %s%sfound %s%.80s%s, expected %s", n->y->file, n->line, key, colon, quote, what,
		       quote, expected);
}

int yaml_wrong(const struct yaml_node *n, const char *expected, struct err *e)
{
	return wrong(n, n->kind == YAML_SCALAR ? "\"" : "", found(n), expected, e);
}

int yaml_wrong_hidden(const struct yaml_node *n, const char *expected, struct err *e)
{
	return wrong(n, "", "a text that is not shown here", expected, e);
}

int yaml_missing(const struct yaml_node *map, const char *key, const char *expected, struct err *e)
{
	return err_set(e, ERR_INVALID, "%s:%u: key \"%s\" is missing, expected %s", map->y->file, map->line, key, expected);
}

static bool is_among(const char *text, const char *const *names, size_t count)
{
	for (size_t i = 0; i < count; i++)
		if (str_eq(text, names[i]))
			return true;
	return false;
}

/* "one of a, b, c" */
static const char *one_of(const char *const *names, size_t count, char *to, size_t size)
{
	int used = snprintf(to, size, "one of");

	/* snprintf tells the length that it would have needed, so `used` can pass size: then the list is cut. */
	for (size_t i = 0; i < count && used < (int)size; i++)
		used += snprintf(to + used, size - (size_t)used, "%s %s", i > 0 ? "," : "", names[i]);
	return to;
}

bool yaml_is_cut(const struct yaml_node *n)
{
	return n->is_cut;
}

bool yaml_is_map(const struct yaml_node *n)
{
	return n != NULL && n->kind == YAML_MAP;
}

const struct yaml_node *yaml_stranger(const struct yaml_node *map, const struct yaml_node *after, const char *const *keys,
				      struct err *e)
{
	const struct yaml_node *m = after != NULL ? after->next : map->first;
	char expected[256];
	size_t count = 0;

	while (keys[count] != NULL)
		count++;
	while (m != NULL && is_among(m->key, keys, count))
		m = m->next;
	if (m != NULL)
		err_set(e, ERR_INVALID, "%s:%u: key \"%.60s\" is not known here, expected %s", map->y->file, m->line, m->key,
			one_of(keys, count, expected, sizeof(expected)));
	return m;
}

int yaml_map(const struct yaml_node *n, const char *const *keys, struct err *e)
{
	if (n == NULL)
		return 0;
	if (n->kind != YAML_MAP)
		return yaml_wrong(n, "a mapping", e);
	return yaml_stranger(n, NULL, keys, e) == NULL ? 0 : -ERR_INVALID;
}

int yaml_str(const struct yaml_node *n, const char **ret, struct err *e)
{
	if (n == NULL)
		return 0;
	if (n->kind != YAML_SCALAR || *n->text == '\0')
		return yaml_wrong(n, "a text", e);
	*ret = n->text;
	return 0;
}

int yaml_bool(const struct yaml_node *n, bool *ret, struct err *e)
{
	if (n == NULL)
		return 0;
	if (n->kind != YAML_SCALAR || (!str_eq(n->text, "true") && !str_eq(n->text, "false")))
		return yaml_wrong(n, "true or false", e);
	*ret = n->text[0] == 't';
	return 0;
}

int yaml_u64(const struct yaml_node *n, uint64_t most, uint64_t *ret, struct err *e)
{
	char expected[64];
	uint64_t v;

	if (n == NULL)
		return 0;
	if (n->kind != YAML_SCALAR || str_u64(n->text, &v) != 0 || v > most) {
		snprintf(expected, sizeof(expected), "a number from 0 to %llu", (unsigned long long)most);
		return yaml_wrong(n, expected, e);
	}
	*ret = v;
	return 0;
}

/* A longer time could overflow where times are added up, and would then count as no time at all. */
#define DURATION_MAX_MS (3653ull * 24 * 60 * 60 * 1000)

int yaml_duration(const struct yaml_node *n, uint64_t *ret_ms, struct err *e)
{
	uint64_t ms;

	if (n == NULL)
		return 0;
	if (n->kind != YAML_SCALAR || str_duration(n->text, &ms) != 0 || ms > DURATION_MAX_MS)
		return yaml_wrong(n, "a duration such as 30s, 5m, 24h, of ten years at most", e);
	*ret_ms = ms;
	return 0;
}

int yaml_size(const struct yaml_node *n, uint64_t *ret_bytes, struct err *e)
{
	if (n == NULL)
		return 0;
	if (n->kind != YAML_SCALAR || str_size(n->text, ret_bytes) != 0)
		return yaml_wrong(n, "a size such as 64KiB, 256MiB, 2GiB", e);
	return 0;
}

int yaml_enum(const struct yaml_node *n, const char *const *names, size_t count, unsigned *ret, struct err *e)
{
	char expected[256];

	if (n == NULL)
		return 0;
	for (size_t i = 0; i < count; i++)
		if (n->kind == YAML_SCALAR && str_eq(n->text, names[i])) {
			*ret = (unsigned)i;
			return 0;
		}
	return yaml_wrong(n, one_of(names, count, expected, sizeof(expected)), e);
}

int yaml_list(const struct yaml_node *n, size_t most, struct err *e)
{
	size_t count = 0;

	if (n == NULL)
		return 0;
	if (n->kind != YAML_LIST)
		return yaml_wrong(n, "a list", e);
	for (struct yaml_node *m = n->first; m != NULL; m = m->next)
		count++;
	if (count > most)
		return err_set(e, ERR_LIMIT, "%s:%u: found a list of %zu, expected at most %zu", n->y->file, n->line, count, most);
	return 0;
}

struct yaml_node *yaml_first(const struct yaml_node *n)
{
	return n != NULL ? n->first : NULL;
}

struct yaml_node *yaml_next(const struct yaml_node *n)
{
	return n->next;
}

/* read.c - see read.h. */
#include "agent/aws/read.h"

#include <string.h>

#include "agent/base/mem.h"
#include "agent/base/str.h"

const char *read_text(struct arena *m, const struct xml_node *n, const char *path)
{
	return arena_str(m, xml_get(n, path));
}

int read_must(struct arena *m, const struct xml_node *n, const char *path, const char **ret, struct err *e)
{
	const char *s = xml_get(n, path);

	if (*s == '\0')
		return err_set(e, ERR_INVALID, "%s has no %s", xml_name(n), path);
	*ret = arena_str(m, s);
	return 0;
}

int read_u32(const struct xml_node *n, const char *path, uint32_t *ret, struct err *e)
{
	const struct xml_node *c = xml_find(n, path);
	uint64_t u = 0;

	if (c != NULL && (str_u64(xml_text(c), &u) != 0 || u > UINT32_MAX))
		return err_set(e, ERR_INVALID, "%s is not a number: \"%.40s\"", path, xml_text(c));
	*ret = (uint32_t)u;
	return 0;
}

int read_i32(const struct xml_node *n, const char *path, int32_t other, int32_t *ret, struct err *e)
{
	const struct xml_node *c = xml_find(n, path);
	int64_t i = other;

	if (c != NULL && (str_i64(xml_text(c), &i) != 0 || i < INT32_MIN || i > INT32_MAX))
		return err_set(e, ERR_INVALID, "%s is not a number: \"%.40s\"", path, xml_text(c));
	*ret = (int32_t)i;
	return 0;
}

int read_list(const struct xml_node *n, const char *path, const struct xml_node **ret, struct err *e)
{
	const struct xml_node *c = xml_find(n, path);

	if (c == NULL)
		return err_set(e, ERR_INVALID, "%s has no %s", xml_name(n), path);
	*ret = c;
	return 0;
}

size_t read_count(const struct xml_node *list, const char *item)
{
	size_t n = 0;

	for (const struct xml_node *c = NULL; (c = xml_next(list, c, item)) != NULL;)
		n++;
	return n;
}

void read_texts(struct arena *m, const struct xml_node *list, const char *item, const char *path, const char ***ret, size_t *ret_n)
{
	const char **v = arena_alloc(m, (read_count(list, item) + 1) * sizeof(*v));
	size_t n = 0;

	for (const struct xml_node *c = NULL; (c = xml_next(list, c, item)) != NULL;)
		if (*xml_get(c, path) != '\0')
			v[n++] = read_text(m, c, path);
	*ret = v;
	*ret_n = n;
}

void read_tags(struct arena *m, const struct xml_node *list, const char *item, const char *key, const char *value,
	       struct ec2_tags *ret)
{
	struct ec2_tag *v = arena_alloc(m, (read_count(list, item) + 1) * sizeof(*v));
	size_t n = 0;

	for (const struct xml_node *c = NULL; (c = xml_next(list, c, item)) != NULL;)
		v[n++] = (struct ec2_tag){ read_text(m, c, key), read_text(m, c, value) };
	*ret = (struct ec2_tags){ v, n };
}

void *read_grow(struct arena *m, const void *rows, size_t n, size_t more, size_t size)
{
	void *v = arena_alloc(m, (n + more + 1) * size);

	if (n > 0)
		memcpy(v, rows, n * size);
	return v;
}

/* ---- sets ------------------------------------------------------------------------------------------------------------ */

static const char *id_at(const void *rows, size_t i, size_t size)
{
	const char *id;

	memcpy(&id, (const char *)rows + i * size, sizeof(id));
	return id;
}

/* FNV-1a */
static size_t hash_of(const char *id)
{
	uint64_t h = 14695981039346656037u;

	for (; *id != '\0'; id++)
		h = (h ^ (unsigned char)*id) * 1099511628211u;
	return (size_t)(h ^ (h >> 32));
}

size_t read_join(void *rows, size_t n, size_t size, read_differ_fn *differ)
{
	size_t places = 4, left = 0;
	size_t *table; /* of places in rows, plus one; 0: free */

	while (places < 2 * n)
		places *= 2;
	table = mem_alloc(places * sizeof(*table));
	for (size_t i = 0; i < n; i++) {
		const char *id = id_at(rows, i, size);
		char *row = (char *)rows + i * size;
		size_t at = hash_of(id) & (places - 1);

		while (table[at] != 0 && (!str_eq(id_at(rows, table[at] - 1, size), id) ||
					  (differ != NULL && differ((char *)rows + (table[at] - 1) * size, row))))
			at = (at + 1) & (places - 1);
		if (table[at] == 0)
			table[at] = ++left;
		if (table[at] - 1 != i)
			memcpy((char *)rows + (table[at] - 1) * size, row, size);
	}
	mem_free(table);
	return left;
}

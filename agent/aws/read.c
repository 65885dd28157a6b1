/* read.c - see read.h. */
#include "agent/aws/read.h"

#include <string.h>

#include "agent/base/mem.h"
#include "agent/base/str.h"

struct arena *read_arena(void)
{
	return arena_new_sized(READ_ANSWER_BYTES);
}

/* ---- texts --------------------------------------------------------------------------------------------------------------- */

static bool is_of_id(unsigned char c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-';
}

static bool is_of_arn(unsigned char c)
{
	return c > ' ' && c < 0x7f;
}

static bool is_of_word(unsigned char c)
{
	return c >= ' ' && c < 0x7f;
}

static const struct form {
	const char *what;
	size_t most;                    /* characters, in UTF-8 */
	bool (*is_of)(unsigned char c); /* NULL: any */
} forms[] = {
	[READ_ID] = { "letters, digits and hyphens", 64, is_of_id },
	[READ_ARN] = { "printable characters without blanks", 2048, is_of_arn },
	[READ_WORD] = { "printable characters", 256, is_of_word },
	[READ_NAME] = { "characters", 256, NULL },
	[READ_KEY] = { "characters", 128, NULL },
};
#define SAYING_MAX 1024

static bool is_of_form(const char *s, const struct form *f)
{
	size_t n = 0;

	for (; *s != '\0'; s++) {
		if (f->is_of != NULL && !f->is_of((unsigned char)*s))
			return false;
		/* Characters are counted, and not bytes, as AWS's own limits are: each byte that does not go on a character
		 * begins one. */
		n += ((unsigned char)*s & 0xc0) != 0x80;
		if (n > f->most)
			return false;
	}
	return true;
}

/* Cut between two characters. */
static const char *saying(struct arena *m, const char *s)
{
	size_t n = strnlen(s, SAYING_MAX + 1);

	if (n > SAYING_MAX)
		for (n = SAYING_MAX; n > 0 && ((unsigned char)s[n] & 0xc0) == 0x80;)
			n--;
	return arena_strn(m, s, n);
}

int read_check(const struct xml_node *n, const char *path, enum read_form form, struct err *e)
{
	if (form == READ_SAYING || is_of_form(xml_get(n, path), &forms[form]))
		return 0;
	return err_set(e, ERR_INVALID, "%.64s: %s is not at most %zu %s", xml_name(n), *path != '\0' ? path : "its text",
		       forms[form].most, forms[form].what);
}

int read_text(struct arena *m, const struct xml_node *n, const char *path, enum read_form form, const char **ret, struct err *e)
{
	const char *s = xml_get(n, path);

	TRY(read_check(n, path, form, e));
	*ret = form == READ_SAYING ? saying(m, s) : arena_str(m, s);
	return 0;
}

int read_must(struct arena *m, const struct xml_node *n, const char *path, enum read_form form, const char **ret, struct err *e)
{
	if (*xml_get(n, path) == '\0')
		return err_set(e, ERR_INVALID, "%.64s has no %s", xml_name(n), path);
	return read_text(m, n, path, form, ret, e);
}

int read_members(struct arena *m, const struct xml_node *n, const struct read_member *v, size_t members_n, void *row, struct err *e)
{
	for (size_t i = 0; i < members_n; i++) {
		const char *s;

		TRY((v[i].must ? read_must : read_text)(m, n, v[i].path, v[i].form, &s, e));
		memcpy((char *)row + v[i].to, &s, sizeof(s));
	}
	return 0;
}

/* ---- numbers, lists ------------------------------------------------------------------------------------------------------ */

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

int read_texts(struct arena *m, const struct xml_node *list, const char *item, const char *path, enum read_form form,
	       const char ***ret, size_t *ret_n, struct err *e)
{
	const char **v = arena_alloc(m, (read_count(list, item) + 1) * sizeof(*v));
	size_t n = 0;

	for (const struct xml_node *c = NULL; (c = xml_next(list, c, item)) != NULL;)
		if (*xml_get(c, path) != '\0')
			TRY(read_text(m, c, path, form, &v[n++], e));
	*ret = v;
	*ret_n = n;
	return 0;
}

int read_tags(struct arena *m, const struct xml_node *list, const char *item, const char *key, const char *value,
	      struct ec2_tags *ret, struct err *e)
{
	struct ec2_tag *v = arena_alloc(m, (read_count(list, item) + 1) * sizeof(*v));
	size_t n = 0;

	for (const struct xml_node *c = NULL; (c = xml_next(list, c, item)) != NULL; n++) {
		TRY(read_text(m, c, key, READ_KEY, &v[n].key, e));
		TRY(read_text(m, c, value, READ_NAME, &v[n].value, e));
	}
	*ret = (struct ec2_tags){ v, n };
	return 0;
}

/* Rows that have `n` have room for as many: a power of two, and more only where some were dropped. */
static size_t room_of(size_t n)
{
	size_t room = 4;

	while (room < n)
		room *= 2;
	return room;
}

void *read_grow(struct arena *m, const struct xml_node *list, void *rows, size_t n, size_t more, size_t size, struct err *e)
{
	void *v = rows;

	if (more > READ_ROWS_MAX || n + more > READ_LIST_MAX) {
		err_set(e, ERR_LIMIT, "%.64s: %zu rows behind %zu; an answer may have %d, a list %d", xml_name(list), more, n,
			READ_ROWS_MAX, READ_LIST_MAX);
		return NULL;
	}
	if (arena_left(m) < READ_ANSWER_BYTES) {
		err_set(e, ERR_LIMIT, "%.64s: no room for it: all that was read before it is too much", xml_name(list));
		return NULL;
	}
	if (n == 0 || n + more > room_of(n))
		v = arena_alloc(m, room_of(n + more) * size);
	if (n > 0 && v != rows)
		memcpy(v, rows, n * size);
	/* Behind n may lie rows that read_join has dropped. */
	memset((char *)v + n * size, 0, more * size);
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

	/* At most half full, so that each search ends at a free place, and soon. */
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
		/* Rows only move to the front, so none is written over before it was read. */
		if (table[at] == 0)
			table[at] = ++left;
		if (table[at] - 1 != i)
			memcpy((char *)rows + (table[at] - 1) * size, row, size);
	}
	mem_free(table);
	return left;
}

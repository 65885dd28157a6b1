/* yaml.c - libyaml's events become a tree that remembers lines. */
#include "agent/base/yaml.h"

#include <string.h>
#include <yaml.h>

#include "agent/base/arena.h"
#include "agent/base/mem.h"
#include "agent/base/str.h"

enum kind { SCALAR, LIST, MAP };

struct yaml_node {
	struct yaml *y;
	enum kind kind;
	unsigned line;
	const char *key;  /* in a mapping */
	const char *text; /* of a scalar */
	struct yaml_node *first, *last, *next;
	unsigned n; /* members */
};

struct yaml {
	struct arena *arena;
	unsigned nodes;
	const char *file;
	struct yaml_node *root;
};

/* One parse: the parser and the path of open collections. */
struct building {
	struct yaml *y;
	yaml_parser_t parser;
	struct yaml_node *open[YAML_MAX_DEPTH];
	unsigned depth;
	const char *key; /* of the mapping on top, waiting for its value */
	unsigned key_line;
	const char *s; /* the whole text, without its byte order mark */
	size_t len;
	struct err *e;
};

static int at_line(struct building *b, const yaml_mark_t *mark, const char *why)
{
	return err_set(b->e, ERR_INVALID, "%s:%zu: %s", b->y->file, mark->line + 1, why);
}

static struct yaml_node *node_new(struct building *b, enum kind kind, const yaml_mark_t *mark)
{
	struct yaml_node *n = arena_new(b->y->arena, struct yaml_node);

	n->y = b->y;
	n->kind = kind;
	n->line = (unsigned)mark->line + 1;
	return n;
}

/* For bytes that are no text libyaml tells an offset and no line, because it reads ahead of what it has parsed. */
static int unreadable(struct building *b)
{
	const char *problem = b->parser.problem != NULL ? b->parser.problem : "unreadable";
	bool is_byte = b->parser.error == YAML_READER_ERROR;
	size_t line = is_byte ? 1 : b->parser.problem_mark.line + 1;

	for (size_t i = 0; is_byte && i < b->len && i < b->parser.problem_offset; i++)
		line += b->s[i] == '\n' || (b->s[i] == '\r' && i + 1 < b->len && b->s[i + 1] != '\n');
	return err_set(b->e, ERR_INVALID, "%s:%zu: not YAML: %s", b->y->file, line, problem);
}

/* Hangs a finished or just opened node under what is open. */
static int attach(struct building *b, struct yaml_node *n, const yaml_mark_t *mark)
{
	struct yaml_node *up = b->depth > 0 ? b->open[b->depth - 1] : NULL;

	if (++b->y->nodes > YAML_MAX_NODES)
		return at_line(b, mark, "the file holds more than 8192 values");
	n->key = b->key;
	if (n->key != NULL)
		n->line = b->key_line; /* where a person looks, also when the value begins further down */
	b->key = NULL;
	if (up == NULL)
		b->y->root = n;
	else if (up->last == NULL)
		up->first = up->last = n;
	else
		up->last = up->last->next = n;
	if (up != NULL)
		up->n++;
	return 0;
}

static bool wants_key(const struct building *b)
{
	return b->depth > 0 && b->open[b->depth - 1]->kind == MAP && b->key == NULL;
}

static int take_key(struct building *b, const yaml_event_t *ev)
{
	const char *text = (const char *)ev->data.scalar.value;

	if (str_eq(text, "<<"))
		return at_line(b, &ev->start_mark, "merge keys are not allowed");
	if (b->open[b->depth - 1]->n == YAML_MAX_KEYS)
		return at_line(b, &ev->start_mark, "more than 128 keys in one mapping");
	for (struct yaml_node *n = b->open[b->depth - 1]->first; n != NULL; n = n->next)
		if (str_eq(n->key, text))
			return err_set(b->e, ERR_INVALID, "%s:%zu: key \"%s\" stands twice, first at line %u", b->y->file,
				       ev->start_mark.line + 1, text, n->line);
	b->key = arena_str(b->y->arena, text);
	b->key_line = (unsigned)ev->start_mark.line + 1;
	return 0;
}

static int take_scalar(struct building *b, const yaml_event_t *ev)
{
	struct yaml_node *n;

	if (ev->data.scalar.anchor != NULL)
		return at_line(b, &ev->start_mark, "anchors are not allowed");
	if (ev->data.scalar.tag != NULL)
		return at_line(b, &ev->start_mark, "tags are not allowed");
	if (strlen((const char *)ev->data.scalar.value) != ev->data.scalar.length)
		return at_line(b, &ev->start_mark, "a NUL byte is not allowed");
	if (wants_key(b))
		return take_key(b, ev);
	n = node_new(b, SCALAR, &ev->start_mark);
	n->text = arena_str(b->y->arena, (const char *)ev->data.scalar.value);
	return attach(b, n, &ev->start_mark);
}

static int open_collection(struct building *b, enum kind kind, const yaml_event_t *ev)
{
	bool is_map = kind == MAP;
	struct yaml_node *n;

	if (is_map ? ev->data.mapping_start.anchor != NULL : ev->data.sequence_start.anchor != NULL)
		return at_line(b, &ev->start_mark, "anchors are not allowed");
	if (is_map ? ev->data.mapping_start.tag != NULL : ev->data.sequence_start.tag != NULL)
		return at_line(b, &ev->start_mark, "tags are not allowed");
	if (wants_key(b))
		return at_line(b, &ev->start_mark, "a key must be plain text");
	if (b->depth == YAML_MAX_DEPTH)
		return at_line(b, &ev->start_mark, "nested too deep");
	n = node_new(b, kind, &ev->start_mark);
	TRY(attach(b, n, &ev->start_mark));
	b->open[b->depth++] = n;
	return 0;
}

static int take_event(struct building *b, const yaml_event_t *ev)
{
	switch (ev->type) {
	case YAML_DOCUMENT_START_EVENT:
		return b->y->root == NULL ? 0 : at_line(b, &ev->start_mark, "a second document is not allowed");
	case YAML_ALIAS_EVENT:
		return at_line(b, &ev->start_mark, "aliases are not allowed");
	case YAML_SCALAR_EVENT:
		return take_scalar(b, ev);
	case YAML_MAPPING_START_EVENT:
		return open_collection(b, MAP, ev);
	case YAML_SEQUENCE_START_EVENT:
		return open_collection(b, LIST, ev);
	case YAML_MAPPING_END_EVENT:
	case YAML_SEQUENCE_END_EVENT:
		b->depth--;
		return 0;
	default:
		return 0;
	}
}

static int build(struct building *b)
{
	yaml_event_t ev;
	bool done = false;

	while (!done) {
		int rc;

		if (!yaml_parser_parse(&b->parser, &ev))
			return unreadable(b);
		rc = take_event(b, &ev);
		done = ev.type == YAML_STREAM_END_EVENT;
		yaml_event_delete(&ev);
		TRY(rc);
	}
	return b->y->root != NULL ? 0 : err_set(b->e, ERR_INVALID, "%s: the file is empty", b->y->file);
}

/* Editors of Windows put the mark of UTF-8 first; libyaml counts it as a column, so that the first key stands to the right of
 * the others. Marks of other encodings are told as what they are. */
static int skip_mark(struct building *b, const char *s, size_t len)
{
	bool is_utf16 = len >= 2 && (memcmp(s, "\xff\xfe", 2) == 0 || memcmp(s, "\xfe\xff", 2) == 0);
	size_t mark = len >= 3 && memcmp(s, "\xef\xbb\xbf", 3) == 0 ? 3 : 0;

	if (is_utf16 || (len >= 4 && memcmp(s, "\0\0\xfe\xff", 4) == 0))
		return err_set(b->e, ERR_INVALID, "%s:1: the file is UTF-16 or UTF-32, expected UTF-8: save it so", b->y->file);
	b->s = s + mark;
	b->len = len - mark;
	return 0;
}

/* libyaml exports a yaml_free of its own, so this one must not be seen. */
static void tree_free(struct yaml *y)
{
	if (y == NULL)
		return;
	arena_free(y->arena);
	mem_free(y);
}

int yaml_parse(const char *file, const char *s, size_t len, struct yaml **ret, struct err *e)
{
	struct building b = { .e = e };
	int rc;

	if (len > YAML_MAX_BYTES)
		return err_set(e, ERR_LIMIT, "%s: %zu bytes, at most %u are read", file, len, YAML_MAX_BYTES);
	b.y = mem_new(struct yaml);
	b.y->arena = arena_new_sized(64u << 20);
	b.y->file = arena_str(b.y->arena, file);
	if (!yaml_parser_initialize(&b.parser)) {
		tree_free(b.y);
		return err_set(e, ERR_IO, "libyaml cannot start");
	}
	rc = skip_mark(&b, s, len);
	yaml_parser_set_encoding(&b.parser, YAML_UTF8_ENCODING);
	if (rc == 0) {
		yaml_parser_set_input_string(&b.parser, (const unsigned char *)b.s, b.len);
		rc = build(&b);
	}
	yaml_parser_delete(&b.parser);
	if (rc != 0) {
		tree_free(b.y);
		return rc;
	}
	*ret = b.y;
	return 0;
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
	if (n == NULL || n->kind != MAP)
		return NULL;
	for (struct yaml_node *m = n->first; m != NULL; m = m->next)
		if (str_eq(m->key, key))
			return m;
	return NULL;
}

static const char *found(const struct yaml_node *n)
{
	return n->kind == MAP ? "a mapping" : n->kind == LIST ? "a list" : n->text;
}

int yaml_wrong(const struct yaml_node *n, const char *expected, struct err *e)
{
	const char *quote = n->kind == SCALAR ? "\"" : "";
	const char *key = n->key != NULL ? n->key : "", *colon = n->key != NULL ? ": " : "";

	return err_set(e, ERR_INVALID, "%s:%u: %s%sfound %s%.80s%s, expected %s", n->y->file, n->line, key, colon, quote, found(n),
		       quote, expected);
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

	for (size_t i = 0; i < count && used < (int)size; i++)
		used += snprintf(to + used, size - (size_t)used, "%s %s", i > 0 ? "," : "", names[i]);
	return to;
}

bool yaml_is_map(const struct yaml_node *n)
{
	return n != NULL && n->kind == MAP;
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
	if (n->kind != MAP)
		return yaml_wrong(n, "a mapping", e);
	return yaml_stranger(n, NULL, keys, e) == NULL ? 0 : -ERR_INVALID;
}

int yaml_str(const struct yaml_node *n, const char **ret, struct err *e)
{
	if (n == NULL)
		return 0;
	if (n->kind != SCALAR || *n->text == '\0')
		return yaml_wrong(n, "a text", e);
	*ret = n->text;
	return 0;
}

int yaml_bool(const struct yaml_node *n, bool *ret, struct err *e)
{
	if (n == NULL)
		return 0;
	if (n->kind != SCALAR || (!str_eq(n->text, "true") && !str_eq(n->text, "false")))
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
	if (n->kind != SCALAR || str_u64(n->text, &v) != 0 || v > most) {
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
	if (n->kind != SCALAR || str_duration(n->text, &ms) != 0 || ms > DURATION_MAX_MS)
		return yaml_wrong(n, "a duration such as 30s, 5m, 24h, of ten years at most", e);
	*ret_ms = ms;
	return 0;
}

int yaml_size(const struct yaml_node *n, uint64_t *ret_bytes, struct err *e)
{
	if (n == NULL)
		return 0;
	if (n->kind != SCALAR || str_size(n->text, ret_bytes) != 0)
		return yaml_wrong(n, "a size such as 64KiB, 256MiB, 2GiB", e);
	return 0;
}

int yaml_enum(const struct yaml_node *n, const char *const *names, size_t count, unsigned *ret, struct err *e)
{
	char expected[256];

	if (n == NULL)
		return 0;
	for (size_t i = 0; i < count; i++)
		if (n->kind == SCALAR && str_eq(n->text, names[i])) {
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
	if (n->kind != LIST)
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

/* yaml_read.c - libyaml's events become a tree that remembers lines, and what is refused is told on the way:
 *
 *   anchor, tag                                        told, and the value is read as if it were not there
 *   alias, NUL byte, a collection that is too deep     a hole stands in its place
 *   a key that is none, a merge key, a 129th key       its value is read and dropped
 *   a key that stands twice                            the first value stays; of two mappings the keys are put together, so that
 *                                                      what is wrong with those of the second is told as well
 *   broken syntax, bytes that are no text,
 *   a second document, too many values, 64 collections
 *   within one that is too deep                        the rest is not read, and what is open there is cut
 */
#include <stdio.h>
#include <string.h>
#include <yaml.h>

#include "agent/base/arena.h"
#include "agent/base/mem.h"
#include "agent/base/str.h"
#include "agent/base/yaml_impl.h"

#define NOT_READ "the rest was not read"
/* So many are passed over within each other. For each token libyaml looks at all collections that are open around it, so a file
 * that opens more and more of them would cost the square of its size (a minute for 256 KiB). */
#define SKIPPED_MAX 64

/* One reading: the parser and the path of open collections. */
struct building {
	struct yaml *y;
	yaml_parser_t parser;
	struct yaml_node *open[YAML_MAX_DEPTH];
	unsigned depth;
	const char *key; /* of the mapping on top, waiting for its value */
	unsigned key_line;
	bool drops;             /* that value is of no use */
	struct yaml_node *twin; /* of that key: its first value */
	unsigned skipped;       /* so many collections are open and passed over */
	bool skips_key;         /* they stand in place of a key */
	bool is_over;           /* the rest is not read */
	const char *s;          /* the whole text, without its byte order mark */
	size_t len;
	yaml_hear *hear;
	void *ctx;
};

static void refuse(struct building *b, const yaml_mark_t *mark, const char *why)
{
	struct err e = { 0 };

	err_set(&e, ERR_INVALID, "%s:%zu: %s", b->y->file, mark->line + 1, why);
	b->hear(b->ctx, &e);
}

static void refuse_the_rest(struct building *b, const yaml_mark_t *mark, const char *why)
{
	refuse(b, mark, why);
	b->is_over = true;
}

static void refuse_twice(struct building *b, const yaml_mark_t *mark, const struct yaml_node *first)
{
	struct err e = { 0 };

	err_set(&e, ERR_INVALID, "%s:%zu: key \"%.200s\" stands twice, first at line %u", b->y->file, mark->line + 1, first->key,
		first->line);
	b->hear(b->ctx, &e);
}

/* For bytes that are no text libyaml tells an offset and no line, because it reads ahead of what it has parsed. */
static void unreadable(struct building *b)
{
	const char *problem = b->parser.problem != NULL ? b->parser.problem : "unreadable";
	bool is_byte = b->parser.error == YAML_READER_ERROR;
	size_t line = is_byte ? 1 : b->parser.problem_mark.line + 1;
	struct err e = { 0 };

	for (size_t i = 0; is_byte && i < b->len && i < b->parser.problem_offset; i++)
		line += b->s[i] == '\n' || (b->s[i] == '\r' && i + 1 < b->len && b->s[i + 1] != '\n');
	err_set(&e, ERR_INVALID, "%s:%zu: not YAML: %s; " NOT_READ, b->y->file, line, problem);
	b->hear(b->ctx, &e);
	b->is_over = true;
}

/* ---- the tree ---- */

static struct yaml_node *node_new(struct building *b, enum yaml_kind kind, const yaml_mark_t *mark)
{
	struct yaml_node *n = arena_new(b->y->arena, struct yaml_node);

	n->y = b->y;
	n->kind = kind;
	n->line = (unsigned)mark->line + 1;
	return n;
}

static struct yaml_node *top(const struct building *b)
{
	return b->depth > 0 ? b->open[b->depth - 1] : NULL;
}

static void wait_for_value(struct building *b, const yaml_mark_t *mark, const char *key)
{
	b->key = arena_str(b->y->arena, key);
	b->key_line = (unsigned)mark->line + 1;
}

static void drop_value(struct building *b, const yaml_mark_t *mark)
{
	wait_for_value(b, mark, "");
	b->drops = true;
}

/* The key is answered; the first value of it, if it stands twice. */
static struct yaml_node *take_twin(struct building *b)
{
	struct yaml_node *twin = b->twin;

	b->key = NULL;
	b->drops = false;
	b->twin = NULL;
	return twin;
}

static void hang(struct building *b, struct yaml_node *up, struct yaml_node *n)
{
	if (up == NULL)
		b->y->root = n;
	else if (up->last == NULL)
		up->first = up->last = n;
	else
		up->last = up->last->next = n;
	if (up != NULL)
		up->n++;
}

/* Hangs a finished or just opened node under what is open. */
static void attach(struct building *b, struct yaml_node *n, const yaml_mark_t *mark)
{
	/* take_twin below clears it. */
	bool is_dropped = b->drops;

	if (++b->y->nodes > YAML_MAX_NODES) {
		refuse_the_rest(b, mark, "the file holds more than 8192 values: " NOT_READ);
		return;
	}
	n->key = b->key;
	if (n->key != NULL)
		n->line = b->key_line; /* where a person looks, also when the value begins further down */
	take_twin(b);
	if (!is_dropped)
		hang(b, top(b), n);
}

static void attach_hole(struct building *b, const yaml_mark_t *mark, const char *why)
{
	refuse(b, mark, why);
	attach(b, node_new(b, YAML_HOLE, mark), mark);
}

static bool wants_key(const struct building *b)
{
	return b->depth > 0 && top(b)->kind == YAML_MAP && b->key == NULL;
}

/* ---- keys ---- */

static struct yaml_node *find(const struct yaml_node *map, const char *key)
{
	for (struct yaml_node *n = map->first; n != NULL; n = n->next)
		if (str_eq(n->key, key))
			return n;
	return NULL;
}

static void take_key(struct building *b, const yaml_event_t *ev)
{
	const char *text = (const char *)ev->data.scalar.value;
	struct yaml_node *map = top(b), *first;

	if (str_eq(text, "<<")) {
		refuse(b, &ev->start_mark, "merge keys are not allowed");
		drop_value(b, &ev->start_mark);
		return;
	}
	if (++map->keys > YAML_MAX_KEYS) {
		if (!map->is_cut)
			refuse(b, &ev->start_mark, "more than 128 keys in one mapping: those behind were not read");
		map->is_cut = true;
		drop_value(b, &ev->start_mark);
		return;
	}
	first = find(map, text);
	wait_for_value(b, &ev->start_mark, text);
	b->twin = first;
	b->drops = first != NULL;
	/* While a second mapping is read into the first, its keys may well stand there already: that the mapping stands twice
	 * was told once. A key that stands twice within the second one is told. Else again_line is 0. */
	if (first != NULL && first->line >= map->again_line)
		refuse_twice(b, &ev->start_mark, first);
}

/* ---- events ---- */

static void refuse_extras(struct building *b, const yaml_mark_t *mark, const yaml_char_t *anchor, const yaml_char_t *tag)
{
	if (anchor != NULL)
		refuse(b, mark, "anchors are not allowed");
	if (tag != NULL)
		refuse(b, mark, "tags are not allowed");
}

/* A scalar. By an escape, "\0" in double quotes, one can hold a NUL, at which a text ends for every reader of ours:
 *
 *   a NUL in a key    told; the key's value is read and dropped
 *   a NUL in a value  told; a hole stands in its place
 *   a key             waits for its value (take_key)
 *   any other         a value */
static void take_scalar(struct building *b, const yaml_event_t *ev)
{
	const char *text = (const char *)ev->data.scalar.value;
	bool has_nul = strlen(text) != ev->data.scalar.length;
	struct yaml_node *n;

	refuse_extras(b, &ev->start_mark, ev->data.scalar.anchor, ev->data.scalar.tag);
	if (has_nul && wants_key(b)) {
		refuse(b, &ev->start_mark, "a NUL byte is not allowed");
		drop_value(b, &ev->start_mark);
	} else if (has_nul) {
		attach_hole(b, &ev->start_mark, "a NUL byte is not allowed");
	} else if (wants_key(b)) {
		take_key(b, ev);
	} else {
		n = node_new(b, YAML_SCALAR, &ev->start_mark);
		n->text = arena_str(b->y->arena, text);
		attach(b, n, &ev->start_mark);
	}
}

static void take_alias(struct building *b, const yaml_event_t *ev)
{
	static const char *const why = "aliases are not allowed";

	if (!wants_key(b)) {
		attach_hole(b, &ev->start_mark, why);
		return;
	}
	refuse(b, &ev->start_mark, why);
	drop_value(b, &ev->start_mark);
}

/* The second of two mappings is read into the first. */
static void open_twin(struct building *b)
{
	unsigned line = b->key_line;
	struct yaml_node *twin = take_twin(b);

	twin->again_line = line;
	b->open[b->depth++] = twin;
}

/* A list or a mapping begins:
 *
 *   in place of a key                                 told; it is passed over, and the value of that "key" is dropped behind it
 *   nested too deep                                   a hole stands in its place; it is passed over
 *   a mapping whose key stood before, with a mapping  its keys are read into the first one
 *   any other                                         a new node, open until its end */
static void open_collection(struct building *b, enum yaml_kind kind, const yaml_mark_t *mark)
{
	bool is_key = wants_key(b);
	struct yaml_node *n;

	if (is_key) {
		refuse(b, mark, "a key must be plain text");
	} else if (b->depth == YAML_MAX_DEPTH) {
		attach_hole(b, mark, "nested too deep");
	} else if (b->twin != NULL && kind == YAML_MAP && b->twin->kind == YAML_MAP) {
		open_twin(b);
		return;
	} else {
		n = node_new(b, kind, mark);
		attach(b, n, mark);
		b->open[b->depth++] = n;
		return;
	}
	b->skips_key = is_key;
	b->skipped = 1;
}

static void close_collection(struct building *b, const yaml_event_t *ev)
{
	if (b->skipped == 0) {
		top(b)->again_line = 0;
		b->depth--;
	} else if (--b->skipped == 0 && b->skips_key) {
		drop_value(b, &ev->start_mark);
	}
}

static void pass_over(struct building *b, const yaml_event_t *ev, bool is_start)
{
	b->skipped += is_start;
	if (b->skipped > SKIPPED_MAX)
		refuse_the_rest(b, &ev->start_mark, "nested far too deep: " NOT_READ);
}

static void take_event(struct building *b, const yaml_event_t *ev)
{
	bool is_start = ev->type == YAML_MAPPING_START_EVENT || ev->type == YAML_SEQUENCE_START_EVENT;

	if (ev->type == YAML_MAPPING_END_EVENT || ev->type == YAML_SEQUENCE_END_EVENT) {
		close_collection(b, ev);
	} else if (b->skipped > 0) {
		pass_over(b, ev, is_start);
	} else if (ev->type == YAML_DOCUMENT_START_EVENT && b->y->root != NULL) {
		refuse_the_rest(b, &ev->start_mark, "a second document is not allowed: " NOT_READ);
	} else if (ev->type == YAML_ALIAS_EVENT) {
		take_alias(b, ev);
	} else if (ev->type == YAML_SCALAR_EVENT) {
		take_scalar(b, ev);
	} else if (ev->type == YAML_MAPPING_START_EVENT) {
		refuse_extras(b, &ev->start_mark, ev->data.mapping_start.anchor, ev->data.mapping_start.tag);
		open_collection(b, YAML_MAP, &ev->start_mark);
	} else if (ev->type == YAML_SEQUENCE_START_EVENT) {
		refuse_extras(b, &ev->start_mark, ev->data.sequence_start.anchor, ev->data.sequence_start.tag);
		open_collection(b, YAML_LIST, &ev->start_mark);
	}
}

static void build(struct building *b)
{
	bool is_done = false;
	yaml_event_t ev;

	while (!is_done && !b->is_over) {
		if (!yaml_parser_parse(&b->parser, &ev)) {
			unreadable(b);
			break;
		}
		take_event(b, &ev);
		is_done = ev.type == YAML_STREAM_END_EVENT;
		yaml_event_delete(&ev);
	}
	/* Something is open only where the reading broke off. */
	for (unsigned i = 0; i < b->depth; i++)
		b->open[i]->is_cut = true;
}

/* ---- the file ---- */

/* Editors of Windows put the mark of UTF-8 first; libyaml counts it as a column, so that the first key stands to the right of
 * the others. Marks of other encodings are told as what they are. */
static int check_start(const char *file, const char *s, size_t len, size_t *ret_mark, struct err *e)
{
	bool is_utf16 = len >= 2 && (memcmp(s, "\xff\xfe", 2) == 0 || memcmp(s, "\xfe\xff", 2) == 0);

	if (len > YAML_MAX_BYTES)
		return err_set(e, ERR_LIMIT, "%s: %zu bytes, at most %u are read", file, len, YAML_MAX_BYTES);
	if (is_utf16 || (len >= 4 && memcmp(s, "\0\0\xfe\xff", 4) == 0))
		return err_set(e, ERR_INVALID, "%s:1: the file is UTF-16 or UTF-32, expected UTF-8: save it so", file);
	*ret_mark = len >= 3 && memcmp(s, "\xef\xbb\xbf", 3) == 0 ? 3 : 0;
	return 0;
}

static struct yaml *tree_new(const char *file)
{
	struct yaml *y = mem_new(struct yaml);

	/* A file of YAML_MAX_BYTES without aliases cannot need that much: the limit is for a mistake of ours. */
	y->arena = arena_new_sized(64u << 20);
	y->file = arena_str(y->arena, file);
	return y;
}

/* A tree without a root is none. */
static struct yaml *whole(struct building *b)
{
	struct err e = { 0 };

	if (b->y->root != NULL)
		return b->y;
	err_set(&e, ERR_INVALID, "%s: the file is empty", b->y->file);
	if (!b->is_over)
		b->hear(b->ctx, &e);
	yaml_close(&b->y);
	return NULL;
}

struct yaml *yaml_read(const char *file, const char *s, size_t len, yaml_hear *hear, void *ctx)
{
	struct building b = { .hear = hear, .ctx = ctx };
	struct err e = { 0 };
	size_t mark = 0;
	int rc = check_start(file, s, len, &mark, &e);

	if (rc == 0 && !yaml_parser_initialize(&b.parser))
		rc = err_set(&e, ERR_IO, "libyaml cannot start");
	if (rc != 0) {
		hear(ctx, &e);
		return NULL;
	}
	b.y = tree_new(file);
	b.s = s + mark;
	b.len = len - mark;
	yaml_parser_set_encoding(&b.parser, YAML_UTF8_ENCODING);
	yaml_parser_set_input_string(&b.parser, (const unsigned char *)b.s, b.len);
	build(&b);
	yaml_parser_delete(&b.parser);
	return whole(&b);
}

/* fuzz_yaml.c - the subset of YAML: what was asked for, written down in another style and read again is the same tree; the
 * typed getters agree with themselves, and an error names the file and the line. */
#include <ctype.h>

#include "agent/base/str.h"
#include "agent/base/yaml.h"
#include "tests/fuzz/fuzz.h"

static unsigned code_point(const char *s, size_t n)
{
	unsigned code = (unsigned char)*s & (n == 1 ? 0x7f : 0xff >> (n + 1));

	for (size_t i = 1; i < n; i++)
		code = code << 6 | ((unsigned char)s[i] & 0x3f);
	return code;
}

/* All but plain letters by their numbers: YAML does not take every character as itself. */
static void write_text(struct buf *b, const char *text)
{
	size_t n;

	buf_addc(b, '"');
	for (; *text != '\0'; text += n) {
		n = str_utf8_len(text, strlen(text));
		FUZZ_MUST(n > 0);
		buf_addf(b, isalnum((unsigned char)*text) ? "%c" : "\\U%08x", code_point(text, n));
	}
	buf_addc(b, '"');
}

static void ask_all(const struct yaml_node *n)
{
	static const char *const names[] = { "auto", "off" };
	uint64_t number = 77;
	unsigned which = 77;
	bool yes = false;

	FUZZ_MUST(yaml_u64(n, 1000, &number, NULL) == 0 ? number <= 1000 : number == 77);
	number = 77;
	FUZZ_MUST(yaml_duration(n, &number, NULL) == 0 || number == 77);
	number = 77;
	FUZZ_MUST(yaml_size(n, &number, NULL) == 0 || number == 77);
	FUZZ_MUST(yaml_enum(n, names, 2, &which, NULL) == 0 ? which < 2 : which == 77);
	FUZZ_MUST(yaml_bool(n, &yes, NULL) == 0 || !yes);
}

static void write_node(struct buf *b, struct yaml_node *n);

static const char *const keys[] = { "a", "b", "c", "d", NULL };

/* Always in the same order. */
static void write_map(struct buf *b, struct yaml_node *n)
{
	buf_addc(b, '{');
	for (size_t i = 0; keys[i] != NULL; i++) {
		struct yaml_node *member = yaml_get(n, keys[i]);

		if (member == NULL)
			continue;
		buf_addf(b, "\"%s\" : ", keys[i]);
		write_node(b, member);
		buf_addc(b, ',');
	}
	buf_addc(b, '}');
}

static void write_list(struct buf *b, const struct yaml_node *n)
{
	buf_addc(b, '[');
	for (struct yaml_node *c = yaml_first(n); c != NULL; c = yaml_next(c)) {
		write_node(b, c);
		buf_addc(b, ',');
	}
	buf_addc(b, ']');
}

static void write_node(struct buf *b, struct yaml_node *n)
{
	const char *text = NULL;
	struct err e = { 0 };

	ask_all(n);
	if (yaml_str(n, &text, NULL) == 0)
		write_text(b, text);
	else if (yaml_map(n, keys, &e) == 0)
		write_map(b, n);
	else if (yaml_list(n, SIZE_MAX, NULL) == 0)
		write_list(b, n);
	else
		buf_adds(b, "\"\""); /* a scalar without a text, or a mapping that has other keys */
	FUZZ_MUST(e.code == 0 || strncmp(e.text, "f.yaml:", 7) == 0);
}

static void hear(void *ctx, const struct err *e)
{
	++*(size_t *)ctx;
	FUZZ_MUST(e->code != 0 && strncmp(e->text, "f.yaml:", 7) == 0);
}

/* What is left of a file that was refused can be asked, too. */
static void walk_refused(const char *s, size_t len)
{
	CLEANUP(buf_close) struct buf to = BUF_MAX(4u << 20);
	size_t told = 0;
	CLEANUP(yaml_close) struct yaml *y = yaml_read("f.yaml", s, len, hear, &told);

	FUZZ_MUST(told > 0);
	if (y != NULL)
		write_node(&to, yaml_root(y));
}

static int read_and_write(const char *s, size_t len, struct buf *to)
{
	CLEANUP(yaml_close) struct yaml *y = NULL;
	struct err e = { 0 };
	int rc = yaml_parse("f.yaml", s, len, &y, &e);

	FUZZ_MUST((rc == 0) == (y != NULL));
	FUZZ_MUST(rc == 0 || strncmp(e.text, "f.yaml:", 7) == 0);
	if (rc != 0) {
		walk_refused(s, len);
		return rc;
	}
	write_node(to, yaml_root(y));
	return 0;
}

void fuzz_one(const char *s, size_t len)
{
	CLEANUP(buf_close) struct buf once = BUF_MAX(4u << 20);
	CLEANUP(buf_close) struct buf twice = BUF_MAX(4u << 20);

	if (read_and_write(s, len, &once) != 0)
		return;
	FUZZ_MUST(!once.over);
	FUZZ_MUST(read_and_write(once.data, once.len, &twice) == 0);
	FUZZ_MUST(fuzz_same(&once, &twice));
}

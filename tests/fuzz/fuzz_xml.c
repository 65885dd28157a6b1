/* fuzz_xml.c - an answer of a query service: what was read, written down and read again is the same tree. */
#include "agent/base/xml.h"
#include "tests/fuzz/fuzz.h"

static void write_text(struct buf *b, const char *text)
{
	for (; *text != '\0'; text++)
		buf_addf(b, strchr("<>&\r\n\t ", *text) != NULL ? "&#%d;" : "%c", (unsigned char)*text);
}

static void write_node(struct buf *b, const struct xml_node *n)
{
	buf_addf(b, "<%s>", xml_name(n));
	write_text(b, xml_text(n));
	for (const struct xml_node *c = NULL; (c = xml_next(n, c, NULL)) != NULL;)
		write_node(b, c);
	buf_addf(b, "</%s>", xml_name(n));
}

static int read_and_write(const char *s, size_t len, struct buf *to)
{
	CLEANUP(xml_close) struct xml *x = NULL;
	struct err e = { 0 };
	int rc = xml_parse(s, len, &x, &e);

	FUZZ_MUST((rc == 0) == (x != NULL));
	FUZZ_MUST(rc == 0 || e.text[0] != '\0');
	if (rc == 0)
		write_node(to, xml_root(x));
	return rc;
}

void fuzz_one(const char *s, size_t len)
{
	CLEANUP(buf_close) struct buf once = BUF_MAX(1u << 20);
	CLEANUP(buf_close) struct buf twice = BUF_MAX(1u << 20);

	if (read_and_write(s, len, &once) != 0)
		return;
	FUZZ_MUST(!once.over);
	FUZZ_MUST(read_and_write(once.data, once.len, &twice) == 0);
	FUZZ_MUST(fuzz_same(&once, &twice));
}

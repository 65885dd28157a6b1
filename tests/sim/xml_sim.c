/* xml_sim.c - see xml_sim.h. */
#include "tests/sim/xml_sim.h"

#include <stdarg.h>
#include <stdio.h>

void xmlw_open(struct buf *b, const char *name)
{
	buf_addf(b, "<%s>", name);
}

void xmlw_close(struct buf *b, const char *name)
{
	buf_addf(b, "</%s>", name);
}

static void escaped(struct buf *b, const char *s)
{
	for (; *s != '\0'; s++) {
		if (*s == '<')
			buf_adds(b, "&lt;");
		else if (*s == '&')
			buf_adds(b, "&amp;");
		else if (*s == '>')
			buf_adds(b, "&gt;");
		else
			buf_addc(b, *s);
	}
}

void xmlw_text(struct buf *b, const char *name, const char *fmt, ...)
{
	char text[2048];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	xmlw_open(b, name);
	escaped(b, text);
	xmlw_close(b, name);
}

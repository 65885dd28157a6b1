/* page.c - see page.h. */
#include "agent/cli/page.h"

#include <errno.h>
#include <poll.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "agent/base/mem.h"
#include "agent/base/str.h"

#define WIDTH_LEAST 20
#define WIDTH_MOST 1000

static int trouble; /* errno of the first write that failed */

static void heard(bool is_written)
{
	if (!is_written && trouble == 0)
		trouble = errno != 0 ? errno : EIO;
}

void page_text(const char *text)
{
	heard(fputs(text, stdout) >= 0);
}

/* A terminal that does not know its size may have it in the environment. */
unsigned page_width(void)
{
	const char *columns = getenv("COLUMNS");
	struct winsize size = { 0 };
	uint64_t n = 0;

	/* What goes into a file or a pipe is never wrapped: scripts look for whole lines. */
	if (!isatty(STDOUT_FILENO))
		return 0;
	if (ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) == 0)
		n = size.ws_col;
	if (n == 0 && (columns == NULL || str_u64(columns, &n) != 0 || n == 0))
		return 0;
	return n < WIDTH_LEAST ? WIDTH_LEAST : n > WIDTH_MOST ? WIDTH_MOST : (unsigned)n;
}

/* Characters, not bytes. */
static unsigned columns_of(const char *s, size_t len)
{
	unsigned n = 0;

	for (size_t i = 0; i < len; i++)
		n += ((unsigned char)s[i] & 0xc0) != 0x80;
	return n;
}

/* Where this line ends: at the last blank that fits, else behind its first word. *ret_next: where the next one begins. */
static size_t fit(const char *s, unsigned room, size_t *ret_next)
{
	size_t end = strspn(s, " "), best = 0;

	while (s[end] != '\0') {
		end += strcspn(s + end, " ");
		if (best != 0 && columns_of(s, end) > room)
			break;
		best = end;
		end += strspn(s + end, " ");
	}
	*ret_next = best + strspn(s + best, " ");
	return best;
}

static void print_wrapped(const char *s, unsigned hang, unsigned width)
{
	unsigned indent = (unsigned)strspn(s, " "), at = 0;

	indent = indent > hang ? indent : hang;
	if (indent > width / 2)
		indent = width / 4;
	do {
		size_t next, len = fit(s, width - at, &next);

		heard(printf("%*s%.*s\n", (int)at, "", (int)len, s) >= 0);
		s += next;
		at = indent;
	} while (*s != '\0');
}

void page_line(unsigned hang, const char *fmt, ...)
{
	CLEANUP(mem_close) char *line = NULL;
	unsigned width = page_width();
	va_list ap;

	va_start(ap, fmt);
	line = mem_vprintf(fmt, ap);
	va_end(ap);
	str_one_line(line);
	if (width > 0 && columns_of(line, strlen(line)) > width)
		print_wrapped(line, hang, width);
	else
		heard(printf("%s\n", line) >= 0);
}

/* "  -n N          the last N": where "the" stands. */
static unsigned second_column(const char *line)
{
	size_t indent = strspn(line, " ");
	const char *gap = strstr(line + indent, "  ");

	return gap != NULL && indent > 0 ? (unsigned)(gap - line + (long)strspn(gap, " ")) : (unsigned)indent;
}

void page_lines(const char *text)
{
	while (*text != '\0') {
		size_t len = strcspn(text, "\n");
		CLEANUP(mem_close) char *line = mem_printf("%.*s", (int)len, text);

		page_line(second_column(line), "%s", line);
		text += len + (text[len] == '\n');
	}
}

bool page_is_closed(void)
{
	return trouble == EPIPE;
}

bool page_has_reader(void)
{
	struct pollfd out = { .fd = STDOUT_FILENO };

	/* With nothing to write no EPIPE ever comes. poll(2) tells it all the same: POLLERR stands at the writing end of a
	 * pipe that nobody reads any more. */
	heard(fflush(stdout) == 0);
	return trouble == 0 && !(poll(&out, 1, 0) > 0 && (out.revents & POLLERR) != 0);
}

int page_end(int rc)
{
	heard(fflush(stdout) == 0);
	/* A reader that has seen enough, such as head(1), is no failure. */
	if (trouble == 0 || trouble == EPIPE)
		return rc;
	fprintf(stderr, "reeve: the output could not be written: %s\n", strerror(trouble));
	return 1;
}

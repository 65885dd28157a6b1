/* log.c - lines for stderr, and what becomes of them when nobody takes them.
 *
 * A line goes out whole by one call, or is dropped and counted: a journald that hangs, a full pipe, a stopped terminal and a full
 * disk hold nothing up. What a socket or a terminal has taken half is kept, and goes out before the next line. The first line
 * that is taken again follows one that tells how many were dropped. The mode of stderr is not touched: it is not ours alone.
 * Beside that the only state here is where lines go, which is set once at start, and by tests. */
#include "agent/base/log.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "agent/base/logfmt.h"

#define LINE_MAX_BYTES 2304 /* less than PIPE_BUF: a pipe with any room takes it whole */

static enum log_level log_most = LOG_INFO;
static log_sink *log_to;
static void *log_ctx;
static char rest[LINE_MAX_BYTES]; /* the end of a line of which stderr took only the beginning */
static size_t rest_len;
static uint64_t dropped, untold; /* lines; untold: of these, since stderr last took one */

void log_set(enum log_level most, log_sink *sink, void *ctx)
{
	log_most = most;
	log_to = sink;
	log_ctx = ctx;
}

/* poll reports a terminal with room for one byte as writable, and a write then waits until all of the line has room. So the
 * terminal is opened once more, with O_NONBLOCK: the mode of that new opening is ours alone. */
static ssize_t offer_to_terminal(const char *at, size_t len)
{
	int fd = open("/proc/self/fd/2", O_WRONLY | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
	ssize_t n = fd >= 0 ? write(fd, at, len) : -1;

	if (fd >= 0)
		close(fd);
	return n;
}

/* How many bytes were taken without waiting; 0: none. */
static size_t offer(const char *at, size_t len)
{
	struct pollfd p = { .fd = STDERR_FILENO, .events = POLLOUT };
	/* MSG_DONTWAIT holds for this one call, while O_NONBLOCK would change the socket for all who share it. What is no socket
	 * answers ENOTSOCK and is tried in its own way below. */
	ssize_t n = send(STDERR_FILENO, at, len, MSG_DONTWAIT | MSG_NOSIGNAL);
	bool is_socket = n >= 0 || errno != ENOTSOCK;

	if (!is_socket && isatty(STDERR_FILENO))
		n = offer_to_terminal(at, len);
	else if (!is_socket && poll(&p, 1, 0) == 1 && (p.revents & POLLOUT) != 0)
		n = write(STDERR_FILENO, at, len);
	return n > 0 ? (size_t)n : 0;
}

static bool put(const char *line, size_t len)
{
	size_t n;

	/* The rest of a line comes first, else two lines would run together. */
	if (rest_len > 0) {
		n = offer(rest, rest_len);
		rest_len -= n;
		memmove(rest, rest + n, rest_len);
	}
	if (rest_len > 0)
		return false;
	n = offer(line, len);
	/* Of a line that was not begun nothing must follow: its caller drops it whole. */
	if (n > 0 && n < len) {
		rest_len = len - n;
		memcpy(rest, line + n, rest_len);
	}
	return n > 0;
}

static void put_untold(void)
{
	char line[128];
	int len = snprintf(line, sizeof(line), "<4>log.dropped lines=%llu err=\"stderr took none\"\n", (unsigned long long)untold);

	if (put(line, (size_t)len))
		untold = 0;
}

void log_line(const char *line)
{
	char whole[LINE_MAX_BYTES];
	size_t len = strnlen(line, sizeof(whole) - 1);

	memcpy(whole, line, len);
	whole[len] = '\n';
	/* The count goes out first, so that the gap shows where it is. */
	if (untold > 0)
		put_untold();
	if (untold > 0 || !put(whole, len + 1)) {
		dropped++;
		untold++;
	}
}

uint64_t log_dropped(void)
{
	return dropped;
}

/* The prefix is syslog's priority, which journald strips and keeps (sd-daemon(3)). */
static void to_stderr(enum log_level level, const char *event, const char *pairs)
{
	static const int priority[] = { 3, 4, 6, 7 };
	char line[LINE_MAX_BYTES];

	snprintf(line, sizeof(line), "<%d>%s%s%s", priority[level], event, *pairs != '\0' ? " " : "", pairs);
	log_line(line);
}

void log_event(enum log_level level, const char *event, const char *fmt, ...)
{
	char pairs[2048];
	va_list ap;

	if (level > log_most)
		return;
	va_start(ap, fmt);
	logfmt(pairs, sizeof(pairs), fmt, ap);
	va_end(ap);
	if (log_to != NULL)
		log_to(level, event, pairs, log_ctx);
	else
		to_stderr(level, event, pairs);
}

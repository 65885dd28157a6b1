/* log.c - the only state here is where lines go; it is set once at start, and by tests. */
#include "agent/base/log.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

static enum log_level log_most = LOG_INFO;
static log_sink *log_to;
static void *log_ctx;

void log_set(enum log_level most, log_sink *sink, void *ctx)
{
	log_most = most;
	log_to = sink;
	log_ctx = ctx;
}

/* The prefix is syslog's priority, which journald strips and keeps (sd-daemon(3)). */
static void to_stderr(enum log_level level, const char *event, const char *pairs)
{
	static const int priority[] = { 3, 4, 6, 7 };

	fprintf(stderr, "<%d>%s%s%s\n", priority[level], event, *pairs != '\0' ? " " : "", pairs);
}

void log_event(enum log_level level, const char *event, const char *fmt, ...)
{
	char pairs[2048];
	va_list ap;

	if (level > log_most)
		return;
	va_start(ap, fmt);
	vsnprintf(pairs, sizeof(pairs), fmt, ap);
	va_end(ap);
	for (char *c = pairs; *c != '\0'; c++)
		if ((unsigned char)*c < 0x20 || *c == 0x7f)
			*c = '?';
	if (log_to != NULL)
		log_to(level, event, pairs, log_ctx);
	else
		to_stderr(level, event, pairs);
}

/* log.h - events for the person who reads at 3 a.m.: a name, then pairs. One event, one place in the code.
 *
 * Nothing here waits: a line that stderr does not take at once is dropped and counted.
 * No secret and no customer payload ever. A value is written by logfmt.h: `err=%s` is enough whatever the sentence holds, and
 * nothing from outside can forge a pair or a line.
 *
 * Keys mean the same in every event; docs/logs.md lists all of them:
 *   err=    what went wrong: the sentence of an error. No other key holds one.
 *   why=    what a decision follows from when nothing went wrong.
 *   next=   what the agent does now; retry_in_ms= when it does it.
 *   code=   AWS's own word for its refusal, beside err=.
 * A duration ends in _ms, a size in _bytes. */
#pragma once
#include <stdint.h>

enum log_level { LOG_ERROR, LOG_WARN, LOG_INFO, LOG_DEBUG };

typedef void log_sink(enum log_level level, const char *event, const char *pairs, void *ctx);

void log_set(enum log_level most, log_sink *sink, void *ctx); /* sink NULL: stderr, with journald's "<6>" prefix */
void log_event(enum log_level level, const char *event, const char *fmt, ...) __attribute__((format(printf, 3, 4)));

void log_line(const char *line); /* to stderr as it is, and a line feed: the last words of a program that stops */
uint64_t log_dropped(void);      /* lines that stderr did not take, since the start */

#define log_error(...) log_event(LOG_ERROR, __VA_ARGS__)
#define log_warn(...) log_event(LOG_WARN, __VA_ARGS__)
#define log_info(...) log_event(LOG_INFO, __VA_ARGS__)
#define log_debug(...) log_event(LOG_DEBUG, __VA_ARGS__)

/* logfmt.h - pairs of a log line by a printf format: `op=%s err=%s retry_in_ms=%u`. Pure, and without allocation.
 *
 * A value reaches from its `=` to the next blank of the format, and may hold several conversions and text: `step=%s/%s`. Blanks
 * between quotes of the format belong to the value: `next="in %u ms"`. Whatever the arguments hold, each line is valid logfmt:
 * - a value stands in quotes when it is empty, when the format has quotes around it, or when it holds a blank, `=`, `"`, `\` or
 *   a control character;
 * - `"` and `\` get a backslash; control characters become \n, \r, \t or \u00NN;
 * - a byte that belongs to no UTF-8 character, and each byte of a character that turns the direction of text, becomes `?`;
 * - what does not fit is left out, and the pair `cut=yes` ends the line.
 * Conversions are %s, %d, %u, %ld, %lu, %lld, %llu and %zu, without flags and widths, and stand in a value. Any other stops the
 * program: tests/docs/test_logs.py writes every event of the agent, so that none is left. */
#pragma once
#include <stdarg.h>
#include <stddef.h>

/* size: of `to`, at least 16; the line gets its NUL. */
void logfmt(char *to, size_t size, const char *fmt, va_list ap) __attribute__((format(printf, 3, 0)));

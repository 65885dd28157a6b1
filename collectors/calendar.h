/* calendar.h - what a date and a time of day are in Unix time. Pure.
 *
 * Nothing is half believed: a date that no calendar has, and an hour that no day has, are no time. */
#pragma once
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct calendar {
	int64_t year, month, day, hour, minute, second, nano;
};

int64_t calendar_number(const char *s, size_t n); /* every one of n digits; -1: they are not */
/* Milliseconds; 0: there is no such time. A leap second is the last one of its minute. */
int64_t calendar_ms(const struct calendar *t, int32_t utc_offset_s);
/* "2026-11-30T10:00:00.123456789Z", or with an offset as "+08:00"; at most nine digits of a second, or none. In *ret_ns the
 * nanoseconds behind the milliseconds. false: it is no such time. */
bool calendar_rfc3339(const char *s, size_t len, int64_t *ret_ms, uint32_t *ret_ns);

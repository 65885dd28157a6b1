/* when.h - a point in time as a person writes it: 2026-11-29T14:00:00Z, a date, or how long ago (30m, 2h, 7d). */
#pragma once
#include <stdbool.h>
#include <stdint.h>

bool when_read(const char *text, int64_t now_ms, int64_t *ret_ms);

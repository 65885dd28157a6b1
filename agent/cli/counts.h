/* counts.h - the telemetry's numbers in the daemon's status, as lines for people: each number with its meaning, zeros only where
 * they are asked for. */
#pragma once
#include <jansson.h>
#include <stdbool.h>

void counts_print(const json_t *status, bool zeros_too);

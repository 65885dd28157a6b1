/* drifts.h - how the account differs from what each warehouse is to be like, as `reeve status` says it. */
#pragma once
#include <jansson.h>
#include <stdbool.h>

/* `status`: the daemon's answer. All differences that it tells, or the first few of each warehouse. */
void drifts_print(const json_t *status, bool all, unsigned hang);

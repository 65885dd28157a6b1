/* hmac_key.h - the customer's key for what the policy wants as an HMAC (export, action: hmac): a file of the customer's that
 * reeve.yaml names. It is read with each policy that wants it, and goes nowhere from here: not to the desk, the journal, a log or
 * a bundle. */
#pragma once
#include "agent/base/secret.h"
#include "agent/base/telemetry.h"
#include "agent/io/world.h"

#define HMAC_KEY_MIN 16 /* bytes; a line end behind them is none of the key */

bool hmac_key_is_wanted(const struct telemetry_rules *t);
/* Refused: one that others than its owner may read or write, and one that is too short. Where no rule wants it, or no file is
 * named, *ret is left as it is: the rules then say that it is missing (rules_new). */
int hmac_key_read(struct world *w, const char *path, const struct telemetry_rules *t, struct secret *ret, struct err *e);

/* diag_files.h - bundles in the state folder: diag/<sha256>.gz, the newest few, and beside each the rules that it was made under.
 *
 * The name is the digest of the bytes. <sha256>.rules holds the digest of the policy's export rules, in hex: where these are
 * others by now, the bundle does not leave. */
#pragma once
#include "agent/base/digest.h"
#include "agent/base/telemetry.h"
#include "agent/io/world.h"

#define DIAG_KEPT 4

char *diag_path(const char *dir, const struct digest *d, const char *ending); /* ".gz", ".rules" */
struct digest diag_rules_digest(const struct telemetry_rules *r);
/* The bundle of that digest, made under these rules. The sentence of what is missing is for the vendor. */
int diag_read(struct world *w, const char *dir, const struct digest *d, const struct telemetry_rules *now, struct buf *to,
	      struct err *e);
/* What is to go next so that the newest DIAG_KEPT stay: "dir/name", to be freed; NULL: nothing. What is half written, or belongs to
 * no bundle, goes first. */
char *diag_next_to_go(struct world *w, const char *dir);

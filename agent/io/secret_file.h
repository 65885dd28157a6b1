/* secret_file.h - a secret of the customer's that reeve.yaml names by its file: read when it is needed, and kept nowhere. */
#pragma once
#include "agent/base/secret.h"
#include "agent/io/world.h"

#define SECRET_FILE_MAX 8192

/* -ERR_DENIED: others than its owner may read or write it; -ERR_LIMIT: larger than SECRET_FILE_MAX. */
int secret_file_read(struct world *w, const char *path, struct secret *ret, struct err *e);

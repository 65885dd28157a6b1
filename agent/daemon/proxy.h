/* proxy.h - who we are at the proxy that stands between us and the vendor: a credential of the service manager, never the
 * configuration, which is in each report to the vendor. */
#pragma once
#include "agent/base/err.h"
#include "agent/io/world.h"

#define PROXY_CREDENTIAL "reeve.proxy"

/* Reads "user:password" from the first line of the file of that name in `dir` (systemd.exec(5), $CREDENTIALS_DIRECTORY). No `dir`,
 * no such file and no proxy leave *p without. One that is there and cannot be used is an error: we would ask without it. */
int proxy_load(struct world *w, const char *dir, struct http_proxy *p, struct err *e);

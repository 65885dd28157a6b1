/* diag.h - diag.collect and diag.send, done with what the whole agent knows: the hands that operations are lent (deed_diag.h).
 *
 * A bundle (diag_bundle.h) lies in the state folder and leaves by diag.send alone. */
#pragma once
#include "agent/ops/deed_diag.h"

struct agent;

struct deed_diag *diag_new(struct agent *a, const char *dir); /* both stay; dir exists */
void diag_free(struct deed_diag *d);                          /* nothing of it is under way: operations have closed */

/* For diag.c: one of them being done. Its memory goes before req->cb. */
void diag_collect_start(struct agent *a, const char *dir, struct deed_req *req);
void diag_collect_cancel(struct deed_req *req);
void diag_send_start(struct agent *a, const char *dir, struct deed_req *req);
void diag_send_cancel(struct deed_req *req);

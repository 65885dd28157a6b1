/* deed_diag.h - what diag.collect and diag.send do. Others than operations know what there is to collect and the way to the vendor:
 * the wiring lends them (agent/daemon/diag.h). */
#pragma once
#include "agent/ops/deed.h"

struct deed_diag {
	void (*collect)(struct deed_diag *d, struct deed_req *req); /* req->cb follows, not from inside */
	void (*send)(struct deed_diag *d, struct deed_req *req);
	void (*cancel)(struct deed_diag *d, struct deed_req *req); /* ... soon */
};

extern const struct deed deed_diag_collect, deed_diag_send;

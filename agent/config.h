/* config.h - reeve.yaml: what this installation is and whom it trusts. Read once at start; deploy/etc/reeve.yaml shows it.
 * A wrong key, type or value is refused with file, line, what was found and what was expected; all of a file are told. */
#pragma once
#include <stdbool.h>
#include <stdint.h>

#include "agent/aws/call.h"
#include "agent/base/arena.h"
#include "agent/base/log.h"
#include "agent/control/trust.h"
#include "agent/io/world.h"
#include "collectors/framing.h"

struct faults;

#define CONFIG_PATH "/etc/reeve/reeve.yaml"
#define CONFIG_LOGS_MAX 32
#define CONFIG_UNITS_MAX 64 /* of one source */

enum config_compression { CONFIG_GZIP, CONFIG_ZSTD };
enum config_choice { CONFIG_AUTO, CONFIG_NO, CONFIG_YES };

/* Lines of files, or of units in the machine's journal. */
struct config_log {
	const char *path, *service; /* path NULL: it is units */
	const char **units;
	size_t units_n;
	const char *journal_dir;       /* NULL: the machine's own journal */
	struct framing_config framing; /* its patterns compile */
	int32_t utc_offset_s;
	const char *pieces; /* it is a pattern of path_pieces.h; NULL: none */
	bool starts_at_end;
	uint64_t ignore_older_ms; /* 0: no file is too old */
};

/* The customer's own receiver of all telemetry that leaves, beside the vendor's. */
struct config_customer {
	const char *url; /* NULL: there is none */
	const char *auth_file, *ca_file, *connect_to;
	uint64_t logs_max, metrics_max;
};

/* Texts live in the arena. What is not given is NULL, or its default. */
struct config {
	struct arena *arena;
	const char *path;                    /* of the file */
	const char *policy_path, *stop_path; /* beside it */
	const char *wait_handle_path;        /* beside it: stack_signal.h */
	const char *text;                    /* the file as it was read; there is no secret in it */
	const char *installation;
	const char *vendor_name, *vendor_url, *vendor_host, *vendor_connect_to, *ca_file;
	struct http_proxy proxy; /* to the vendor; its place NULL: none. Who we are there is not this file's to say */
	const char *region, *account, *role_id, *operate_role;
	const char *imds_endpoint; /* NULL: the address that answers */
	enum config_choice dualstack;
	struct aws_endpoint endpoints[AWS_ENDPOINTS_MAX];
	size_t endpoints_n;
	struct trust trust;
	const char *state_dir, *socket;
	uint64_t journal_max, journal_segment;
	uint64_t poll_idle_ms, poll_busy_ms;
	uint64_t metrics_interval_ms; /* 0: no host metrics */
	struct config_log logs[CONFIG_LOGS_MAX];
	size_t logs_n;
	unsigned compression;                                         /* of telemetry: enum config_compression */
	uint64_t spool_logs_max, spool_metrics_max, spool_max_age_ms; /* the age 0: any */
	uint64_t spool_catch_up;                                      /* bytes a second */
	uint64_t ledger_max, ledger_max_age_ms;                       /* shippers/ledger.h */
	const char *hmac_key_file;                                    /* agent/ops/hmac_key.h; NULL: none */
	struct config_customer customer;
	bool insecure;
	enum log_level log_level;
};

/* The error is the first fault, and how many there are beside it. */
int config_load(struct world *w, const char *path, struct config *ret, struct err *e);
/* All faults, and in *ret what could be read beside them: to be closed in any case. */
void config_check(struct world *w, const char *path, struct config *ret, struct faults *f);
/* The text of the file alone, for tests. */
int config_parse(const char *path, const char *text, size_t len, struct config *ret, struct err *e);
void config_close(struct config *c);
/* The way to the vendor, for its requests; NULL: directly. */
static inline const struct http_proxy *config_proxy(const struct config *c)
{
	return c->proxy.place != NULL ? &c->proxy : NULL;
}

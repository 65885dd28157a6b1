/* telemetry.h - one record, the sink it goes to, and the customer's rules on what may leave. Collectors make records,
 * shippers take them; they know each other only through this.
 *
 * A record and all it points to belong to the collector and live during the call alone. */
#pragma once
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "agent/base/list.h"

struct telemetry_attr {
	const char *key, *value;
};

#define TELEMETRY_ATTRS_MAX 16 /* of one record; more are a bug of the collector */

enum telemetry_kind { TELEMETRY_METRIC, TELEMETRY_LOG, TELEMETRY_KINDS };

enum telemetry_shape { TELEMETRY_GAUGE, TELEMETRY_COUNTER, TELEMETRY_UPDOWN }; /* OTLP: Gauge, Sum monotonic, Sum not */

/* One number. Points of one metric come one after the other; name, unit and shape are the same for all of them. */
struct telemetry_point {
	const char *name, *unit; /* OTel semantic name, UCUM unit */
	enum telemetry_shape shape;
	bool is_double;
	union {
		int64_t i;
		double d;
	};
	int64_t start_ms, time_ms; /* start_ms 0: unknown, stays unset */
	const struct telemetry_attr *attrs;
	size_t attrs_n;
};

/* Where a line came from: an open file's identity and the byte range, which the commit record keeps. As a position to go
 * on from, `to` is where the next line begins.
 * Of an entry of the machine's journal it has a cursor, and dev is 0; ino is drawn from the source's name, which `path` is; from
 * and to are Unix ms: up to there all is taken. */
struct telemetry_source {
	uint64_t dev, ino;
	uint64_t generation; /* how often this file began anew: cut to nothing, or its inode given to another */
	uint64_t from, to;   /* offsets; `to` is behind the line's LF */
	uint64_t fp;         /* fingerprint of the first fp_len bytes, for the veto on a reused inode */
	uint32_t fp_len;
	const char *path; /* resolved, as it was when the file was first seen; a rename does not change it */
	uint64_t before;  /* telemetry_before of the before_len bytes in front of `to`, for a veto on a file rewritten in place */
	uint32_t before_len;   /* 0: not known, as in positions of older versions; at most TELEMETRY_BEFORE_BYTES */
	const char *before_at; /* of a line in hand: those bytes, and `before` is not made of them yet; else NULL */
	const char *cursor;    /* NULL: a file. "": the journal was empty */
	uint64_t size;         /* of the file when it was last looked at; below `to`: not known */
};

#define TELEMETRY_BEFORE_BYTES 64
uint64_t telemetry_before(const char *s, size_t len);

/* What the lines of one source have in common: it stands once in a batch, and the rules look at it once and not at each line. */
struct telemetry_origin {
	uint64_t id;         /* drawn by the collector for this very content; 0: none */
	const char *service; /* service.name; NULL: the source tells none */
	const char *path;    /* resolved; what export.logs allows */
	const struct telemetry_attr
	    *attrs; /* log.file.name, log.file.path: they describe the scope (OTLP's InstrumentationScope) */
	size_t attrs_n;
	const char *source; /* as whose its records are counted: the path of reeve.yaml; NULL: as `path` */
};

/* One log line, UTF-8. When the beginning of a line was handed over before its end was written, the body is the whole line, so that
 * the rules see all of it; its first `begun` bytes were handed over before, and must not leave again. */
struct telemetry_line {
	const char *body;
	size_t len;
	size_t begun;              /* mostly 0 */
	int64_t time_ms;           /* 0: unknown */
	uint32_t time_ns;          /* behind the millisecond */
	uint8_t severity;          /* OTLP's number; 0: unknown */
	bool is_ascii;             /* the body is known to be, without NUL; false: not known */
	const char *severity_text; /* the source's own word; NULL: none */
	const struct telemetry_origin *origin;
	const struct telemetry_attr *attrs; /* of this line alone; mostly none */
	size_t attrs_n;
	uint32_t no_text;                      /* lines in front of it, in its range, that are no text and were passed by */
	const struct telemetry_source *source; /* as the others, during the call alone */
};

/* Bytes of a file that nobody will ever read. */
enum telemetry_loss {
	TELEMETRY_TRUNCATED, /* cut, or written anew, between two reads */
	TELEMETRY_DELETED,   /* gone before it was read to its end */
	TELEMETRY_LOSSES
};

/* Whoever was answered false, and waits. The collector embeds it; list_del takes it back. */
struct telemetry_wait {
	struct list link;
	void (*cb)(struct telemetry_wait *wt);
};

/* What a collector is given. `line` answers false when the spool is full, or the turn of the loop has taken enough: the collector
 * stops reading, keeps its place and waits (the file itself is the buffer). A metric that does not fit is dropped and counted by
 * the sink. */
struct telemetry_sink {
	void *ctx;
	void (*point)(void *ctx, const struct telemetry_point *p);
	void (*scrape_done)(void *ctx); /* the points of one reading are complete */
	bool (*line)(void *ctx, const struct telemetry_line *l);
	/* cb comes once lines are taken again, and never from inside. It may be lost where a sink is closed meanwhile. NULL: the
	 * sink does not say; ask again after a while. */
	void (*wait)(void *ctx, struct telemetry_wait *wt);
	/* A file is followed from source->to on. Kept as a position before its first line is, it is found again under any
	 * name. NULL: the sink keeps no positions. */
	void (*found)(void *ctx, const struct telemetry_source *source);
	/* Lines were lost: those of a file of `of`, bytes of which so many are known; at is where it goes on, and becomes durable
	 * with the count. NULL: the sink does not count. */
	void (*lost)(void *ctx, const char *of, enum telemetry_loss what, uint64_t bytes, const struct telemetry_source *at);
};

/* How far each file was taken. The collectors keep it; the shipper, whose log of commit records is what outlives the process,
 * tells what is durable, and asks for all of it when it writes that log anew. */
struct telemetry_positions {
	void *ctx;
	void (*committed)(void *ctx, const struct telemetry_source *source); /* durable: now, or found so at a start */
	void (*forget)(void *ctx);                                           /* all: the log is read from its beginning again */
	/* A walk over what is durable; one that moves meanwhile may come twice, none is left out. */
	void (*rewind)(void *ctx);
	bool (*next)(void *ctx, struct telemetry_source *ret); /* false: there is none any more; the path is lent */
};

/* What stands where a rule has found something. */
enum telemetry_action {
	TELEMETRY_MASK, /* [REDACTED:name] */
	TELEMETRY_HMAC, /* [HMAC:name:16 hex] by the customer's key: the same for the same text, and no way back */
	TELEMETRY_ACTIONS
};

/* What the agent finds without a pattern (shippers/detect.h); the names are those of the policy. */
enum telemetry_detector {
	TELEMETRY_AWS_KEYS,
	TELEMETRY_TOKENS,
	TELEMETRY_PRIVATE_KEYS,
	TELEMETRY_EMAIL,
	TELEMETRY_IP,
	TELEMETRY_CARD_NUMBERS,
	TELEMETRY_SQL_LITERALS,
	TELEMETRY_DETECTORS
};
#define TELEMETRY_DETECTOR_NAMES                                                                                                   \
	{                                                                                                                          \
		"aws_keys", "tokens", "private_keys", "email", "ip", "card_numbers", "sql_literals"                                \
	}

/* What the customer's policy lets out; nothing given lets nothing out. Texts belong to whoever made the rules. */
struct telemetry_redact {
	const char *name, *pattern; /* PCRE2 */
	enum telemetry_action action;
};

struct telemetry_detect {
	bool is_on;
	enum telemetry_action action;
};

struct telemetry_rules {
	char **metrics; /* globs of metric names */
	size_t metrics_n;
	char **logs; /* globs of resolved paths */
	size_t logs_n;
	char **drop; /* PCRE2: a record that matches stays here */
	size_t drop_n;
	struct telemetry_redact *redact;
	size_t redact_n;
	struct telemetry_detect detect[TELEMETRY_DETECTORS];
	uint64_t series_per_metric; /* 0: any */
	uint64_t bytes_per_day;     /* on the wire, to each destination; 0: any */
};

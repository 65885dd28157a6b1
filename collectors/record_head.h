/* record_head.h - what the beginning of a record says of when it was written and how grave it is, in the formats of framing.h.
 *
 * The times of these formats bear no zone: the source's offset from UTC is configured. */
#pragma once
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "collectors/framing.h"

struct record_head {
	int64_t time_ms;  /* Unix; 0: it tells none */
	uint8_t severity; /* OTLP's number (logs data model, appendix B); 0: it tells none */
	const char *word; /* the source's own word for that, a literal; "" */
};

/* now_ms: for the year where a time has none: that which brings it nearest. */
struct record_head record_head_read(enum framing_format format, const char *record, size_t len, int32_t utc_offset_s,
				    int64_t now_ms);

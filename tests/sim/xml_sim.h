/* xml_sim.h - writing the XML of an answer: elements open and close, texts are escaped. */
#pragma once
#include "agent/base/buf.h"

void xmlw_open(struct buf *b, const char *name);
void xmlw_close(struct buf *b, const char *name);
void xmlw_text(struct buf *b, const char *name, const char *fmt, ...) __attribute__((format(printf, 3, 4)));

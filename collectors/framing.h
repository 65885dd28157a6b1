/* framing.h - where a record of a log begins that may have several lines: a stack trace belongs to the line before it.
 *
 *     framing_new(&config, &f, &e)
 *     framing_says(f, line, len, is_whole)      of each line behind a record's first one
 *
 * Pure: what it says depends on the line's bytes alone, and never on how they came. */
#pragma once
#include <stdbool.h>
#include <stddef.h>

#include "agent/base/err.h"

/* How the lines of a source are written. */
enum framing_format {
	FRAMING_LINES, /* each is a record */
	FRAMING_LOG4J, /* "2026-11-30 10:00:00,123 WARN (thread) ..." begins one, as Doris FE writes it */
	FRAMING_GLOG, /* "W20261130 10:00:00.123456 4711 file.cpp:12] ..." begins one, as Doris BE writes it, or without the year */
	FRAMING_CRI,  /* each is one that a container's runtime has wrapped: wrapped.h */
	FRAMING_DOCKER,
};

struct framing_config {
	enum framing_format format;
	/* PCRE2; at most one of them, and then the format says nothing of where a record begins. */
	const char *starts;    /* a line that matches begins a record */
	const char *continues; /* a line that matches goes on with the one before */
};

#define FRAMING_LOOK 512      /* so many bytes of a line are looked at */
#define FRAMING_LINES_MAX 500 /* of one record; more begin another one */

struct framing;

int framing_new(const struct framing_config *c, struct framing **ret, struct err *e); /* a wrong pattern is told by its name */
void framing_free(struct framing *f);
bool framing_joins(const struct framing *f); /* may a record have several lines? NULL: no */

enum framing_says { FRAMING_BEGINS, FRAMING_GOES_ON, FRAMING_UNKNOWN };

/* Of a line of which `len` bytes are there, without its LF; is_whole: that is all of it. UNKNOWN: more must be seen. A pattern
 * that runs into its limits says BEGINS: nothing is joined for ever. */
enum framing_says framing_says(const struct framing *f, const char *line, size_t len, bool is_whole);
/* The same by a format alone: does a record begin as this one's do? */
enum framing_says framing_format_says(enum framing_format format, const char *line, size_t len, bool is_whole);

/* cases.h - the small inputs that stand beside the repository, in $REEVE_SHARED (../shared/data): each is the example of a family.
 * Where they are missing a test is skipped, and says so; under CI that is a failure. */
#pragma once
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <cmocka.h>

#include "agent/base/buf.h"

static inline FILE *cases_open(const char *name)
{
	const char *shared = getenv("REEVE_SHARED");
	char path[512];
	FILE *f;

	snprintf(path, sizeof(path), "%s/cases/%s", shared != NULL ? shared : "../shared/data", name);
	f = fopen(path, "r");
	if (f != NULL)
		return f;
	if (getenv("CI") != NULL)
		fail_msg("%s is missing: set REEVE_SHARED", path);
	print_message("1 case skipped, %s is missing: set REEVE_SHARED\n", path);
	skip();
	return NULL;
}

#define CASE_MAX (1u << 20)

/* The bytes of a case, with a NUL behind them. */
static inline void case_load(const char *name, struct buf *to)
{
	FILE *f = cases_open(name);

	*to = BUF_MAX(CASE_MAX);
	buf_grew(to, fread(buf_room(to, CASE_MAX - 1), 1, CASE_MAX - 1, f));
	fclose(f);
}

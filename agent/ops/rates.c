/* rates.c - see rates.h. */
#include "agent/ops/rates.h"

#include <stdio.h>
#include <string.h>

#include "agent/base/faults.h"
#include "agent/base/str.h"
#include "agent/base/yaml.h"

#define RATE_MAX 1000000

const struct rates rates_default = { .mutations_per_hour = 60, .deletions_per_day = 20, .ended_part = 1, .ended_of = 3 };

/* "1/3", "25%" */
static int parse_share(const char *text, struct rates *r)
{
	size_t n = strlen(text);
	const char *slash = strchr(text, '/');
	uint64_t part, of = 100;
	char first[8];

	if (n < 2 || n >= sizeof(first) || (slash == NULL && text[n - 1] != '%'))
		return -ERR_INVALID;
	snprintf(first, sizeof(first), "%.*s", (int)(slash != NULL ? (size_t)(slash - text) : n - 1), text);
	TRY(str_u64(first, &part));
	if (slash != NULL)
		TRY(str_u64(slash + 1, &of));
	if (of == 0 || part == 0 || part > of)
		return -ERR_INVALID;
	r->ended_part = (uint32_t)part;
	r->ended_of = (uint32_t)of;
	return 0;
}

static int read_share(const struct yaml_node *n, struct rates *r, struct err *e)
{
	const char *text = NULL;

	if (n == NULL)
		return 0;
	TRY(yaml_str(n, &text, e));
	return parse_share(text, r) == 0 ? 0 : yaml_wrong(n, "a share of a cluster's nodes above 0, such as 1/3 or 25%", e);
}

static int read_number(const struct yaml_node *n, uint32_t *ret, struct err *e)
{
	uint64_t v = *ret;

	TRY(yaml_u64(n, RATE_MAX, &v, e));
	*ret = (uint32_t)v;
	return 0;
}

void rates_read(struct yaml_node *map, struct rates *ret, struct faults *f)
{
	*ret = rates_default;
	if (!faults_enter(f, map, YAML_KEYS("mutations_per_hour", "deletions_per_day", "ended_at_once")))
		return;
	faults_hear(f, read_number(yaml_get(map, "mutations_per_hour"), &ret->mutations_per_hour, &f->now));
	faults_hear(f, read_number(yaml_get(map, "deletions_per_day"), &ret->deletions_per_day, &f->now));
	faults_hear(f, read_share(yaml_get(map, "ended_at_once"), ret, &f->now));
}

uint32_t rates_ended_most(const struct rates *r, uint32_t n)
{
	uint64_t most = (uint64_t)n * r->ended_part / r->ended_of;

	/* One node may always end: a third of two nodes is none, and a cluster of two could never lose one. */
	return most > 1 ? (uint32_t)most : 1;
}

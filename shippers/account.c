/* account.c - see account.h. A row in the log is as large as what it has to say. */
#include "shippers/account.h"

#include <stdio.h>
#include <string.h>

#include "agent/base/json.h"
#include "agent/base/mem.h"
#include "agent/base/str.h"
#include "shippers/batch.h"

#define PARTS_MAX (ACCOUNT_SOURCES + 1)

const char *const account_count_names[ACCOUNT_COUNTS] = {
	"taken",   "not_allowed", "rule",    "rule_failed",   "series",    "oversize",
	"no_room", "no_text",     "deleted", "deleted_bytes", "truncated", "truncated_bytes",
};
const char *const account_lost_names[ACCOUNT_LOSTS] = { "quota", "age", "refused", "partial", "damaged" };

/* ---- sources ----------------------------------------------------------------------------------------------------------- */

/* It stands in lines that must stay short, and be valid. */
void account_name(char to[ACCOUNT_NAME_MAX + 1], const char *source)
{
	size_t len = strlen(source);

	if (len > ACCOUNT_NAME_MAX)
		for (len = ACCOUNT_NAME_MAX; len > 0 && ((unsigned char)source[len] & 0xc0) == 0x80; len--)
			;
	memcpy(to, source, len);
	to[len] = '\0';
	str_mend(to);
	str_one_line(to);
}

unsigned account_source(struct account *a, const char *name)
{
	for (unsigned i = 0; i < a->sources_n; i++)
		if (str_eq(a->sources[i], name))
			return i;
	if (a->sources_n == ACCOUNT_SOURCES || str_eq(a->sources[ACCOUNT_OTHERS], name))
		return ACCOUNT_OTHERS;
	account_name(a->sources[a->sources_n], name);
	return a->sources_n++;
}

static struct account_part *find_part(struct account_part *v, size_t n, const char *source)
{
	for (size_t i = n; i > 0; i--) /* the last one first: mostly it is that */
		if (str_eq(v[i - 1].source, source))
			return &v[i - 1];
	return NULL;
}

struct account_part *account_part_of(struct account_part **v, size_t *n, const char *source)
{
	struct account_part *found = find_part(*v, *n, source);
	char name[ACCOUNT_NAME_MAX + 1];

	if (found != NULL)
		return found;
	account_name(name, source);
	found = find_part(*v, *n, name);
	if (found == NULL && *n >= ACCOUNT_SOURCES) {
		account_name(name, "others");
		found = find_part(*v, *n, name);
	}
	if (found != NULL)
		return found;
	*v = mem_grow(*v, *n + 1, sizeof(**v));
	found = &(*v)[(*n)++];
	*found = (struct account_part){ .n = { 0 } };
	memcpy(found->source, name, sizeof(name));
	return found;
}

void account_add(struct account *a, enum telemetry_kind kind, const struct account_part *parts, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		struct account_row *row = &a->rows[account_source(a, parts[i].source)][kind];

		for (int c = 0; c < ACCOUNT_COUNTS; c++)
			row->n[c] += parts[i].n[c];
	}
}

static void share(struct account_shares *s, unsigned source, uint64_t records)
{
	struct account_share *of = s->n > 0 ? &s->v[s->n - 1] : NULL;

	if (records == 0)
		return;
	if (s->n < ACCOUNT_SHARES_MAX) {
		s->v[s->n++] = (struct account_share){ source, (uint32_t)records };
		return;
	}
	of->source = ACCOUNT_OTHERS;
	of->records += (uint32_t)records;
}

struct account_shares account_shares_of(struct account *a, const struct account_part *parts, size_t n)
{
	struct account_shares s = { 0 };

	for (size_t i = 0; i < n; i++)
		share(&s, account_source(a, parts[i].source), parts[i].n[ACCOUNT_TAKEN]);
	return s;
}

uint64_t account_lost_of(const struct account *a, unsigned dest, enum telemetry_kind kind)
{
	uint64_t sum = 0;

	for (unsigned i = 0; i <= ACCOUNT_SOURCES; i++)
		for (int why = 0; why < ACCOUNT_LOSTS; why++)
			sum += a->rows[i][kind].lost[dest][why];
	return sum;
}

uint64_t account_sum(const struct account *a, enum telemetry_kind kind, enum account_count c)
{
	uint64_t sum = 0;

	for (unsigned i = 0; i <= ACCOUNT_SOURCES; i++)
		sum += a->rows[i][kind].n[c];
	return sum;
}

uint64_t account_arrived(const struct account *a, unsigned dest, enum telemetry_kind kind, uint64_t waiting)
{
	uint64_t gone = account_lost_of(a, dest, kind) + waiting + a->before[dest][kind],
		 taken = account_sum(a, kind, ACCOUNT_TAKEN);

	return taken > gone ? taken - gone : 0;
}

void account_meet(struct account *a, unsigned dest, enum telemetry_kind kind, uint64_t waiting)
{
	a->before[dest][kind] = account_arrived(a, dest, kind, waiting);
}

void account_init(struct account *a, const char *const *dests, unsigned n)
{
	*a = (struct account){ .dests_n = n };
	snprintf(a->sources[ACCOUNT_OTHERS], sizeof(a->sources[0]), "others");
	for (unsigned i = 0; i < n; i++)
		a->dests[i] = dests[i];
}

/* ---- JSON -------------------------------------------------------------------------------------------------------------- */

static void numbers_set(json_t *o, const char *const *names, const uint64_t *v, int n)
{
	for (int i = 0; i < n; i++)
		if (v[i] > 0)
			json_object_set_new(o, names[i], json_integer((json_int_t)v[i]));
}

/* Members that are none of these are passed by: a newer version may count more. */
static int numbers_get(const json_t *o, const char *const *names, uint64_t *v, int n, struct err *e)
{
	for (int i = 0; i < n; i++)
		if (json_object_get(o, names[i]) != NULL)
			TRY(json_get_u64(o, names[i], &v[i], e));
	return 0;
}

void account_counts_set(json_t *o, const uint64_t n[ACCOUNT_COUNTS])
{
	numbers_set(o, account_count_names, n, ACCOUNT_COUNTS);
}

int account_counts_get(const json_t *o, uint64_t n[ACCOUNT_COUNTS], struct err *e)
{
	return numbers_get(o, account_count_names, n, ACCOUNT_COUNTS, e);
}

json_t *account_row_json(const struct account *a, unsigned source, enum telemetry_kind kind)
{
	static const struct account_row none;
	const struct account_row *row = &a->rows[source][kind];
	json_t *o, *by = json_object();

	if (memcmp(row, &none, sizeof(none)) == 0) {
		json_decref(by);
		return NULL;
	}
	o = json_pack("{s:s, s:s}", "source", a->sources[source], "kind", batch_kind_name(kind));
	numbers_set(o, account_count_names, row->n, ACCOUNT_COUNTS);
	for (unsigned i = 0; i < a->dests_n; i++) {
		json_t *lost = json_object();

		numbers_set(lost, account_lost_names, row->lost[i], ACCOUNT_LOSTS);
		json_object_set_new(by, a->dests[i], lost);
	}
	json_object_set_new(o, "lost", by);
	return o;
}

int account_row_read(struct account *a, const json_t *o, struct err *e)
{
	const json_t *by = json_object_get(o, "lost");
	struct account_row row = { 0 };
	const char *source, *kind;
	enum telemetry_kind k;

	TRY(json_get_str(o, "source", &source, e));
	TRY(json_get_str(o, "kind", &kind, e));
	if (!batch_kind_of(kind, &k))
		return err_set(e, ERR_INVALID, "kind is wrong");
	TRY(numbers_get(o, account_count_names, row.n, ACCOUNT_COUNTS, e));
	for (unsigned i = 0; i < a->dests_n; i++)
		TRY(numbers_get(json_object_get(by, a->dests[i]), account_lost_names, row.lost[i], ACCOUNT_LOSTS, e));
	a->rows[account_source(a, source)][k] = row;
	return 0;
}

json_t *account_parts_json(const struct account_part *parts, size_t n)
{
	json_t *list = json_array();

	for (size_t i = 0; i < n; i++) {
		json_t *one = json_pack("{s:s}", "source", parts[i].source);

		account_counts_set(one, parts[i].n);
		json_array_append_new(list, one);
	}
	return list;
}

int account_parts_read(const json_t *list, struct account_part **ret, size_t *ret_n, struct err *e)
{
	if (list != NULL && (!json_is_array(list) || json_array_size(list) > PARTS_MAX))
		return err_set(e, ERR_INVALID, "the account is not a list, or too long");
	for (size_t i = 0; i < json_array_size(list); i++) {
		const json_t *one = json_array_get(list, i);
		struct account_part *p;
		const char *source;

		TRY(json_get_str(one, "source", &source, e));
		p = account_part_of(ret, ret_n, source);
		TRY(account_counts_get(one, p->n, e));
	}
	return 0;
}

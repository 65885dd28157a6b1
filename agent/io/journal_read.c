/* journal_read.c - lines, the chain between them, and the difference between a torn tail and damage.
 *
 * A record is good when its line ends in LF, is a JSON object, names the SHA-256 of the line before as `prev` and carries
 * the next `seq`. The last write before a crash may be torn, so in the last segment whatever follows the last good line is
 * cut, unless a whole record stands behind it: that is damage, and nobody writes behind damage. A segment without any good
 * line is torn only if it is the beginning of the one line that would have come, or empty; anything else in it is damage. */
#include "agent/io/journal_read.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "agent/base/enc.h"
#include "agent/base/json.h"
#include "agent/base/str.h"

static int collect(void *ctx, const char *name)
{
	struct journal_segments *s = ctx;
	struct journal_segment *seg;
	char digits[17];

	/* The reserve, copies of torn tails and .tmp files that a crash left lie in the same folder. */
	if (strlen(name) != 22 || !str_ends(name, ".jsonl") || strspn(name, "0123456789") != 16)
		return 0;
	s->v = mem_grow(s->v, s->n + 1, sizeof(*s->v));
	seg = &s->v[s->n++];
	*seg = (struct journal_segment){ 0 };
	memcpy(seg->name, name, 23);
	memcpy(digits, name, 16);
	digits[16] = '\0';
	seg->first = strtoull(digits, NULL, 10);
	return 0;
}

static int by_first(const void *a, const void *b)
{
	const struct journal_segment *x = a, *y = b;

	return x->first < y->first ? -1 : x->first > y->first;
}

int journal_list(struct world *w, const char *dir, struct journal_segments *ret, struct err *e)
{
	TRY(w->disk_list(w, dir, collect, ret, e));
	if (ret->n > 0)
		qsort(ret->v, ret->n, sizeof(*ret->v), by_first);
	for (size_t i = 0; i < ret->n; i++) {
		CLEANUP(mem_close) char *path = mem_printf("%s/%s", dir, ret->v[i].name);
		struct disk_stat st;

		TRY(w->disk_stat(w, path, &st, e));
		ret->v[i].size = st.size;
	}
	return 0;
}

void journal_segments_close(struct journal_segments *s)
{
	mem_free(s->v);
	*s = (struct journal_segments){ 0 };
}

/* One line against the chain; *ret is the parsed object, to be dropped by the caller. */
static int check_line(const char *line, size_t len, const struct journal_chain *chain, json_t **ret, struct err *e)
{
	CLEANUP(json_close) json_t *obj = NULL;
	char expected[DIGEST_HEX_LEN];
	const char *prev, *type, *time;
	uint64_t seq;

	TRY(json_parse(line, len, "record", &obj, e));
	if (!json_is_object(obj))
		return err_set(e, ERR_CORRUPT, "not a JSON object");
	TRY(json_get_str(obj, "prev", &prev, e));
	TRY(json_get_u64(obj, "seq", &seq, e));
	TRY(json_get_str(obj, "type", &type, e));
	TRY(json_get_str(obj, "time", &time, e));
	/* Of the oldest line that is there the hash cannot be checked: what it names was pruned. */
	if (!chain->any_prev && !str_eq(prev, digest_hex(&chain->prev, expected)))
		return err_set(e, ERR_CORRUPT, "prev is %.16s..., but the line before hashes to %.16s...", prev, expected);
	if (chain->next_seq != 0 && seq != chain->next_seq)
		return err_set(e, ERR_CORRUPT, "seq is %llu, expected %llu", (unsigned long long)seq,
			       (unsigned long long)chain->next_seq);
	*ret = obj;
	obj = NULL;
	return 0;
}

/* Is there a whole record anywhere behind a bad line? Then the bad line is damage, not a torn tail. */
static bool record_follows(const char *at, const char *end)
{
	while (at < end) {
		const char *lf = memchr(at, '\n', (size_t)(end - at));
		json_t *obj = NULL;
		bool is_record;

		if (lf == NULL)
			return false;
		is_record = json_parse(at, (size_t)(lf - at), "", &obj, NULL) == 0 && json_is_object(obj) &&
			    json_object_get(obj, "prev") != NULL && json_object_get(obj, "seq") != NULL;
		json_decref(obj);
		if (is_record)
			return true;
		at = lf + 1;
	}
	return false;
}

/* All that is there is a beginning of the line that the chain wants next. */
static bool is_first_write(const char *start, const char *end, const struct journal_chain *chain)
{
	char hex[DIGEST_HEX_LEN], want[DIGEST_HEX_LEN + 16];
	size_t len = (size_t)(end - start), n;

	n = (size_t)snprintf(want, sizeof(want), "{\"prev\":\"%s", chain->any_prev ? "" : digest_hex(&chain->prev, hex));
	return memchr(start, '\n', len) == NULL && memcmp(start, want, len < n ? len : n) == 0;
}

static void advance(struct journal_chain *chain, const json_t *obj, const char *line, size_t len)
{
	chain->prev = digest_of(line, len);
	chain->next_seq = (uint64_t)json_int_or(obj, "seq", 0) + 1;
	chain->any_prev = false;
}

static int read_lines(const struct journal_segment *seg, bool last, const char *start, const char *end, struct journal_chain *chain,
		      journal_visit *visit, void *ctx, uint64_t *good_len, struct err *e)
{
	unsigned number = 0;

	for (const char *at = start, *lf, *next; at < end; at = next) {
		CLEANUP(json_close) json_t *obj = NULL;
		struct journal_entry entry;
		int rc;

		number++;
		lf = memchr(at, '\n', (size_t)(end - at));
		next = lf != NULL ? lf + 1 : end;
		rc =
		    lf == NULL ? err_set(e, ERR_CORRUPT, "the line has no end") : check_line(at, (size_t)(lf - at), chain, &obj, e);
		if (rc != 0 && last && (number > 1 || is_first_write(start, end, chain)) && !record_follows(next, end))
			return 0; /* a torn tail */
		if (rc != 0) {
			err_wrap(e, rc, "journal damaged at %s line %u", seg->name, number);
			return -ERR_CORRUPT;
		}
		entry = (struct journal_entry){ .seq = (uint64_t)json_int_or(obj, "seq", 0),
						.type = json_str_or(obj, "type", ""),
						.time = json_str_or(obj, "time", ""),
						.obj = obj,
						.line = at,
						.len = (size_t)(lf - at),
						.segment = seg->name,
						.line_number = number };
		/* A segment that was renamed, or a copy of another one. */
		if (number == 1 && entry.seq != seg->first)
			return err_set(e, ERR_CORRUPT, "journal damaged at %s line 1: seq %llu does not fit the file's name",
				       seg->name, (unsigned long long)entry.seq);
		advance(chain, obj, at, entry.len);
		*good_len = (uint64_t)(next - start);
		if (visit != NULL)
			TRY(visit(ctx, &entry, e));
	}
	return 0;
}

int journal_read_segment(struct world *w, const char *dir, const struct journal_segment *seg, bool last,
			 struct journal_chain *chain, journal_visit *visit, void *ctx, uint64_t *good_len, bool *torn,
			 struct err *e)
{
	CLEANUP(mem_close) char *path = mem_printf("%s/%s", dir, seg->name);
	CLEANUP(buf_close) struct buf b = BUF_MAX(JOURNAL_SEGMENT_READ_MAX);

	*good_len = 0;
	/* A segment between them is gone, or the one before was cut at its end. */
	if (chain->next_seq != 0 && seg->first != chain->next_seq)
		return err_set(e, ERR_CORRUPT,
			       "journal damaged at %s line 1: record %llu should come next and does not fit the "
			       "file's name",
			       seg->name, (unsigned long long)chain->next_seq);
	TRY(disk_read_all(w, path, &b, e));
	TRY(read_lines(seg, last, buf_str(&b), buf_str(&b) + b.len, chain, visit, ctx, good_len, e));
	*torn = *good_len < b.len;
	return 0;
}

int journal_read_all(struct world *w, const char *dir, journal_visit *visit, void *ctx, struct journal_chain *ret, bool *torn,
		     struct err *e)
{
	CLEANUP(journal_segments_close) struct journal_segments segs = { 0 };
	uint64_t good;

	*ret = (struct journal_chain){ 0 };
	*torn = false;
	TRY(journal_list(w, dir, &segs, e));
	for (size_t i = 0; i < segs.n; i++) {
		/* Only the first record of all has no line before it. If the oldest segment begins later, the ones before were
		 * pruned. */
		ret->any_prev = i == 0 && segs.v[0].first > 1;
		ret->next_seq = i == 0 ? segs.v[0].first : ret->next_seq;
		TRY(journal_read_segment(w, dir, &segs.v[i], i + 1 == segs.n, ret, visit, ctx, &good, torn, e));
	}
	return 0;
}

/* fuzz_journal.c - a journal segment: the part that is called good reads again as whole, with the same records; the chain
 * stands where the last of them ends. */
#include "agent/io/journal_read.h"
#include "tests/fuzz/fuzz.h"
#include "tests/sim/world_sim.h"

#define DIR "/var/lib/reeve/journal"
#define NAME "0000000000000001.jsonl"

struct reading {
	struct journal_chain chain;
	size_t records;
	uint64_t good_len;
	bool torn;
};

static int visit(void *ctx, const struct journal_entry *entry, struct err *e)
{
	struct reading *r = ctx;

	(void)e;
	FUZZ_MUST(entry->type != NULL && entry->time != NULL && entry->len > 0);
	FUZZ_MUST(memchr(entry->line, '\n', entry->len) == NULL);
	r->records++;
	return 0;
}

static int read_once(struct world *w, bool any_prev, struct reading *r, struct err *e)
{
	struct journal_segment seg = { .name = NAME, .first = 1 };
	struct disk_stat st;

	*r = (struct reading){ .chain = { .any_prev = any_prev } };
	FUZZ_MUST(w->disk_stat(w, DIR "/" NAME, &st, NULL) == 0);
	seg.size = st.size;
	return journal_read_segment(w, DIR, &seg, true, &r->chain, visit, r, &r->good_len, &r->torn, e);
}

void fuzz_one(const char *s, size_t len)
{
	bool any_prev = fuzz_choice(&s, &len) % 2 == 1;
	struct world *w = sim_new(1);
	struct reading first, again;
	struct err e = { 0 };
	int rc;

	sim_file_put(w, DIR "/" NAME, s, len);
	rc = read_once(w, any_prev, &first, &e);
	FUZZ_MUST(rc == 0 || e.text[0] != '\0');
	if (rc == 0) {
		FUZZ_MUST(first.good_len <= len && first.torn == (first.good_len < len));
		sim_file_truncate(w, DIR "/" NAME, (size_t)first.good_len);
		FUZZ_MUST(read_once(w, any_prev, &again, NULL) == 0 && !again.torn);
		FUZZ_MUST(again.records == first.records && again.good_len == first.good_len);
		FUZZ_MUST(digest_eq(&again.chain.prev, &first.chain.prev) && again.chain.next_seq == first.chain.next_seq);
	}
	sim_free(w);
}

/* tail_judge.c - is a file a text that the rules can read? Before a line of it is handed over, and again while its head grows.
 *
 * Happy path: its first bytes, behind the NULs that copytruncate may have left in front of them, look like text, and go on doing so
 * until TAIL_HEAD_BYTES of them are there.
 * Fails: an archive, another encoding, a binary file: TAIL_REFUSED, also when that shows later, as with an archive that is still
 * being made. Too few bytes to tell: the file waits until it grows, or until nobody has added to it for a while. */
#include "collectors/tail_impl.h"

#include "collectors/tail_head.h"
#include "collectors/tail_text.h"

bool tail_may_be_text(struct tail *t, struct disk_file *f, enum tail_refusal *ret_why)
{
	char head[TAIL_HEAD_BYTES];
	ssize_t n = t->w->file_read(t->w, f, 0, head, sizeof(head), NULL);
	size_t lead = n > 0 ? tail_text_nul_run(head, (size_t)n) : 0;
	enum tail_head is = n > 0 ? tail_head_judge(head + lead, (size_t)n - lead, false) : TAIL_HEAD_WAIT;

	if (is != TAIL_HEAD_ARCHIVE && is != TAIL_HEAD_OTHER)
		return true;
	*ret_why = is == TAIL_HEAD_ARCHIVE ? TAIL_COMPRESSED : TAIL_NO_TEXT;
	return false;
}

/* As much as may be of a head that has begun to be text; of a hole in front of it a piece at a time. */
static ssize_t read_head(struct tail_file *tf)
{
	struct tail *t = tf->src->t;
	size_t most = tf->head_at > 0 && tf->head_len == 0 ? t->chunk_len : TAIL_HEAD_BYTES;

	return t->w->file_read(t->w, tf->f, tf->head_at, t->chunk, most, NULL);
}

static bool is_known(const struct tail_file *tf)
{
	return tf->is_judged && (tf->head_len >= TAIL_HEAD_BYTES || tf->head_at + tf->head_len >= tf->size);
}

static enum tail_read take_judgement(struct tail_file *tf, enum tail_head is, uint32_t len)
{
	if (is == TAIL_HEAD_ARCHIVE || is == TAIL_HEAD_OTHER)
		return TAIL_REFUSED;
	tf->head_len = len;
	tf->is_judged |= is == TAIL_HEAD_TEXT;
	if (tf->is_judged)
		return TAIL_MORE;
	/* There is nothing to read of it yet, so the file that took its name need not wait for it. */
	tf->at_end = true;
	return TAIL_END;
}

enum tail_read tail_file_judge(struct tail_file *tf, bool is_final)
{
	const struct tail *t = tf->src->t;
	size_t lead, len;
	ssize_t n;

	if (is_known(tf))
		return TAIL_MORE;
	n = read_head(tf);
	if (n < 0)
		return TAIL_FAILED;
	lead = tail_text_nul_run(t->chunk, (size_t)n);
	tf->head_at += lead;
	if (lead > 0)
		return TAIL_MORE; /* what stands behind them comes with the next turn */
	len = n < TAIL_HEAD_BYTES ? (size_t)n : TAIL_HEAD_BYTES;
	return take_judgement(tf, tail_head_judge(t->chunk, len, is_final), (uint32_t)len);
}

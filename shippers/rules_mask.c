/* rules_mask.c - see rules.h: what the rules find in a text becomes a mask, or an HMAC of it.
 *
 * The HMAC is the first eight bytes of HMAC-SHA-256 over what was found, so the same text is the same everywhere, and joins work;
 * the vendor, who does not have the key, can neither read nor guess it. */
#include <string.h>

#include "agent/base/digest.h"
#include "agent/base/enc.h"
#include "shippers/rules_impl.h"

#define HMAC_BYTES 8  /* 16 digits */
#define DETECT_COST 6 /* of the record's budget for each byte that a detector goes over; on usual lines it takes a third of that */

/* A text being gone over by one rule. */
struct going {
	struct rules *r;
	const struct rule *rule;
	const char *s;
	size_t len, at;
	struct detect d;
};

/* 1: found at [*from, *to), 0: nothing more, negative: a limit was met. */
static int find(struct going *g, size_t *from, size_t *to)
{
	if (g->rule->code != NULL)
		return matcher_find(&g->r->matcher, g->rule->code, g->s, g->len, g->at, from, to);
	return detect_next(g->rule->which, &g->d, from, to);
}

/* The start of the next character: an empty match must not be found again at the same place. */
static size_t step_over(const char *s, size_t len, size_t at)
{
	do
		at++;
	while (at < len && ((unsigned char)s[at] & 0xc0) == 0x80);
	return at;
}

static void add_mask(struct going *g, size_t from, size_t to, struct buf *out)
{
	char hex[ENC_HEX_LEN(HMAC_BYTES)];
	struct digest d;

	buf_adds(out, g->rule->mask);
	if (!g->rule->is_hmac)
		return;
	d = digest_hmac(g->r->key.bytes, g->r->key.len, g->s + from, to - from);
	buf_adds(out, enc_hex(d.b, HMAC_BYTES, hex));
	buf_addc(out, ']');
}

/* Where the rest of a line begins whose beginning has left: in the text, and behind a rule's masks. */
struct rest {
	size_t at, masked_at;
	bool touched;
};

/* [from, to) becomes a mask at the end of `out`; what stands between the match before, which ended at `kept`, and it is there. */
static void follow_rest(struct rest *rest, const struct buf *out, size_t kept, size_t from, size_t to)
{
	if (rest->at >= kept && rest->at <= from)
		rest->masked_at = out->len - (from - rest->at);
	else if (rest->at > from && rest->at < to)
		rest->masked_at = out->len;
	rest->touched |= to > rest->at;
}

/* One rule over the whole text: 0 when nothing matched, 1 when `out` holds the masked text. */
static int mask_one(struct going *g, struct rest *rest, struct buf *out)
{
	size_t kept = 0, from, to;
	int rc = 0;

	while (g->at <= g->len && (rc = find(g, &from, &to)) > 0) {
		if (to <= kept || from == to) { /* nothing new to hide */
			g->at = step_over(g->s, g->len, to > g->at ? to : g->at);
			continue;
		}
		from = from > kept ? from : kept;
		buf_add(out, g->s + kept, from - kept);
		follow_rest(rest, out, kept, from, to);
		add_mask(g, from, to, out);
		g->at = kept = to;
	}
	if (rc < 0)
		return rc;
	if (kept == 0)
		return 0;
	if (rest->at >= kept)
		rest->masked_at = out->len + (rest->at - kept);
	buf_add(out, g->s + kept, g->len - kept);
	return out->over ? -ERR_LIMIT : 1;
}

/* A detector goes over the text once. */
static int run(struct rules *r, const struct rule *rule, const char *s, size_t len, struct rest *rest, struct buf *out)
{
	struct going g = { .r = r, .rule = rule, .s = s, .len = len, .d = detect_of(s, len) };
	bool may = rule->code != NULL || matcher_spend(&r->matcher, DETECT_COST * (int64_t)len);
	int rc = may ? mask_one(&g, rest, out) : -ERR_LIMIT;

	if (rc != 0)
		*(rc > 0 ? &rule->counts->masked : &rule->counts->failed) += 1;
	return rc;
}

/* A mask may be masked again, and nothing is uncovered. */
enum rules_verdict rules_mask_all(struct rules *r, uint64_t hits, const char **text, size_t *len, size_t *begun, bool *ret_touched,
				  struct buf *room)
{
	struct rest rest = { .at = *begun };

	for (size_t i = r->drop_n; i < r->n; i++) {
		struct buf out;
		int rc;

		if (!rules_may_find(&r->v[i], hits, *text, *len))
			continue;
		out = BUF_MAX(RULES_TEXT_MAX);
		rc = run(r, &r->v[i], *text, *len, &rest, &out);
		if (rc <= 0) {
			buf_close(&out);
			if (rc < 0)
				return RULES_FAILED;
			continue;
		}
		/* Only now: the text that was just looked at may lie in it. */
		buf_close(room);
		*room = out;
		*text = buf_str(room);
		*len = room->len;
		rest.at = rest.masked_at;
		/* What stands there now may give those behind it a reason that it did not give before. */
		if (!rules_look(r, *text, *len, &hits))
			return RULES_FAILED;
	}
	*begun = rest.at;
	*ret_touched = rest.touched;
	return RULES_PASS;
}

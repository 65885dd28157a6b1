/* answer.c - see answer.h. An answer whose body cannot be read is judged by its status alone. */
#include "shippers/answer.h"

#include "agent/base/pbw.h"

static bool is_retryable(int status)
{
	return status == 429 || status == 502 || status == 503 || status == 504;
}

static bool is_about_us(int status)
{
	return status == 401 || status == 403 || status == 404 || (status >= 300 && status < 400);
}

enum answer answer_judge(const struct http_req *r, int rc)
{
	bool is_answered = rc == 0 || (rc == -ERR_LIMIT && r->status > 0); /* with a body that is too large to read */

	if (!is_answered || is_retryable(r->status))
		return ANSWER_LATER;
	if (r->status >= 200 && r->status < 300)
		return ANSWER_TAKEN;
	if (r->status == 413)
		return ANSWER_TOO_LARGE;
	return is_about_us(r->status) ? ANSWER_ABOUT_US : ANSWER_REFUSED;
}

/* Export...ServiceResponse{1 partial_success{1 rejected, 2 error_message}} */
uint64_t answer_rejected(const struct buf *body)
{
	struct pbr r = pbr_of(buf_str(body), body->len);
	struct pbr_field f, part;
	uint64_t rejected = 0;

	while (pbr_next(&r, &f) > 0) {
		struct pbr in;

		if (f.number != 1 || f.type != PBR_BYTES)
			continue;
		in = pbr_of(f.p, f.len);
		while (pbr_next(&in, &part) > 0)
			if (part.number == 1 && part.type == PBR_VARINT)
				rejected = part.value;
	}
	return rejected;
}

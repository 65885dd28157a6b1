/* fuzz_call.c - whether an HTTP answer is AWS's: a tree is kept of a 200 that is the action's answer and of nothing else, and
 * of anything else there is a sentence. */
#include "agent/aws/call_impl.h"
#include "tests/fuzz/fuzz.h"

void fuzz_one(const char *s, size_t len)
{
	static const int statuses[] = { 200, 400, 403, 500, 503, 302 };
	struct aws_call c = { .status = statuses[fuzz_choice(&s, &len) % ARRAY_LEN(statuses)] };
	bool is_answer;

	c.req.action = "RunInstances";
	c.http.body = BUF_MAX(1u << 20);
	buf_add(&c.http.body, s, len);
	is_answer = call_read(&c);
	FUZZ_MUST(is_answer == (c.xml != NULL));
	FUZZ_MUST(!is_answer || (c.status == 200 && strcmp(xml_name(xml_root(c.xml)), "RunInstancesResponse") == 0));
	FUZZ_MUST(is_answer || c.err.text[0] != '\0');
	FUZZ_MUST(memchr(c.code, '\0', sizeof(c.code)) != NULL && memchr(c.request_id, '\0', sizeof(c.request_id)) != NULL);
	FUZZ_MUST(strpbrk(c.err.text, "\r\n") == NULL); /* one line in the log */
	xml_close(&c.xml);
	mem_close(&c.encoded);
	buf_close(&c.http.body);
}

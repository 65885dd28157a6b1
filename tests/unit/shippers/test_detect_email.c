/* test_detect_email.c - e-mail addresses in lines as they are written, and what else has an @. */
#include "tests/unit/shippers/detecting.h"

/* clang-format off */
static const char *const found[] = {
	"→a@b.cd←",
	"mail to →jane.doe@example.com←.",
	"<→jane@example.co.uk←>",
	"2026-03-01 12:00:00,1 INFO (main|1) [Auth.login():9] user →jane+doris@example.com← from x",
	"I0301 12:00:00.123456 17 auth.cpp:90] '→o'neil@example.com←'",
	"mailto:→jane_doe@sub.example.org←?subject=x",
	"{\"email\":\"→jane@example.com←\"}",
	"→a@b.cd←,→e@f.gh←;→i@j.kl←",
	"SELECT * FROM t WHERE mail='→jane@example.com←'",
	"java.lang.Exception: no user →jane@example.com←\n\tat A.b(A.java:1)",
	"→müller@example.de← and →jane@exämple.de←",
	"→jane@xn--exmple-cua.xn--p1ai←",
	"用户 →张三@例子.中国← 登录",
	"→x@a-b.c-d.example←/ing",
	"user=→jane%2Bx@example.com←&y",
	"→jane@example.com←. end",
};

static const char *const left[] = {
	"",
	"@",
	"user@host",
	"root@localhost: no",
	"java.lang.Object@6d06d69c",
	"@Override public void x()",
	"a@b",
	"x@10.0.0.1",
	"a @ b.cd",
	"@example.com",
	"jane@.com jane@com.",
	"2026-03-01 00:00:00,000 DEBUG (stream-load-30|42057) [PublishVersionDaemon.tryFinishTxn():171] #1",
	"image x86@sha256:0123456789abcdef",
	"I0301 12:00:00.123456 17 x.cpp:90] ptr@0x7f00.12 rowset@12.34",
	"[REDACTED:email]",
	"price 3@4.50 each",
	"@@session.time_zone",
};
/* clang-format on */

static void addresses_are_found_in_any_surroundings(void **state)
{
	(void)state;
	detecting_all(TELEMETRY_EMAIL, found, ARRAY_LEN(found));
}

static void what_has_no_domain_is_left(void **state)
{
	(void)state;
	detecting_all(TELEMETRY_EMAIL, left, ARRAY_LEN(left));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(addresses_are_found_in_any_surroundings),
		cmocka_unit_test(what_has_no_domain_is_left),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

/* test_detect_card.c - card numbers by Luhn in lines as they are written, and other long numbers. */
#include "tests/unit/shippers/detecting.h"

/* clang-format off */
static const char *const found[] = {
	"→4111111111111111←",
	"card →4111 1111 1111 1111←.",
	"→4111-1111-1111-1111← declined",
	"amex →378282246310005← →3782 822463 10005←",
	"→5555555555554444←,→2223003122003222←",
	"2026-03-01 12:00:00,1 INFO (main|1) [Pay.x():9] pan=→6011111111111117← ok",
	"I0301 12:00:00.123456 17 pay.cpp:90] card:→3566002020360505←",
	"2026-03-01 →4111 1111 1111 1111←",
	"{\"card\":\"→4222222222222←\"}",
	"INSERT INTO t VALUES ('→4012888888881881←', 1)",
	"→6304000000000000← and →4111111111111111←\n→5105105105105100←",
	"id_→4111111111111111←!",
	"java.lang.Exception: →4111111111111111←\n\tat A.b(A.java:1)",
	"a line that is long enough for the number to begin before a look of 64: →4111 1111 1111 1111← and to end behind it",
	"卡→4111111111111111←号",
	"→4111 1111 1111 1111← →4111 1111 1111 1111← →4111 1111 1111 1111← →4111 1111 1111 1111←",
};

static const char *const left[] = {
	"",
	"2026-03-01 00:00:00,000 DEBUG (stream-load-30|42057) [PublishVersionDaemon.tryFinishTxn():171] #000000000",
	"4111111111111112",
	"4111 1111 1111 1112",
	"411111111111111",
	"41111111111111111111111",
	"1772323200000 1772323200000123 1772323200000123456",
	"0.4111111111111111 4111111111111111.5",
	"a4111111111111111 4111111111111111b",
	"4111  1111  1111  1111",
	"4111_1111_1111_1111 4111.1111.1111.1111",
	"550e8400-e29b-41d4-a716-446655440000",
	"tablet 1753512507 is HEALTHY, replica 177601472; scheduled in 161973 us",
	"I0301 12:00:00.123456 17 x.cpp:90] version 254338210, 254338211, 254338212",
	"+49 30 1234567 and 2026-03-01 12-30",
	"[REDACTED:card_numbers]",
	"0000000000000000",
};
/* clang-format on */

static void numbers_that_are_right_by_luhn_are_found(void **state)
{
	(void)state;
	detecting_all(TELEMETRY_CARD_NUMBERS, found, ARRAY_LEN(found));
}

static void other_long_numbers_are_left(void **state)
{
	(void)state;
	detecting_all(TELEMETRY_CARD_NUMBERS, left, ARRAY_LEN(left));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(numbers_that_are_right_by_luhn_are_found),
		cmocka_unit_test(other_long_numbers_are_left),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

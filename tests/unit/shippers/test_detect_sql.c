/* test_detect_sql.c - the values in SQL as logs have it, and what is no value. */
#include "tests/unit/shippers/detecting.h"

/* clang-format off */
static const char *const found[] = {
	"SELECT * FROM t WHERE a = →'x'← AND b=→5←",
	"INSERT INTO t VALUES (→1←, →'it''s'←, NULL, →-2.5e3←), (→2←, →\"b\"←, →0x1F←, →.5←)",
	"select a from t where b in (→1←,→2←, →'c'←) and d like →'%e%'← limit 10",
	"2026-03-01 12:00:00,1 |Client=10.0.0.1:1|Stmt=select 1 from t where k >= →10← and k<→20←",
	"UPDATE t SET a=→'\\\\'← , b = →'\\'x'← WHERE c<>→3←",
	"WHERE name LIKE →\"x\"←",
	"WHERE d > →'2026-03-01 00:00:00'← AND e BETWEEN 1 AND 2",
	"stmt: select →'never ends because the log cuts it←",
	"I0301 12:00:00.123456 17 fragment.cpp:90] took_ms=→33← rows = →12←",
	"N→'abc'←, x→'ff'←",
	"where a in (select b from c where d = →4←) and e = →5←",
	"IN\t(\n→1←\n)",
	"a=→+7← b=→-8← c =→9← d",
	"java.sql.SQLException: bad value →'secret'←\n\tat A.b(A.java:1)",
	"where n = →'张三'← or m = →1←",
	"in(→7←)",
	"values(→1←),(→2←)",
	"{\"sql\":\"select * from t where a = →'x'← and b = →1←\"}",
};

static const char *const left[] = {
	"",
	"2026-03-01 00:00:00,000 DEBUG (stream-load-30|42057) [PublishVersionDaemon.tryFinishTxn():171] #000000000",
	"it's the user's choice, don't",
	"select a, b from t limit 10 offset 20",
	"{\"a\":\"b\",\"c\":1}",
	"\"a name\" of a thing",
	"x -> 5, y => 6",
	"where a = b and c < d",
	"in progress (5 of 6)",
	"main (5), values of 6, likely 7",
	"id=5abc trace=00f067aa0ba902b7",
	"host=10.0.0.1:9030",
	"a = '[REDACTED:sql]' and b = [REDACTED:sql]",
	"std::vector<int> x; a << b",
	"\tat org.apache.doris.qe.StmtExecutor.execute(StmtExecutor.java:604)",
	"I0301 12:00:00.123456 17 x.cpp:90] 5 of 6 rows",
	"begin (1), within (2), unlike 3",
};
/* clang-format on */

static void strings_and_numbers_of_sql_are_found(void **state)
{
	(void)state;
	detecting_all(TELEMETRY_SQL_LITERALS, found, ARRAY_LEN(found));
}

static void names_and_other_texts_are_left(void **state)
{
	(void)state;
	detecting_all(TELEMETRY_SQL_LITERALS, left, ARRAY_LEN(left));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(strings_and_numbers_of_sql_are_found),
		cmocka_unit_test(names_and_other_texts_are_left),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

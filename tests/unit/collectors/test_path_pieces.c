/* test_path_pieces.c - names in a path. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdio.h>
#include <string.h>

#include "agent/base/buf.h"
#include "agent/base/mem.h"
#include "collectors/path_pieces.h"

static void pieces_are_read(void **state)
{
	static const struct {
		const char *pattern, *path, *says; /* "": it is not like it */
	} rows[] = {
		{ "/var/log/{cluster}/{node}.log", "/var/log/a/be-1.log", "cluster=a node=be-1 " },
		{ "/var/log/{cluster}/{node}.log", "/var/log/a/b/be-1.log", "" },
		{ "/var/log/{cluster}/{node}.log", "/var/log/be-1.log", "" },
		{ "/var/log/{cluster}/{node}.log", "/var/log/a/.log", "" },
		{ "/var/log/{cluster}/{node}.log", "/var/log//x.log", "" },
		{ "/var/log/{cluster}/{node}.log", "/var/log/a/be-1.log.1", "" },
		{ "/var/log/{cluster}/{node}.log*", "/var/log/a/be-1.log.1", "cluster=a node=be-1 " },
		{ "/p/{ns}_{pod}_{uid}/{c}/*.log", "/p/web_app-1_77/nginx/0.log", "ns=web pod=app-1 uid=77 c=nginx " },
		{ "/p/{ns}_{pod}_{uid}/{c}/*.log", "/p/web_app_1_77/nginx/0.log", "ns=web pod=app uid=1_77 c=nginx " },
		{ "/p/{ns}_{pod}_{uid}/{c}/*.log", "/p/web__77/nginx/0.log", "" },
		{ "/x/{a}b{c}b", "/x/1bb2b", "a=1 c=b2 " },
		{ "/x/{a}b{c}b", "/x/bbbb", "a=b c=b " },
		{ "/x/{a}b{c}b", "/x/1bb", "" },
		{ "/x/*-{a}", "/x/-1", "a=1 " },
		{ "/x/{a}", "/x/", "" },
		{ "/x/{a}", "/x", "" },
		{ "/{a.b_c9}", "/z", "a.b_c9=z " },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		CLEANUP(buf_close) struct buf b = BUF_MAX(4096);
		struct path_piece p[PATH_PIECES_MAX];
		size_t n = path_pieces_read(rows[i].pattern, rows[i].path, p);

		assert_int_equal(path_pieces_check(rows[i].pattern, NULL), 0);
		for (size_t k = 0; k < n; k++)
			buf_addf(&b, "%.*s=%.*s ", (int)p[k].name_len, p[k].name, (int)p[k].value_len, p[k].value);
		if (strcmp(buf_str(&b), rows[i].says) != 0)
			fail_msg("%s of %s: %s", rows[i].pattern, rows[i].path, buf_str(&b));
	}
}

static void what_is_no_pattern_is_told(void **state)
{
	static const struct {
		const char *pattern, *says;
	} rows[] = {
		{ "", "begins with a slash" },
		{ "{a}", "begins with a slash" },
		{ "/var/log/x", "no {name}" },
		{ "/var/log/*", "no {name}" },
		{ "/{a", "in braces" },
		{ "/{}", "in braces" },
		{ "/{A}", "in braces" },
		{ "/{a b}", "in braces" },
		{ "/{a/b}", "in braces" },
		{ "/{1}", "in braces" },
		{ "/{aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa}", "in braces" },
		{ "/{a}{b}", "between two" },
		{ "/{a}*", "between two" },
		{ "/*{a}", "between two" },
		{ "/{a}/{a}", "a is there already" },
		{ "/{log.file.name}", "log.file.name is there already" },
		{ "/{a}/{b}/{c}/{d}/{e}/{f}/{g}", "at most 6" },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct err e = { 0 };

		if (path_pieces_check(rows[i].pattern, &e) == 0)
			fail_msg("%s passes", rows[i].pattern);
		if (strstr(err_text(&e), rows[i].says) == NULL)
			fail_msg("%s: %s", rows[i].pattern, err_text(&e));
	}
}

/* Whoever may make folders must not be able to hold up the loop. */
static void a_path_made_for_it_costs_no_more_than_another(void **state)
{
	struct path_piece p[PATH_PIECES_MAX];
	char path[4096] = "/";

	(void)state;
	memset(path + 1, 'a', sizeof(path) - 2);
	for (int i = 0; i < 1000; i++)
		assert_int_equal(path_pieces_read("/{a}a{b}a{c}a{d}a{e}a{f}!", path, p), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(pieces_are_read),
		cmocka_unit_test(what_is_no_pattern_is_told),
		cmocka_unit_test(a_path_made_for_it_costs_no_more_than_another),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

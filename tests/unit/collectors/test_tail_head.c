/* test_tail_head.c - what first bytes say of a file. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdio.h>
#include <string.h>

#include "agent/base/buf.h"
#include "agent/base/mem.h"
#include "collectors/tail_head.h"

#define HEAD(text) text, sizeof(text) - 1

static void archives_and_encodings_are_known_by_their_first_bytes(void **state)
{
	static const struct {
		const char *head;
		size_t len;
		enum tail_head is;
	} cases[] = {
		{ HEAD("\x1f\x8b\x08\x00"), TAIL_HEAD_ARCHIVE },
		{ HEAD("\x28\xb5\x2f\xfd\x04"), TAIL_HEAD_ARCHIVE },
		{ HEAD("\x5a\x2a\x4d\x18\x04"), TAIL_HEAD_ARCHIVE },
		{ HEAD("\xfd"
		       "7zXZ\0"),
		  TAIL_HEAD_ARCHIVE },
		{ HEAD("BZh91AY&SY"), TAIL_HEAD_ARCHIVE },
		{ HEAD("BZh9\x17rE8P\x90"), TAIL_HEAD_ARCHIVE },
		{ HEAD("\x04\x22\x4d\x18"), TAIL_HEAD_ARCHIVE },
		{ HEAD("\xff\x06\0\0sNaPpY"), TAIL_HEAD_ARCHIVE },
		{ HEAD("PK\x03\x04"), TAIL_HEAD_ARCHIVE },
		{ HEAD("7z\xbc\xaf\x27\x1c"), TAIL_HEAD_ARCHIVE },
		{ HEAD("\xff\xfe"
		       "a\0\n\0"),
		  TAIL_HEAD_OTHER },
		{ HEAD("\xfe\xff\0a\0\n"), TAIL_HEAD_OTHER },
		{ HEAD("a\0b\0c\0d\0e\0\n\0"), TAIL_HEAD_OTHER },
		{ HEAD("a\0\0\0b\0\0\0c\0\0\0"), TAIL_HEAD_OTHER },
		{ HEAD("\x1f\x04\x30\x04\x40\x04\x3e\x04\x3b\x04\x4c\x04"), TAIL_HEAD_OTHER }, /* a word in Cyrillic, UTF-16 */
		{ HEAD("\x7f"
		       "ELF\x02"),
		  TAIL_HEAD_OTHER },
		{ HEAD("BZh is no archive\n"), TAIL_HEAD_TEXT },
		{ HEAD("PK is a name\n"), TAIL_HEAD_TEXT },
		{ HEAD("7z: done\n"), TAIL_HEAD_TEXT },
		{ HEAD("\xef\xbb\xbf"
		       "one\n"),
		  TAIL_HEAD_TEXT },
		{ HEAD("gr\xfc\xdf\n"), TAIL_HEAD_TEXT }, /* another code page: too little to tell, and no letter hides */
		{ HEAD("\x1b[31mred\x1b[0m\n"), TAIL_HEAD_TEXT },
		{ HEAD("\n"), TAIL_HEAD_TEXT },
		{ HEAD(""), TAIL_HEAD_WAIT },
		{ HEAD("B"), TAIL_HEAD_WAIT },
		{ HEAD("BZh91AY&"), TAIL_HEAD_WAIT },
		{ HEAD("\x1f"), TAIL_HEAD_WAIT },
		{ HEAD("\xff"), TAIL_HEAD_WAIT },
		{ HEAD("\x78\x9c\xcb"), TAIL_HEAD_ARCHIVE },
		{ HEAD("\xc7\x71\x01\x08"), TAIL_HEAD_ARCHIVE },
		{ HEAD("Salted__\x9a"), TAIL_HEAD_ARCHIVE },
		{ HEAD("xz: done\n"), TAIL_HEAD_TEXT },
		{ HEAD("\n\n\r\n"), TAIL_HEAD_TEXT },
		{ HEAD("\x4b\x4c\n\x04\x00"), TAIL_HEAD_WAIT }, /* deflated, without any head */
		{ HEAD("qu\x02\n"), TAIL_HEAD_WAIT },
		{ HEAD("var/log/x.log\0"), TAIL_HEAD_WAIT }, /* the first bytes of a tar */
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++)
		if (tail_head_judge(cases[i].head, cases[i].len, false) != cases[i].is)
			fail_msg("case %zu", i);
}

static void make_tar(char *block, const char *magic)
{
	unsigned sum = 0;

	memset(block, 0, 512);
	strcpy(block, "var/log/app/x.log");
	memcpy(block + 100, "0000644\0000000000\0000000000\00000000001750\00014000000000", 48);
	memset(block + 148, ' ', 8);
	block[156] = '0';
	memcpy(block + 257, magic, strlen(magic));
	for (int i = 0; i < 512; i++)
		sum += (unsigned char)block[i];
	snprintf(block + 148, 8, "%06o", sum);
}

static void a_tar_is_known_by_its_sum_old_or_new(void **state)
{
	char block[512];

	(void)state;
	make_tar(block, "ustar  ");
	assert_int_equal(tail_head_judge(block, 512, false), TAIL_HEAD_ARCHIVE);
	assert_int_not_equal(tail_head_judge(block, 300, false), TAIL_HEAD_TEXT);
	make_tar(block, "");
	assert_int_equal(tail_head_judge(block, 512, false), TAIL_HEAD_ARCHIVE);
}

static void bytes_of_an_unknown_format_are_no_text(void **state)
{
	uint64_t x = 88172645463325252;
	char head[1024];

	(void)state;
	for (size_t i = 0; i < sizeof(head); i++) {
		x ^= x << 13;
		x ^= x >> 7;
		x ^= x << 17;
		head[i] = (char)(x >> 24);
	}
	head[0] = 'q';
	assert_int_equal(tail_head_judge(head, sizeof(head), false), TAIL_HEAD_OTHER);
}

static void when_no_more_bytes_come_what_may_be_text_is(void **state)
{
	(void)state;
	assert_int_equal(tail_head_judge("B", 1, true), TAIL_HEAD_TEXT);
	assert_int_equal(tail_head_judge("a b\0c d e f\n", 12, true), TAIL_HEAD_TEXT);
	assert_int_equal(tail_head_judge("\x1f\x8b", 2, true), TAIL_HEAD_ARCHIVE);
	assert_int_equal(tail_head_judge("", 0, true), TAIL_HEAD_WAIT);
	assert_int_equal(tail_head_judge("qu\x02\n", 4, true), TAIL_HEAD_TEXT);
	assert_int_equal(tail_head_judge("\x9a\xc3\n\x02\xbf\xf4\x8b\x11\xe9q", 10, true), TAIL_HEAD_OTHER);
}

static void a_hole_is_a_long_run_of_nul_and_speaks_against_no_text(void **state)
{
	char s[300];

	(void)state;
	memset(s, 0, sizeof(s));
	memcpy(s, "one two three", 13);
	assert_ptr_equal(tail_head_hole(s, sizeof(s)), s + 13);
	assert_ptr_equal(tail_head_hole(s, 13 + TAIL_HOLE_BYTES), s + 13);
	assert_null(tail_head_hole(s, 13 + TAIL_HOLE_BYTES - 1));
	assert_true(tail_head_is_text(s, sizeof(s), true));
}

/* A line of text may begin with the name of a format, and so with its magic. */
static void a_magic_that_is_printable_is_believed_with_what_no_text_has(void **state)
{
	static const char *const firsts[] = {
		"hsqs",     "bvx2",    "Salted__",        "%PDF-1.7",         "%PDF-",  "+/v8",  "+/v9", "+/v+", "+/v/",
		"LPKSHHRH", "!<arch>", "SQLite format 3", "\xce\xb2\xcf\x81", "070701", "070707"
	};
	static const char *const nexts[] = { ": started\n",           " started\n",    "\nstarted\n", "\r\nstarted\n",
					     " gr\xc3\xbc\xc3\x9f\n", " gr\xfc\xdf\n", " 12 0 obj\n", " \x1b[1mstarted\x1b[0m\n" };

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(firsts) * ARRAY_LEN(nexts); i++) {
		CLEANUP(buf_close) struct buf b = BUF_MAX(4096);

		buf_adds(&b, firsts[i / ARRAY_LEN(nexts)]);
		buf_adds(&b, nexts[i % ARRAY_LEN(nexts)]);
		if (tail_head_judge(b.data, b.len, true) != TAIL_HEAD_TEXT)
			fail_msg("%s is refused", b.data);
		for (int k = 0; k < 20; k++)
			buf_adds(&b, "the next line of the log\n");
		for (size_t len = 1; len <= b.len; len++)
			if (tail_head_judge(b.data, len, false) > TAIL_HEAD_TEXT)
				fail_msg("%s is refused at %zu", b.data, len);
		assert_int_equal(tail_head_judge(b.data, b.len, false), TAIL_HEAD_TEXT);
		buf_reset(&b); /* and in front of a hole */
		buf_adds(&b, firsts[i / ARRAY_LEN(nexts)]);
		buf_adds(&b, nexts[i % ARRAY_LEN(nexts)]);
		while (b.len < 1024)
			buf_addc(&b, '\0');
		assert_int_equal(tail_head_judge(b.data, b.len, false), TAIL_HEAD_TEXT);
	}
}

static void a_format_whose_magic_is_printable_is_known_all_the_same(void **state)
{
	static const struct {
		const char *head;
		size_t len;
		enum tail_head is;
	} cases[] = {
		{ HEAD("hsqs\x07\0\0\0\x10\x52\x2b\x65\0\0\x02\0\x01\0\0\0\x01\0\x11\0\xc0\0\x01\0\x04\0\0\0"), TAIL_HEAD_ARCHIVE },
		{ HEAD("bvx2\x40\x9c\0\0\x12\x40\x01\x03"), TAIL_HEAD_ARCHIVE },
		{ HEAD("Salted__abcdefg\x07\x99\x12"), TAIL_HEAD_ARCHIVE },
		{ HEAD("\xce\xb2\xcf\x81\x05\x0e\x01"), TAIL_HEAD_ARCHIVE },
		{ HEAD("!<arch>\nx.log/          1700000000  0     0     100644  12        `\nhello world\n"), TAIL_HEAD_ARCHIVE },
		{ HEAD("0707010000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000"
		       "000600000000x.log\0"),
		  TAIL_HEAD_ARCHIVE },
		{ HEAD("0707070000000000000000000000000000000000000000000000000000000000000000000000x.log\0"), TAIL_HEAD_ARCHIVE },
		{ HEAD("LPKSHHRH\0\0\0\0\x0d\0\0\0\x01\0\0\0\0\0\0\0"), TAIL_HEAD_OTHER },
		{ HEAD("SQLite format 3\0\x10\0\x01\x01"), TAIL_HEAD_OTHER },
		{ HEAD("%PDF-1.7\n%\xe2\xe3\xcf\xd3\n1 0 obj\n"), TAIL_HEAD_OTHER },
		{ HEAD("%PDF-1.4\r\n1 0 obj\r\n<< >>"), TAIL_HEAD_OTHER },
		{ HEAD("+/v8-password+AD0-hunter2\n"), TAIL_HEAD_OTHER },
		{ HEAD("+/v8AcABh-ssword+AD0-hunter2\n"), TAIL_HEAD_OTHER },
		{ HEAD("+/v9GMA-x\n"), TAIL_HEAD_OTHER },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		if (tail_head_judge(cases[i].head, cases[i].len, false) != cases[i].is)
			fail_msg("case %zu", i);
		for (size_t len = 1; len < cases[i].len; len++)
			if (tail_head_judge(cases[i].head, len, false) == TAIL_HEAD_TEXT)
				fail_msg("case %zu is a text at %zu", i, len);
	}
}

/* As much as may be, and no byte behind it. */
static void digits_without_an_end_are_a_text(void **state)
{
	CLEANUP(mem_close) char *digits = mem_alloc(TAIL_HEAD_BYTES);

	(void)state;
	memset(digits, '0', TAIL_HEAD_BYTES);
	memcpy(digits, "070701", 6);
	assert_int_equal(tail_head_judge(digits, TAIL_HEAD_BYTES, false), TAIL_HEAD_TEXT);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(archives_and_encodings_are_known_by_their_first_bytes),
		cmocka_unit_test(a_magic_that_is_printable_is_believed_with_what_no_text_has),
		cmocka_unit_test(a_format_whose_magic_is_printable_is_known_all_the_same),
		cmocka_unit_test(digits_without_an_end_are_a_text),
		cmocka_unit_test(a_tar_is_known_by_its_sum_old_or_new),
		cmocka_unit_test(bytes_of_an_unknown_format_are_no_text),
		cmocka_unit_test(when_no_more_bytes_come_what_may_be_text_is),
		cmocka_unit_test(a_hole_is_a_long_run_of_nul_and_speaks_against_no_text),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

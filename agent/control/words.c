/* words.c - see words.h. */
#include "agent/control/words.h"

#include <ctype.h>
#include <string.h>

#include "agent/base/json.h"
#include "agent/base/mem.h"
#include "agent/base/str.h"

#define LOOKED_AT 4096 /* a page of HTML says what it has to say in its title */

static const char *sentence_in(const json_t *j)
{
	const json_t *error = json_object_get(j, "error");

	if (json_is_object(error))
		return json_str_or(error, "message", "");
	return json_str_or(j, "error", json_str_or(j, "message", ""));
}

static void copy(const char *from, char to[WORDS_MAX])
{
	size_t n = strnlen(from, WORDS_MAX - 1);

	memcpy(to, from, n);
	to[n] = '\0';
	/* It ends in a line for a person: blanks in place of line feeds keep it one. */
	str_one_line(to);
	while (n > 0 && to[n - 1] == ' ')
		to[--n] = '\0';
}

/* Tags are left out, and several blanks are one. */
static void copy_text(const char *from, size_t len, char to[WORDS_MAX])
{
	size_t n = 0;
	bool in_tag = false;

	for (size_t i = 0; i < len && n < WORDS_MAX - 1; i++) {
		bool is_blank = isspace((unsigned char)from[i]) || from[i] == '<' || from[i] == '>';

		in_tag = from[i] == '<' || (in_tag && from[i] != '>');
		if (is_blank && n > 0 && to[n - 1] != ' ')
			to[n++] = ' ';
		else if (!is_blank && !in_tag)
			to[n++] = from[i];
	}
	to[n] = '\0';
	copy(to, to);
}

static bool is_text(const char *s, size_t len)
{
	for (size_t i = 0; i < len; i++)
		if ((unsigned char)s[i] < ' ' && strchr("\t\r\n", s[i]) == NULL)
			return false;
	return memchr(s, '\0', len) == NULL;
}

const char *words_of(const char *body, size_t len, char to[WORDS_MAX])
{
	CLEANUP(json_close) json_t *j = NULL;

	to[0] = '\0';
	if (json_parse(body, len, "answer", &j, NULL) == 0)
		copy(sentence_in(j), to);
	else if (is_text(body, len < LOOKED_AT ? len : LOOKED_AT))
		copy_text(body, len < LOOKED_AT ? len : LOOKED_AT, to);
	return to;
}

/* handle.c - see handle.h. */
#include "agent/base/handle.h"

#include <ctype.h>
#include <string.h>

#include "agent/base/str.h"

#define NUMBER_DIGITS_MAX 15

static int wrong(const char *text, struct err *e)
{
	return err_set(e, ERR_INVALID, "\"%.60s\" is no command: expected its number, its id, or the beginning of one", text);
}

int handle_parse(const char *text, struct handle *ret, struct err *e)
{
	struct handle h = { 0 };
	size_t n = 0, digits = strspn(text, "0123456789");

	h.is_number = digits > 0 && digits <= NUMBER_DIGITS_MAX && text[digits] == '\0' && *text != '0';
	if (h.is_number)
		TRY(str_u64(text, &h.number));
	for (const char *c = text; *c != '\0'; c++) {
		/* People copy ids with and without dashes, and break off anywhere. In front no id has one. */
		if (*c == '-' && n > 0)
			continue;
		if (!isxdigit((unsigned char)*c) || n == sizeof(h.hex) - 1)
			return wrong(text, e);
		h.hex[n++] = (char)tolower((unsigned char)*c);
	}
	if (n == 0)
		return wrong(text, e);
	*ret = h;
	return 0;
}

bool handle_fits(const struct handle *h, const char *id, uint64_t seq)
{
	const char *want = h->hex;

	if (h->is_number)
		return h->number == seq;
	for (; *want != '\0'; id++) {
		if (*id == '-')
			continue;
		if (*id != *want)
			return false;
		want++;
	}
	return true;
}

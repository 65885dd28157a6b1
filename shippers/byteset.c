/* byteset.c - see byteset.h. */
#include "shippers/byteset.h"

struct byteset byteset_read(const char **text)
{
	struct byteset b = { { 0 } };
	const char *s = *text;
	bool is_not = s[0] == '[' && s[1] == '^';

	if (*s == '~') {
		byteset_add(&b, (unsigned char)s[1] | 0x20);
		byteset_add(&b, (unsigned char)s[1] & ~0x20u);
		*text = s + 2;
		return b;
	}
	if (*s != '[') {
		byteset_add(&b, (unsigned char)*s);
		*text = s + 1;
		return b;
	}
	for (s += is_not ? 2 : 1; *s != ']'; s++) {
		bool is_range = s[1] == '-' && s[2] != ']';

		byteset_add_range(&b, (unsigned char)s[0], (unsigned char)s[is_range ? 2 : 0]);
		s += is_range ? 2 : 0;
	}
	if (is_not)
		byteset_invert(&b);
	*text = s + 1;
	return b;
}

struct byteset byteset_of(const char *text)
{
	return text != NULL ? byteset_read(&text) : (struct byteset){ { 0 } };
}

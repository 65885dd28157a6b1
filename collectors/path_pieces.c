/* path_pieces.c - see path_pieces.h. What stands between two pieces is looked for from the left, and the first place is right: a
 * later one leaves less for what follows. What stands behind the last one of a component must end it. */
#include "collectors/path_pieces.h"

#include <string.h>

/* A piece of the pattern: up to `end`; len 0: there is none. */
struct place {
	const char *name;
	size_t name_len, least; /* a `*` has no name, and may be empty */
	const char *end;
};

static bool is_place(char c)
{
	return c == '{' || c == '*';
}

static struct place place_at(const char *at)
{
	const char *close = *at == '{' ? strchr(at, '}') : NULL;

	if (*at == '*')
		return (struct place){ at, 0, 0, at + 1 };
	if (close == NULL)
		return (struct place){ at + 1, 0, 1, at + strlen(at) }; /* no name: path_pieces_check refuses it */
	return (struct place){ at + 1, (size_t)(close - at) - 1, 1, close + 1 };
}

static size_t literal_len(const char *at)
{
	return strcspn(at, "/{*");
}

/* ---- the pattern ----------------------------------------------------------------------------------------------------------- */

static bool is_name(const char *s, size_t len)
{
	return len > 0 && len <= PATH_PIECES_NAME_MAX && s[0] >= 'a' && s[0] <= 'z' &&
	       strspn(s, "abcdefghijklmnopqrstuvwxyz0123456789_.") == len;
}

static bool is_twice(const struct path_piece *names, size_t n, const struct place *p)
{
	for (size_t i = 0; i < n; i++)
		if (names[i].name_len == p->name_len && memcmp(names[i].name, p->name, p->name_len) == 0)
			return true;
	return false;
}

/* What a name must not be: ours. */
static bool is_taken(const struct place *p)
{
	static const char ours[] = "log.file.";

	return p->name_len >= sizeof(ours) - 1 && memcmp(p->name, ours, sizeof(ours) - 1) == 0;
}

static int check_place(const struct place *p, const struct path_piece *names, size_t n, struct err *e)
{
	if (p->least > 0 && !is_name(p->name, p->name_len))
		return err_set(e, ERR_INVALID, "a name is 1 to %d of [a-z0-9_.] in braces, first a letter", PATH_PIECES_NAME_MAX);
	if (is_place(*p->end))
		return err_set(e, ERR_INVALID, "something must stand between two pieces");
	if (p->least > 0 && n == PATH_PIECES_MAX)
		return err_set(e, ERR_INVALID, "there are at most %d names", PATH_PIECES_MAX);
	if (p->least > 0 && (is_twice(names, n, p) || is_taken(p)))
		return err_set(e, ERR_INVALID, "%.*s is there already", (int)p->name_len, p->name);
	return 0;
}

int path_pieces_check(const char *pattern, struct err *e)
{
	struct path_piece names[PATH_PIECES_MAX];
	size_t n = 0;

	if (pattern[0] != '/')
		return err_set(e, ERR_INVALID, "it begins with a slash, as the paths do");
	for (const char *at = pattern; *at != '\0';) {
		struct place p;

		if (!is_place(*at)) {
			at++;
			continue;
		}
		p = place_at(at);
		TRY(check_place(&p, names, n, e));
		if (p.least > 0)
			names[n++] = (struct path_piece){ .name = p.name, .name_len = p.name_len };
		at = p.end;
	}
	return n > 0 ? 0 : err_set(e, ERR_INVALID, "there is no {name} in it");
}

/* ---- a path ---------------------------------------------------------------------------------------------------------------- */

/* Where the literal behind a piece begins, in the component from `at` to `end`; NULL: nowhere. */
static const char *find_literal(const char *at, const char *end, const char *literal, size_t len, bool is_last)
{
	if ((size_t)(end - at) < len)
		return NULL;
	if (is_last)
		return memcmp(end - len, literal, len) == 0 ? end - len : NULL;
	return memmem(at, (size_t)(end - at), literal, len);
}

/* One component of both; the pattern's end of it, NULL: they are not alike. */
static const char *read_component(const char *pattern, const char *path, const char *end, struct path_piece *ret, size_t *n)
{
	size_t len = literal_len(pattern);

	if ((size_t)(end - path) < len || memcmp(path, pattern, len) != 0)
		return NULL;
	pattern += len;
	path += len;
	while (is_place(*pattern)) {
		struct place p = place_at(pattern);
		const char *next;

		len = literal_len(p.end);
		if ((size_t)(end - path) < p.least)
			return NULL;
		next = find_literal(path + p.least, end, p.end, len, !is_place(p.end[len]));
		if (next == NULL)
			return NULL;
		if (p.least > 0)
			ret[(*n)++] = (struct path_piece){ p.name, path, p.name_len, (size_t)(next - path) };
		pattern = p.end + len;
		path = next + len;
	}
	return path == end ? pattern : NULL;
}

size_t path_pieces_read(const char *pattern, const char *path, struct path_piece ret[PATH_PIECES_MAX])
{
	size_t n = 0;

	while (*pattern == '/' && *path == '/') {
		const char *end = path + 1 + strcspn(path + 1, "/");

		pattern = read_component(pattern + 1, path + 1, end, ret, &n);
		if (pattern == NULL)
			return 0;
		path = end;
	}
	return *pattern == '\0' && *path == '\0' ? n : 0;
}

/* form_sim.c - see form_sim.h. */
#include "tests/sim/form_sim.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "agent/base/mem.h"

static int hex_of(char c)
{
	return c >= '0' && c <= '9' ? c - '0' : c >= 'a' && c <= 'f' ? c - 'a' + 10 : c >= 'A' && c <= 'F' ? c - 'A' + 10 : -1;
}

/* In place; %XX and + are taken back. */
static void decode(char *s)
{
	char *to = s;

	for (; *s != '\0'; s++) {
		if (*s == '%' && hex_of(s[1]) >= 0 && hex_of(s[2]) >= 0) {
			*to++ = (char)(hex_of(s[1]) * 16 + hex_of(s[2]));
			s += 2;
		} else {
			*to++ = *s == '+' ? ' ' : *s;
		}
	}
	*to = '\0';
}

static void add(struct form_sim *f, const char *pair, size_t len)
{
	char *name = mem_strn(pair, len), *equals = strchr(name, '=');
	char *value = mem_str(equals != NULL ? equals + 1 : "");

	if (equals != NULL)
		*equals = '\0';
	decode(name);
	decode(value);
	f->v = mem_grow(f->v, f->n + 1, sizeof(*f->v));
	f->v[f->n++] = (struct form_pair){ name, value };
}

void form_sim_parse(struct form_sim *f, const char *body, size_t len)
{
	const char *end = body + len;

	*f = (struct form_sim){ 0 };
	while (body < end) {
		const char *amp = memchr(body, '&', (size_t)(end - body));
		size_t n = amp != NULL ? (size_t)(amp - body) : (size_t)(end - body);

		if (n > 0)
			add(f, body, n);
		body += n + 1;
	}
}

void form_sim_close(struct form_sim *f)
{
	for (size_t i = 0; i < f->n; i++) {
		mem_free(f->v[i].name);
		mem_free(f->v[i].value);
	}
	mem_free(f->v);
	*f = (struct form_sim){ 0 };
}

const char *form_sim_get(const struct form_sim *f, const char *name_fmt, ...)
{
	char name[128];
	va_list ap;

	va_start(ap, name_fmt);
	vsnprintf(name, sizeof(name), name_fmt, ap);
	va_end(ap);
	for (size_t i = 0; i < f->n; i++)
		if (strcmp(f->v[i].name, name) == 0)
			return f->v[i].value;
	return NULL;
}

long form_sim_int(const struct form_sim *f, const char *name, long other)
{
	const char *s = form_sim_get(f, "%s", name);

	return s != NULL ? strtol(s, NULL, 10) : other;
}

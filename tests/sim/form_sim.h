/* form_sim.h - the far end of a form: application/x-www-form-urlencoded, taken apart with code of its own. */
#pragma once
#include <stdbool.h>
#include <stddef.h>

struct form_pair {
	char *name, *value;
};

struct form_sim {
	struct form_pair *v;
	size_t n;
};

void form_sim_parse(struct form_sim *f, const char *body, size_t len);
void form_sim_close(struct form_sim *f);
/* The value of the name, or NULL. */
const char *form_sim_get(const struct form_sim *f, const char *name_fmt, ...) __attribute__((format(printf, 2, 3)));
long form_sim_int(const struct form_sim *f, const char *name, long other);

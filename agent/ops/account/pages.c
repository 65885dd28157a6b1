/* pages.c - see pages.h. */
#include "agent/ops/account/pages.h"

#include <string.h>

/* Whatever their order. */
static struct digest things_in(const void *rows, size_t n, size_t size)
{
	struct digest all = { 0 };

	for (size_t i = 0; i < n; i++) {
		const char *id;
		struct digest d;

		memcpy(&id, (const char *)rows + i * size, sizeof(id));
		d = digest_of(id, strlen(id));
		for (size_t k = 0; k < sizeof(all.b); k++)
			all.b[k] = (uint8_t)(all.b[k] + d.b[k]); /* not XOR: an id that is there twice would take itself out */
	}
	return all;
}

int pages_read(struct pages *p, const void *rows, size_t n, size_t size, bool is_last, bool *ret_whole, struct err *e)
{
	struct digest things;
	bool is_only = p->readings == 0 && p->n == 0;

	p->n++;
	if (!is_last)
		return 0;
	things = things_in(rows, n, size);
	/* One page was answered at one moment. Of several, two readings in a row must show the same things. */
	*ret_whole = is_only || (p->readings > 0 && digest_eq(&things, &p->things));
	if (!*ret_whole && p->readings + 1 == PAGES_READINGS_MAX)
		return err_set(e, ERR_AGAIN, "read %d times, and each time its pages show other things", PAGES_READINGS_MAX);
	*p = *ret_whole ? (struct pages){ 0 } : (struct pages){ .readings = p->readings + 1, .things = things };
	return 0;
}

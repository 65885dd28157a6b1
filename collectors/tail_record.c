/* tail_record.c - where a record of several lines ends, in the bytes of a chunk.
 *
 * A record that may go on stays in its file until the beginning of the next one is seen, as an unfinished line does: so framing
 * depends on the bytes alone, and a restart needs no memory of half a record. */
#include <string.h>

#include "collectors/tail_impl.h"

const char *tail_record_end(const struct tail_file *tf, const char *at, const char *lf, const char *end, bool is_final,
			    size_t *ret_joined)
{
	const struct framing *f = tf->src->of->framing;
	size_t most = tf->src->t->line_max;

	*ret_joined = 0;
	/* The rest of a line that was taken unfinished is no beginning of anything. */
	while (framing_joins(f) && !tf->goes_on) {
		const char *next = lf + 1, *stop = memchr(next, '\n', (size_t)(end - next));
		const char *to = stop != NULL ? stop : end;

		if ((size_t)(to - at) > most || *ret_joined + 1 >= FRAMING_LINES_MAX)
			break;
		switch (framing_says(f, next, (size_t)(to - next), stop != NULL)) {
		case FRAMING_BEGINS:
			return lf;
		case FRAMING_GOES_ON:
		case FRAMING_UNKNOWN:
			break;
		}
		if (stop == NULL)
			return is_final ? lf : NULL;
		lf = stop;
		++*ret_joined;
	}
	return lf;
}

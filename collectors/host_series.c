/* host_series.c - see host_series.h. Each reading tells its series in the same order, so that the next one is found at once. */
#include "collectors/host_series.h"

#include <string.h>

#include "agent/base/mem.h"

struct host_one {
	uint64_t key; /* of name and attributes */
	union {
		int64_t i;
		double d;
	} last;
	int64_t start_ms;
	uint64_t seen; /* the last reading that had it: a disk or an interface may come back as it was, or begun anew */
};

static uint64_t add_text(uint64_t h, const char *s)
{
	for (; *s != '\0'; s++)
		h = (h ^ (unsigned char)*s) * UINT64_C(0x100000001b3);
	/* FNV-1a. No text of UTF-8 has the byte 0xff, so it parts one text from the next: "ab", "c" is not "a", "bc". */
	return (h ^ 0xff) * UINT64_C(0x100000001b3);
}

static uint64_t key_of(const struct telemetry_point *p)
{
	uint64_t h = add_text(UINT64_C(0xcbf29ce484222325), p->name);

	for (size_t i = 0; i < p->attrs_n; i++)
		h = add_text(add_text(h, p->attrs[i].key), p->attrs[i].value);
	return h;
}

static struct host_one *find(struct host_series *s, uint64_t key)
{
	for (size_t i = 0; i < s->n; i++) {
		size_t at = (s->at + i) % s->n;

		if (s->v[at].key != key)
			continue;
		s->at = at + 1;
		return &s->v[at];
	}
	return NULL;
}

/* The series that has been gone for longest is replaced; NULL: none is gone. */
static struct host_one *longest_gone(struct host_series *s)
{
	struct host_one *o = &s->v[0];

	for (size_t i = 1; i < s->n; i++)
		if (s->v[i].seen < o->seen)
			o = &s->v[i];
	return o->seen < s->reading ? o : NULL;
}

static struct host_one *room(struct host_series *s)
{
	if (s->n == HOST_SERIES_MAX)
		return longest_gone(s);
	if (s->n % 64 == 0)
		s->v = mem_grow(s->v, s->n + 64, sizeof(*s->v));
	s->at = s->n + 1;
	return &s->v[s->n++];
}

static struct host_one *add(struct host_series *s, uint64_t key)
{
	struct host_one *o = room(s);

	if (o != NULL)
		*o = (struct host_one){ .key = key, .start_ms = s->boot_ms };
	return o;
}

static bool has_fallen(const struct host_one *o, const struct telemetry_point *p)
{
	return p->is_double ? p->d < o->last.d : p->i < o->last.i;
}

static bool has_begun_anew(const struct host_one *o, const struct telemetry_point *p)
{
	return p->is_double ? p->d < o->last.d / 2 : p->i < o->last.i / 2;
}

static void compare(struct host_series *s, struct host_one *o, struct telemetry_point *p)
{
	if (has_begun_anew(o, p)) {
		o->start_ms = s->past_ms;
		s->anew++;
	} else if (p->is_double) {
		p->d = o->last.d;
		s->held++;
	} else {
		p->i = o->last.i;
		s->held++;
	}
}

void host_series_follow(struct host_series *s, struct telemetry_point *p)
{
	uint64_t key = key_of(p);
	struct host_one *o = find(s, key);

	p->start_ms = 0;
	if (o == NULL)
		o = add(s, key);
	else if (has_fallen(o, p))
		compare(s, o, p);
	if (o == NULL) {
		s->over++;
		return;
	}
	if (p->is_double)
		o->last.d = p->d;
	else
		o->last.i = p->i;
	o->seen = s->reading;
	p->start_ms = o->start_ms;
}

/* No series may start after its points. The boot time is the same clock's, and so before now; were it not, none is known. */
static void begin_all_anew(struct host_series *s, int64_t boot_ms)
{
	s->boot_ms = boot_ms < s->now_ms ? boot_ms : 0;
	s->past_ms = 0;
	for (size_t i = 0; i < s->n; i++)
		s->v[i].start_ms = s->boot_ms;
	s->anew += s->n;
}

void host_series_boot(struct host_series *s, int64_t boot_ms, int64_t now_ms)
{
	bool is_late = s->boot_ms > now_ms || s->past_ms > now_ms;

	s->now_ms = now_ms;
	for (size_t i = 0; i < s->n && !is_late; i++)
		is_late = s->v[i].start_ms > now_ms;
	if (is_late)
		begin_all_anew(s, boot_ms);
	else if (s->boot_ms == 0 && s->n == 0)
		s->boot_ms = boot_ms < now_ms ? boot_ms : 0;
}

void host_series_end(struct host_series *s)
{
	s->at = 0;
	s->past_ms = s->now_ms;
	s->over = 0;
	s->reading++;
}

void host_series_close(struct host_series *s)
{
	mem_free(s->v);
	*s = (struct host_series){ 0 };
}

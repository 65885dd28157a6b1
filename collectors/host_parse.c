/* host_parse.c - see host_parse.h. All texts are lines of words; `words` reads a line's numbers, nothing else is needed. */
#include "collectors/host_parse.h"

#include <ctype.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "agent/base/err.h"
#include "agent/base/mem.h"
#include "agent/base/str.h"

#define KIB UINT64_C(1024)

static const char *next_line(const char *at)
{
	const char *lf = strchr(at, '\n');

	return lf != NULL ? lf + 1 : at + strlen(at);
}

/* Up to `most` numbers of this line, from `at` on; stops at the first word that is none. */
static size_t numbers(const char *at, uint64_t *v, size_t most)
{
	size_t n = 0;

	while (n < most) {
		char *end;

		at += strspn(at, " \t");
		if (!isdigit((unsigned char)*at))
			return n;
		errno = 0;
		v[n] = strtoull(at, &end, 10);
		if (errno != 0 || *end == '\0' ||
		    strchr(" \t\n", *end) == NULL) /* the end of the text is no end of a number: it may be cut */
			return n;
		n++;
		at = end;
	}
	return n;
}

/* The next word; false when there is none or it does not fit. */
static bool word(const char **at, char *to, size_t size)
{
	size_t len;

	*at += strspn(*at, " \t");
	len = strcspn(*at, " \t\n");
	if (len == 0 || len >= size || (*at)[len] == '\0')
		return false;
	memcpy(to, *at, len);
	to[len] = '\0';
	*at += len;
	return true;
}

/* ---- lines that begin with a name ------------------------------------------------------------------------------------------ */

struct named {
	const char *name;
	uint64_t *to;
	bool optional;
};

/* Each name that stands in the text writes its number; a missing one that is not optional is an error. */
static int read_named(const char *text, const struct named *table, size_t n)
{
	bool seen[16] = { false };

	for (const char *at = text; *at != '\0'; at = next_line(at)) {
		size_t len = strcspn(at, ": \t\n");

		for (size_t i = 0; i < n; i++)
			if (strlen(table[i].name) == len && memcmp(at, table[i].name, len) == 0)
				seen[i] = numbers(at + len + (at[len] == ':'), table[i].to, 1) == 1;
	}
	for (size_t i = 0; i < n; i++)
		if (!seen[i] && !table[i].optional)
			return -ERR_INVALID;
	return 0;
}

int host_parse_stat(const char *text, struct host_cpu *ret)
{
	struct host_cpu c = { 0 };
	uint64_t v[8];
	const struct named table[] = { { "btime", &c.boot_s, false }, { "processes", &c.created, false } };

	if (!str_starts(text, "cpu ") || numbers(text + 4, v, ARRAY_LEN(v)) != ARRAY_LEN(v))
		return -ERR_INVALID;
	c.ticks[CPU_USER] = v[0]; /* guests are in it already */
	c.ticks[CPU_NICE] = v[1];
	c.ticks[CPU_SYSTEM] = v[2];
	c.ticks[CPU_IDLE] = v[3];
	c.ticks[CPU_IOWAIT] = v[4];
	c.ticks[CPU_INTERRUPT] = v[5] + v[6]; /* hard and soft */
	c.ticks[CPU_STEAL] = v[7];
	for (const char *at = next_line(text); str_starts(at, "cpu"); at = next_line(at))
		c.logical++;
	TRY(read_named(text, table, ARRAY_LEN(table)));
	*ret = c;
	return 0;
}

int host_parse_meminfo(const char *text, struct host_memory *ret)
{
	struct host_memory m = { 0 };
	const struct named table[] = {
		{ "MemTotal", &m.total, false },          { "MemFree", &m.free, false },  { "MemAvailable", &m.available, false },
		{ "Buffers", &m.buffers, false },         { "Cached", &m.cached, false }, { "SReclaimable", &m.reclaimable, true },
		{ "SUnreclaim", &m.unreclaimable, true }, { "Shmem", &m.shared, true },
	};

	TRY(read_named(text, table, ARRAY_LEN(table)));
	for (size_t i = 0; i < ARRAY_LEN(table); i++)
		*table[i].to *= KIB;
	*ret = m;
	return 0;
}

int host_parse_vmstat(const char *text, struct host_paging *ret)
{
	struct host_paging p = { 0 };
	const struct named table[] = {
		{ "pgfault", &p.faults, false },
		{ "pgmajfault", &p.major_faults, false },
		{ "pswpin", &p.swapped_in, true },
		{ "pswpout", &p.swapped_out, true },
	};

	TRY(read_named(text, table, ARRAY_LEN(table)));
	*ret = p;
	return 0;
}

/* ---- tables ------------------------------------------------------------------------------------------------------------------ */

size_t host_parse_swaps(const char *text, struct host_swap *rows, size_t most)
{
	size_t n = 0;

	for (const char *line = next_line(text); *line != '\0' && n < most; line = next_line(line)) {
		struct host_swap *r = &rows[n];
		const char *at = line;
		char type[16];
		uint64_t v[2];

		if (!word(&at, r->device, sizeof(r->device)) || !word(&at, type, sizeof(type)) || numbers(at, v, 2) != 2)
			continue;
		r->size = v[0] * KIB;
		r->used = v[1] * KIB;
		n++;
	}
	return n;
}

size_t host_parse_diskstats(const char *text, struct host_disk *rows, size_t most)
{
	size_t n = 0;

	for (const char *line = text; *line != '\0' && n < most; line = next_line(line)) {
		struct host_disk *r = &rows[n];
		const char *at = line;
		char skip[16];
		uint64_t v[10];

		if (!word(&at, skip, sizeof(skip)) || !word(&at, skip, sizeof(skip)) || !word(&at, r->device, sizeof(r->device)))
			continue;
		if (str_starts(r->device, "loop") || str_starts(r->device, "ram") || numbers(at, v, ARRAY_LEN(v)) != ARRAY_LEN(v))
			continue;
		r->reads = v[0];
		r->reads_merged = v[1];
		r->read_sectors = v[2];
		r->read_ms = v[3];
		r->writes = v[4];
		r->writes_merged = v[5];
		r->write_sectors = v[6];
		r->write_ms = v[7];
		r->io_ms = v[9];
		n++;
	}
	return n;
}

/* "  eth0: bytes packets errs drop fifo frame compressed multicast  bytes packets errs drop ..."; two heading lines. */
size_t host_parse_net(const char *text, struct host_net *rows, size_t most)
{
	size_t n = 0;

	for (const char *line = next_line(next_line(text)); *line != '\0' && n < most; line = next_line(line)) {
		const char *name = line + strspn(line, " "), *colon = strpbrk(name, ":\n");
		struct host_net *r = &rows[n];
		uint64_t v[16];

		if (colon == NULL || *colon != ':' || colon == name || (size_t)(colon - name) >= sizeof(r->name))
			continue;
		if (numbers(colon + 1, v, ARRAY_LEN(v)) != ARRAY_LEN(v))
			continue;
		memcpy(r->name, name, (size_t)(colon - name));
		r->name[colon - name] = '\0';
		for (int way = 0; way < 2; way++) {
			r->bytes[way] = v[way * 8];
			r->packets[way] = v[way * 8 + 1];
			r->errors[way] = v[way * 8 + 2];
			r->dropped[way] = v[way * 8 + 3];
		}
		n++;
	}
	return n;
}

int host_parse_load(const char *text, double ret[3])
{
	double v[3];
	const char *at = text;

	for (int i = 0; i < 3; i++) {
		char one[32];

		if (!word(&at, one, sizeof(one)) || str_double(one, &v[i]) != 0 || v[i] < 0)
			return -ERR_INVALID;
	}
	memcpy(ret, v, sizeof(v));
	return 0;
}

int host_parse_uptime(const char *text, double *ret_s)
{
	const char *at = text;
	char one[32];
	double v;

	if (!word(&at, one, sizeof(one)) || str_double(one, &v) != 0 || v < 0)
		return -ERR_INVALID;
	*ret_s = v;
	return 0;
}

/* ---- mounts --------------------------------------------------------------------------------------------------------------------- */

/* The character that stands as \ooo, 0: none does. */
static char octal(const char *s)
{
	for (size_t i = 1; i < 4; i++)
		if (s[i] < '0' || s[i] > (i == 1 ? '3' : '7'))
			return 0;
	return (char)((s[1] - '0') * 64 + (s[2] - '0') * 8 + (s[3] - '0'));
}

/* Blanks, tabs, line feeds and backslashes stand as \040, \011, \012, \134. */
static void unescape(char *s)
{
	char *to = s;

	for (; *s != '\0'; s++) {
		char c = *s == '\\' ? octal(s) : 0;

		*to++ = c != 0 ? c : *s;
		s += c != 0 ? 3 : 0;
	}
	*to = '\0';
}

static bool is_real(const struct host_mount *m)
{
	static const char *const remote[] = { "nfs", "cifs", "smb", "ceph", "fuse.", "9p", "virtiofs" };

	for (size_t i = 0; i < ARRAY_LEN(remote); i++)
		if (str_starts(m->type, remote[i]))
			return true;
	if (strcmp(m->type, "overlay") == 0) /* a container's root is one; all others repeat what lies below them */
		return strcmp(m->point, "/") == 0;
	return m->device[0] == '/' && strcmp(m->type, "squashfs") != 0;
}

static bool is_repeated(const struct host_mount *rows, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if (strcmp(rows[i].id, rows[n].id) == 0)
			return true;
	return false;
}

/* "36 35 98:0 /root /point rw,noatime [optional ...] - ext3 /dev/root rw": a dash ends the optional fields. */
static bool parse_mount(const char *line, struct host_mount *m)
{
	const char *at = line;
	char skip[1024], options[1024];

	if (!word(&at, skip, sizeof(skip)) || !word(&at, skip, sizeof(skip)) || !word(&at, m->id, sizeof(m->id)))
		return false;
	if (!word(&at, skip, sizeof(skip)) || !word(&at, m->point, sizeof(m->point)) || !word(&at, options, sizeof(options)))
		return false;
	do
		if (!word(&at, skip, sizeof(skip)))
			return false;
	while (strcmp(skip, "-") != 0);
	if (!word(&at, m->type, sizeof(m->type)) || !word(&at, m->device, sizeof(m->device)))
		return false;
	m->read_only = strncmp(options, "ro", 2) == 0 && (options[2] == ',' || options[2] == '\0');
	unescape(m->point);
	unescape(m->device);
	return true;
}

size_t host_parse_mounts(const char *text, struct host_mount *rows, size_t most)
{
	size_t n = 0;

	for (const char *line = text; *line != '\0' && n < most; line = next_line(line))
		if (parse_mount(line, &rows[n]) && is_real(&rows[n]) && !is_repeated(rows, n))
			n++;
	return n;
}

/* host_parse.c - see host_parse.h. All texts are lines of words; `words` reads a line's numbers, nothing else is needed. */
#include "collectors/host_parse.h"

#include <assert.h>
#include <ctype.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "agent/base/err.h"
#include "agent/base/mem.h"
#include "agent/base/str.h"

#define KIB UINT64_C(1024)

const char *host_next_line(const char *at)
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
		if (errno != 0 || v[n] > INT64_MAX || *end == '\0' ||
		    strchr(" \t\n", *end) == NULL) /* the end of the text is no end of a number: it may be cut */
			return n;
		n++;
		at = end;
	}
	return n;
}

int host_parse_number(const char *text, uint64_t *ret)
{
	uint64_t n;

	if (numbers(text, &n, 1) != 1)
		return -ERR_INVALID;
	*ret = n;
	return 0;
}

bool host_word(const char **at, char *to, size_t size)
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

#define NAMED_MAX 16

struct named {
	const char *name;
	uint64_t *to;
	bool optional; /* old kernels do not have it: that is not odd */
};

/* Each name that stands in the text writes its number; what is missing becomes HOST_NONE. -ERR_INVALID: all is. */
static int read_named(const char *text, const struct named *table, size_t n, struct host_left *left)
{
	bool seen[NAMED_MAX] = { false };
	size_t seen_n = 0;

	for (const char *at = text; *at != '\0'; at = host_next_line(at)) {
		size_t len = strcspn(at, ": \t\n");

		/* In /proc/meminfo a colon stands behind the name, in /proc/stat and /proc/vmstat none does. */
		for (size_t i = 0; i < n; i++)
			if (strlen(table[i].name) == len && memcmp(at, table[i].name, len) == 0)
				seen[i] = numbers(at + len + (at[len] == ':'), table[i].to, 1) == 1;
	}
	for (size_t i = 0; i < n; i++)
		seen_n += seen[i];
	if (seen_n == 0)
		return -ERR_INVALID;
	for (size_t i = 0; i < n; i++) {
		if (!seen[i])
			*table[i].to = HOST_NONE;
		left->odd += !seen[i] && !table[i].optional;
	}
	return 0;
}

static uint64_t in_bytes(uint64_t kib)
{
	return kib > INT64_MAX / KIB ? HOST_NONE : kib * KIB;
}

/* Columns that a kernel does not have yet are no ticks; what is no number ends the row. */
static int read_ticks(const char *text, struct host_cpu *c, struct host_left *left)
{
	uint64_t v[8];
	size_t n;

	if (!str_starts(text, "cpu "))
		return -ERR_INVALID;
	n = numbers(text + 4, v, ARRAY_LEN(v));
	if (n < 4)
		return -ERR_INVALID;
	left->odd += n < ARRAY_LEN(v);
	for (size_t i = n; i < ARRAY_LEN(v); i++)
		v[i] = HOST_NONE;
	c->ticks[CPU_USER] = v[0]; /* guests are in it already */
	c->ticks[CPU_NICE] = v[1];
	c->ticks[CPU_SYSTEM] = v[2];
	c->ticks[CPU_IDLE] = v[3];
	c->ticks[CPU_IOWAIT] = v[4];
	c->ticks[CPU_INTERRUPT] = v[5] != HOST_NONE && v[6] != HOST_NONE ? v[5] + v[6] : HOST_NONE; /* hard and soft */
	c->ticks[CPU_STEAL] = v[7];
	return 0;
}

/* 0: nothing stands behind them, so the text is cut and there may be more. */
static unsigned count_cpus(const char *at)
{
	unsigned n = 0;

	for (; str_starts(at, "cpu"); at = host_next_line(at))
		n++;
	return strchr(at, '\n') != NULL ? n : 0;
}

int host_parse_stat(const char *text, struct host_cpu *ret, struct host_left *left)
{
	struct host_left more = { 0 };
	struct host_cpu c = { 0 };
	const struct named table[] = { { "btime", &c.boot_s, false }, { "processes", &c.created, false } };

	/* Counted apart until the row is read: of a file that is left out as a whole no number is odd. */
	TRY(read_ticks(text, &c, &more));
	c.logical = count_cpus(host_next_line(text));
	if (read_named(text, table, ARRAY_LEN(table), &more) != 0) {
		c.boot_s = c.created = HOST_NONE;
		more.odd += ARRAY_LEN(table);
	}
	left->odd += more.odd;
	*ret = c;
	return 0;
}

int host_parse_meminfo(const char *text, struct host_memory *ret, struct host_left *left)
{
	struct host_memory m = { 0 };
	const struct named table[] = {
		{ "MemTotal", &m.total, false },          { "MemFree", &m.free, false },  { "MemAvailable", &m.available, false },
		{ "Buffers", &m.buffers, false },         { "Cached", &m.cached, false }, { "SReclaimable", &m.reclaimable, true },
		{ "SUnreclaim", &m.unreclaimable, true }, { "Shmem", &m.shared, true },
	};

	TRY(read_named(text, table, ARRAY_LEN(table), left));
	for (size_t i = 0; i < ARRAY_LEN(table); i++)
		*table[i].to = in_bytes(*table[i].to);
	*ret = m;
	return 0;
}

int host_parse_vmstat(const char *text, struct host_paging *ret, struct host_left *left)
{
	struct host_paging p = { 0 };
	const struct named table[] = {
		{ "pgfault", &p.faults, false },
		{ "pgmajfault", &p.major_faults, false },
		{ "pswpin", &p.swapped_in, true },
		{ "pswpout", &p.swapped_out, true },
	};

	TRY(read_named(text, table, ARRAY_LEN(table), left));
	*ret = p;
	return 0;
}

/* ---- tables ------------------------------------------------------------------------------------------------------------------ */

#define RANKS 3

/* A table's rows in rounds, those that matter most first. */
struct table {
	size_t row_size;
	/* 1: a row, 0: none that we tell, -1: not understood */
	int (*parse)(const char *line, void *row);
	unsigned (*rank)(const void *row); /* 0 matters most, RANKS - 1 least; NULL: all are alike */
};

static size_t read_table(const struct table *t, const char *text, void *rows, size_t most, struct host_left *left)
{
	char spare[512];
	size_t n = 0;

	assert(t->row_size <= sizeof(spare));
	for (unsigned round = 0; round < (t->rank != NULL ? RANKS : 1); round++)
		for (const char *line = text; *line != '\0'; line = host_next_line(line)) {
			void *row = n < most ? (char *)rows + n * t->row_size : (void *)spare;
			int rc = t->parse(line, row);

			/* Each round parses all rows again; one that is not understood counts once. */
			left->odd += rc < 0 && round == 0;
			if (rc <= 0 || (t->rank != NULL && t->rank(row) != round))
				continue;
			left->over += n == most;
			n += n < most;
		}
	return n;
}

static bool begins_with_any(const char *s, const char *const *prefixes)
{
	for (; *prefixes != NULL; prefixes++)
		if (str_starts(s, *prefixes))
			return true;
	return false;
}

static int parse_swap(const char *line, void *row)
{
	struct host_swap *r = row;
	char type[16];
	uint64_t v[2];

	if (*line == '\n')
		return 0;
	if (!host_word(&line, r->device, sizeof(r->device)) || !host_word(&line, type, sizeof(type)) || numbers(line, v, 2) != 2)
		return -1;
	r->size = in_bytes(v[0]);
	r->used = in_bytes(v[1]);
	return r->size != HOST_NONE && r->used <= r->size ? 1 : -1;
}

size_t host_parse_swaps(const char *text, struct host_swap *rows, size_t most, struct host_left *left)
{
	static const struct table t = { sizeof(struct host_swap), parse_swap, NULL };

	return read_table(&t, host_next_line(text), rows, most, left);
}

static int parse_disk(const char *line, void *row)
{
	struct host_disk *r = row;
	char skip[16];
	uint64_t v[10];

	if (*line == '\n')
		return 0;
	if (!host_word(&line, skip, sizeof(skip)) || !host_word(&line, skip, sizeof(skip)) ||
	    !host_word(&line, r->device, sizeof(r->device)))
		return -1;
	if (str_starts(r->device, "loop") || str_starts(r->device, "ram"))
		return 0;
	if (numbers(line, v, ARRAY_LEN(v)) != ARRAY_LEN(v))
		return -1;
	r->reads = v[0];
	r->reads_merged = v[1];
	r->read_sectors = v[2];
	r->read_ms = v[3];
	r->writes = v[4];
	r->writes_merged = v[5];
	r->write_sectors = v[6];
	r->write_ms = v[7];
	/* v[8] is how many requests are under way, which is no counter. Newer kernels have more columns behind these. */
	r->io_ms = v[9];
	return 1;
}

/* Partitions are left out later, by what /sys knows; here they must only not stand in the way of disks. */
static unsigned rank_of_disk(const void *row)
{
	static const char *const minor[] = { "nbd", "zram", "sr", "fd", "dm-", "drbd", "rbd", NULL };
	const char *name = ((const struct host_disk *)row)->device;
	size_t len = strlen(name);
	bool is_numbered = len > 0 && isdigit((unsigned char)name[len - 1]);
	bool is_nvme = str_starts(name, "nvme") || str_starts(name, "mmcblk");

	bool is_part = is_numbered && !str_starts(name, "md") && (!is_nvme || strchr(name + 4, 'p') != NULL);

	return begins_with_any(name, minor) || is_part ? RANKS - 1 : 0;
}

size_t host_parse_diskstats(const char *text, struct host_disk *rows, size_t most, struct host_left *left)
{
	static const struct table t = { sizeof(struct host_disk), parse_disk, rank_of_disk };

	return read_table(&t, text, rows, most, left);
}

/* "  eth0: bytes packets errs drop fifo frame compressed multicast  bytes packets errs drop ..." */
static int parse_interface(const char *line, void *row)
{
	const char *name = line + strspn(line, " "), *colon = strpbrk(name, ":\n");
	struct host_net *r = row;
	uint64_t v[16];

	if (*name == '\n')
		return 0;
	if (colon == NULL || *colon != ':' || colon == name || (size_t)(colon - name) >= sizeof(r->name))
		return -1;
	if (numbers(colon + 1, v, ARRAY_LEN(v)) != ARRAY_LEN(v))
		return -1;
	memcpy(r->name, name, (size_t)(colon - name));
	r->name[colon - name] = '\0';
	for (size_t way = 0; way < 2; way++) {
		r->bytes[way] = v[way * 8];
		r->packets[way] = v[way * 8 + 1];
		r->errors[way] = v[way * 8 + 2];
		r->dropped[way] = v[way * 8 + 3];
	}
	return 1;
}

/* First what the machine itself has; last those of containers and tunnels, whose traffic passes one of the first too; between them
 * all that have a name which this file does not know. eni: a pod's end, as Amazon's plugin names it. */
static unsigned rank_of_interface(const void *row)
{
	static const char *const minor[] = { "veth", "docker", "br-", "cali",   "cni",    "flannel", "tunl",      "virbr", "tap",
					     "tun",  "vnet",   "lxc", "cilium", "eni",    "kube-",   "nodelocal", "vxlan", "dummy",
					     "ifb",  "gre",    "sit", "ip6tnl", "ip_vti", "nerdctl", "podman",    NULL };
	static const char *const own[] = { "lo", "en", "eth", "wl", "ww", "bond", "team", "br", "ib", NULL };
	const char *name = ((const struct host_net *)row)->name;

	if (begins_with_any(name, minor))
		return RANKS - 1;
	return begins_with_any(name, own) ? 0 : 1;
}

size_t host_parse_net(const char *text, struct host_net *rows, size_t most, struct host_left *left)
{
	static const struct table t = { sizeof(struct host_net), parse_interface, rank_of_interface };

	return read_table(&t, host_next_line(host_next_line(text)), rows, most, left); /* two heading lines */
}

int host_parse_load(const char *text, double ret[3])
{
	double v[3];
	const char *at = text;

	for (int i = 0; i < 3; i++) {
		char one[32];

		if (!host_word(&at, one, sizeof(one)) || str_double(one, &v[i]) != 0 || v[i] < 0)
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

	if (!host_word(&at, one, sizeof(one)) || str_double(one, &v) != 0 || v < 0)
		return -ERR_INVALID;
	*ret_s = v;
	return 0;
}

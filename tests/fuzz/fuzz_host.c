/* fuzz_host.c - the texts of /proc: never more rows than there is room for, names that end and are not empty, numbers that are
 * numbers, and none from a text that is refused; what fits into little room is the beginning of what fits into much. */
#include <math.h>

#include "collectors/host_parse.h"
#include "tests/fuzz/fuzz.h"

#define ROWS 8
#define FEW 2

#define PARSE_ROWS(type, parse, name)                                                                                              \
	do {                                                                                                                       \
		struct type rows[ROWS], few[FEW];                                                                                  \
		struct host_left left = { 0 };                                                                                     \
		size_t n, few_n;                                                                                                   \
		memset(rows, 0, sizeof(rows));                                                                                     \
		memset(few, 0, sizeof(few));                                                                                       \
		n = parse(s, rows, ROWS, &left);                                                                                   \
		few_n = parse(s, few, FEW, &left);                                                                                 \
		FUZZ_MUST(n <= ROWS && few_n == (n < FEW ? n : FEW));                                                              \
		for (size_t i = 0; i < n; i++)                                                                                     \
			FUZZ_MUST(rows[i].name[0] != '\0' && memchr(rows[i].name, '\0', sizeof(rows[i].name)) != NULL);            \
		for (size_t i = 0; i < few_n; i++)                                                                                 \
			FUZZ_MUST(strcmp(rows[i].name, few[i].name) == 0);                                                         \
	} while (0)

#define PARSE_NUMBERS(type, parse)                                                                                                 \
	do {                                                                                                                       \
		struct type numbers, none;                                                                                         \
		memset(&numbers, 0, sizeof(numbers));                                                                              \
		memset(&none, 0, sizeof(none));                                                                                    \
		struct host_left left = { 0 };                                                                                     \
		FUZZ_MUST(parse(s, &numbers, &left) == 0 || memcmp(&numbers, &none, sizeof(none)) == 0);                           \
	} while (0)

static void parse_doubles(const char *s)
{
	double load[3] = { 7, 7, 7 }, up = 7;

	if (host_parse_load(s, load) == 0)
		FUZZ_MUST(isfinite(load[0]) && isfinite(load[1]) && isfinite(load[2]));
	else
		FUZZ_MUST(load[0] == 7 && load[1] == 7 && load[2] == 7);
	FUZZ_MUST(host_parse_uptime(s, &up) == 0 ? isfinite(up) : up == 7);
}

void fuzz_one(const char *s, size_t len)
{
	(void)len;
	parse_doubles(s);
	PARSE_NUMBERS(host_cpu, host_parse_stat);
	PARSE_NUMBERS(host_memory, host_parse_meminfo);
	PARSE_NUMBERS(host_paging, host_parse_vmstat);
	PARSE_ROWS(host_swap, host_parse_swaps, device);
	PARSE_ROWS(host_disk, host_parse_diskstats, device);
	PARSE_ROWS(host_net, host_parse_net, name);
	PARSE_ROWS(host_mount, host_parse_mounts, point);
}

/* main.c - many seeds: build/tests/sim/sim [--seeds n] [--first n] [--jobs n] [--stop], or one: --seed n [-v]
 * with faults that are off (fault.h): --with NAME, or without some that are on: --without NAME; each as often as wanted
 *
 * Seeds are dealt to processes; each tells its counts and failures through a pipe. Every 50th seed runs twice and must give
 * the same digest. The sum of all digests stands in the last line but one: a change that only moves code leaves it as it was.
 * --stop ends a process at its first failure. The end is a table of all faults; a run of 1,000 seeds or more
 * in which a kind never happened has failed. */
#include <getopt.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "tests/sim/fault.h"
#include "tests/sim/scene.h"
#include "tests/sim/tally.h"

#define TWICE_EACH 50
#define TABLE_FROM 1000
#define JOBS_MAX 16

struct job {
	uint64_t done, failed, virtual_ms;
	uint64_t digests; /* the sum of the first 64 bits of each */
	uint64_t counts[TALLY_COUNT];
};

static double now_s(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

static volatile uint64_t at_seed;

/* A run that ends in a signal says which one it was. */
static void on_fatal_signal(int signum)
{
	char text[128];
	int n = snprintf(text, sizeof(text), "FAILED seed %llu: signal %d\n  replay: make sim SEED=%llu\n",
			 (unsigned long long)at_seed, signum, (unsigned long long)at_seed);

	if (n > 0 && write(STDOUT_FILENO, text, (size_t)n) < 0)
		_exit(3);
	_exit(3);
}

static uint64_t head_of(const char *digest)
{
	char head[17];

	snprintf(head, sizeof(head), "%.16s", digest);
	return strtoull(head, NULL, 16);
}

static void run_one(uint64_t seed, bool verbose, struct job *j)
{
	struct scene_result r, again;

	at_seed = seed;
	scene_run(seed, verbose, &r);
	if (r.ok && seed % TWICE_EACH == 0) {
		scene_run(seed, false, &again);
		if (strcmp(r.digest, again.digest) != 0) {
			r.ok = false;
			snprintf(r.why, sizeof(r.why), "the second run of the seed was another one: %.16s, %.16s", r.digest,
				 again.digest);
		}
	}
	j->done++;
	j->virtual_ms += r.virtual_ms;
	j->digests += head_of(r.digest);
	if (verbose)
		printf("digest %s\n", r.digest);
	if (r.ok)
		return;
	j->failed++;
	printf("FAILED seed %llu: %s\n  replay: make sim SEED=%llu\n", (unsigned long long)seed, r.why, (unsigned long long)seed);
	fflush(stdout);
}

static void run_share(uint64_t first, uint64_t seeds, unsigned jobs, unsigned nth, bool stop, int to)
{
	struct job j = { 0 };
	double told = now_s();

	signal(SIGABRT, on_fatal_signal);
	signal(SIGSEGV, on_fatal_signal);
	for (uint64_t i = nth; i < seeds && !(stop && j.failed > 0); i += jobs) {
		run_one(first + i, false, &j);
		if (nth == 0 && now_s() - told > 5) {
			told = now_s();
			printf("  %llu of about %llu seeds\n", (unsigned long long)(j.done * jobs), (unsigned long long)seeds);
			fflush(stdout);
		}
	}
	memcpy(j.counts, tally_counts(), sizeof(j.counts));
	if (write(to, &j, sizeof(j)) != (ssize_t)sizeof(j))
		_exit(2);
	_exit(0);
}

/* A process that dies without a word (an assertion, a sanitizer) is a failure of one of its seeds. */
static void collect(int from, pid_t pid, struct job *all)
{
	struct job j;
	int status = 0;

	if (read(from, &j, sizeof(j)) != (ssize_t)sizeof(j)) {
		printf("FAILED: a process ended without a result\n");
		all->done++;
		all->failed++;
	} else {
		all->done += j.done;
		all->failed += j.failed;
		all->virtual_ms += j.virtual_ms;
		all->digests += j.digests;
		tally_add(j.counts);
	}
	close(from);
	waitpid(pid, &status, 0);
}

static void run_jobs(uint64_t first, uint64_t seeds, unsigned jobs, bool stop, struct job *all)
{
	int pipes[JOBS_MAX][2];
	pid_t pids[JOBS_MAX];

	fflush(stdout);
	for (unsigned i = 0; i < jobs; i++) {
		if (pipe(pipes[i]) != 0 || (pids[i] = fork()) < 0)
			exit(2);
		if (pids[i] == 0)
			run_share(first, seeds, jobs, i, stop, pipes[i][1]);
		close(pipes[i][1]);
	}
	for (unsigned i = 0; i < jobs; i++)
		collect(pipes[i][0], pids[i], all);
}

static int verdict(const struct job *all, uint64_t seeds, double took_s)
{
	unsigned never = tally_print(stdout);

	if (seeds >= TABLE_FROM && never > 0)
		printf("FAILED: %u kinds of fault never happened\n", never);
	printf("sum of the digests: %016llx\n", (unsigned long long)all->digests);
	printf("%llu passed, %llu failed: seeds, %.0f virtual hours in %.1f s\n", (unsigned long long)(all->done - all->failed),
	       (unsigned long long)all->failed, (double)all->virtual_ms / 3600000, took_s);
	return all->failed > 0 || (seeds >= TABLE_FROM && never > 0);
}

int main(int argc, char **argv)
{
	static const struct option options[] = {
		{ "seeds", required_argument, NULL, 'n' },   { "seed", required_argument, NULL, 's' },
		{ "first", required_argument, NULL, 'f' },   { "jobs", required_argument, NULL, 'j' },
		{ "stop", no_argument, NULL, 'e' },          { "with", required_argument, NULL, 'w' },
		{ "without", required_argument, NULL, 'o' }, { NULL, 0, NULL, 0 }
	};
	uint64_t seeds = 50, first = 1;
	unsigned jobs = 2;
	bool verbose = false, one = false, stop = false;
	struct job all = { 0 };
	double start = now_s();
	int c;

	while ((c = getopt_long(argc, argv, "v", options, NULL)) != -1) {
		if (c == 'n')
			seeds = strtoull(optarg, NULL, 10);
		else if (c == 's' || c == 'f')
			first = strtoull(optarg, NULL, 10);
		else if (c == 'j')
			jobs = (unsigned)strtoul(optarg, NULL, 10);
		else if (c == 'v')
			verbose = true;
		else if (c == 'e')
			stop = true;
		else if ((c == 'w' || c == 'o') && fault_switch(optarg, c == 'w'))
			continue;
		else
			return 2;
		one = one || c == 's';
	}
	if (jobs < 1 || jobs > JOBS_MAX)
		return 2;
	if (one) {
		run_one(first, verbose, &all);
		printf("seed %llu: %s, %.1f virtual hours\n", (unsigned long long)first, all.failed > 0 ? "FAILED" : "ok",
		       (double)all.virtual_ms / 3600000);
		return all.failed > 0;
	}
	fault_tell();
	run_jobs(first, seeds, jobs, stop, &all);
	return verdict(&all, seeds, now_s() - start);
}

/* turns.c - measures the turns of a program's loop from outside: loaded by LD_PRELOAD into the program that ships.
 *
 * A turn begins when epoll_wait or epoll_pwait returns on the main thread, and ends when it is called again. Of each one a line
 * of numbers goes into the file that $TURNS_FILE names: when it began (ms since the first one), how long it took and how much of
 * that the thread computed (microseconds), how often it waited of its own accord and how often another program had its processor.
 * The first line is what came before the loop, the last one what came behind it. What a turn cost without its processor says how
 * busy the machine was, not the program: so the four are told apart. */
#include <dlfcn.h>
#include <fcntl.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <time.h>
#include <unistd.h>

struct moment {
	uint64_t wall_us, cpu_us;
	long waited, preempted;
};

static struct moment first, began;
static int file = -1;

static uint64_t clock_us(clockid_t id)
{
	struct timespec t;

	clock_gettime(id, &t);
	return (uint64_t)t.tv_sec * 1000000 + (uint64_t)t.tv_nsec / 1000;
}

static struct moment now(void)
{
	struct rusage u = { 0 };

	getrusage(RUSAGE_THREAD, &u);
	return (struct moment){ clock_us(CLOCK_MONOTONIC), clock_us(CLOCK_THREAD_CPUTIME_ID), u.ru_nvcsw, u.ru_nivcsw };
}

static void __attribute__((constructor)) start(void)
{
	const char *path = getenv("TURNS_FILE");

	file = path != NULL ? open(path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0644) : -1;
	first = began = now();
}

static void turn_ends(void)
{
	struct moment n = now();
	char line[160];
	int len =
	    snprintf(line, sizeof(line), "%llu %llu %llu %ld %ld\n", (unsigned long long)(began.wall_us - first.wall_us) / 1000,
		     (unsigned long long)(n.wall_us - began.wall_us), (unsigned long long)(n.cpu_us - began.cpu_us),
		     n.waited - began.waited, n.preempted - began.preempted);

	if (write(file, line, (size_t)len) != len)
		file = -1; /* the reader sees that the run is short */
}

static int is_measured(void)
{
	return file >= 0 && getpid() == gettid();
}

/* The last turn has no end but the process's own. */
static void __attribute__((destructor)) stop(void)
{
	if (is_measured())
		turn_ends();
}

void _exit(int status)
{
	void (*real)(int) = (void (*)(int))dlsym(RTLD_NEXT, "_exit");

	stop();
	real(status);
	abort();
}

int epoll_pwait(int fd, struct epoll_event *events, int n, int timeout_ms, const sigset_t *mask)
{
	static int (*real)(int, struct epoll_event *, int, int, const sigset_t *);
	int got;

	if (real == NULL)
		real = (int (*)(int, struct epoll_event *, int, int, const sigset_t *))dlsym(RTLD_NEXT, "epoll_pwait");
	if (!is_measured())
		return real(fd, events, n, timeout_ms, mask);
	turn_ends();
	got = real(fd, events, n, timeout_ms, mask);
	began = now();
	return got;
}

int epoll_wait(int fd, struct epoll_event *events, int n, int timeout_ms)
{
	return epoll_pwait(fd, events, n, timeout_ms, NULL);
}

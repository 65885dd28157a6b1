/* moved_clock.c - a clock that a test moves, for a program that is started with LD_PRELOAD.
 *
 * To that program each clock but the wall's is ahead by the milliseconds that stand in the file MOVED_CLOCK (64 bits, this
 * machine's order): hours of back-off pass as quickly as a test writes there. The wall clock stays what it is, because who judges
 * signatures has another. A wait of its loop is cut in short ones, so that it sees a moved clock soon. */
#include <fcntl.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#define LOOK_MS 10 /* how soon a moved clock is seen */

static const volatile int64_t *moved_ms;

__attribute__((constructor)) static void begin(void)
{
	const char *path = getenv("MOVED_CLOCK");
	int fd = path != NULL ? open(path, O_RDONLY | O_CLOEXEC) : -1;
	void *at = fd >= 0 ? mmap(NULL, sizeof(*moved_ms), PROT_READ, MAP_SHARED, fd, 0) : MAP_FAILED;

	if (at == MAP_FAILED)
		abort(); /* a test must not believe in a clock that does not move */
	moved_ms = at;
	close(fd);
}

int clock_gettime(clockid_t id, struct timespec *t)
{
	int rc = (int)syscall(SYS_clock_gettime, id, t);
	bool is_wall = id == CLOCK_REALTIME || id == CLOCK_REALTIME_COARSE;
	int64_t ms = rc == 0 && !is_wall && moved_ms != NULL ? *moved_ms : 0;

	t->tv_sec += ms / 1000;
	t->tv_nsec += ms % 1000 * 1000000;
	if (t->tv_nsec >= 1000000000) {
		t->tv_sec++;
		t->tv_nsec -= 1000000000;
	}
	return rc;
}

int epoll_pwait(int fd, struct epoll_event *events, int n, int timeout_ms, const sigset_t *mask)
{
	int cut = timeout_ms < 0 || timeout_ms > LOOK_MS ? LOOK_MS : timeout_ms, found;

	do
		found = (int)syscall(SYS_epoll_pwait, fd, events, n, cut, mask, (size_t)8);
	while (found == 0 && timeout_ms < 0); /* libuv takes no nothing for an answer to that */
	return found;
}

int epoll_wait(int fd, struct epoll_event *events, int n, int timeout_ms)
{
	return epoll_pwait(fd, events, n, timeout_ms, NULL);
}

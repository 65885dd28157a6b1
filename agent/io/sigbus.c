/* sigbus.c - see sigbus.h. */
#include "agent/io/sigbus.h"

#include <signal.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/mman.h>
#include <unistd.h>

static _Thread_local volatile bool reads_zeros;
static uintptr_t page_bytes;

/* What it may call is what a system call is: no memory is asked for here, and no lock taken. */
static void on_sigbus(int signum, siginfo_t *si, void *context)
{
	void *page = (char *)si->si_addr - (uintptr_t)si->si_addr % page_bytes;

	(void)context;
	if (reads_zeros && si->si_code > 0 && /* it was not sent by somebody */
	    mmap(page, page_bytes, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0) != MAP_FAILED)
		return;
	signal(signum, SIG_DFL);
	raise(signum);
}

void sigbus_zeros(void)
{
	struct sigaction sa = { .sa_sigaction = on_sigbus, .sa_flags = SA_SIGINFO };

	page_bytes = (uintptr_t)sysconf(_SC_PAGESIZE);
	sigaction(SIGBUS, &sa, NULL);
	reads_zeros = true;
}

void sigbus_dies(void)
{
	reads_zeros = false;
}

/* test_sigbus.c - a mapped file that is cut reads as zeros where that was asked for, and ends the process where not. */
#include "tests/unit/io/bench.h"

#include <fcntl.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include "agent/io/sigbus.h"

#define LEN 16384

/* Mapped, then cut to nothing. */
static volatile char *map_cut(struct bench *b)
{
	int fd = open(bench_path(b, "f"), O_RDWR | O_CREAT, 0600);
	char *at;

	assert_int_equal(ftruncate(fd, LEN), 0);
	assert_int_equal(pwrite(fd, "x", 1, 5000), 1);
	at = mmap(NULL, LEN, PROT_READ, MAP_SHARED, fd, 0);
	assert_true(at != MAP_FAILED);
	assert_int_equal(at[5000], 'x');
	assert_int_equal(ftruncate(fd, 0), 0);
	close(fd);
	return at;
}

static void what_is_cut_reads_as_zeros(void **state)
{
	volatile char *at = map_cut(*state);

	sigbus_zeros();
	assert_int_equal(at[5000], 0);
	assert_int_equal(at[12000], 0);
	sigbus_dies();
	munmap((void *)at, LEN);
}

static int child_of(volatile char *at, bool is_sent)
{
	pid_t pid = fork();
	int status;

	if (pid == 0) {
		sigbus_zeros();
		if (is_sent) {
			raise(SIGBUS);
			_exit(0);
		}
		sigbus_dies();
		_exit(at[5000]);
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	return WIFSIGNALED(status) ? WTERMSIG(status) : 0;
}

static void what_was_not_asked_for_and_what_is_sent_end_the_process(void **state)
{
	volatile char *at = map_cut(*state);

	assert_int_equal(child_of(at, false), SIGBUS);
	assert_int_equal(child_of(at, true), SIGBUS);
	munmap((void *)at, LEN);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		BENCH_TEST(what_is_cut_reads_as_zeros),
		BENCH_TEST(what_was_not_asked_for_and_what_is_sent_end_the_process),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

/* test_log.c - one line an event, at the chosen level, and nothing from outside can forge another. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <errno.h>
#include <fcntl.h>
#include <pty.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "agent/base/err.h"
#include "agent/base/log.h"

static char got[4096];
static unsigned lines;

static void keep(enum log_level level, const char *event, const char *pairs, void *ctx)
{
	assert_ptr_equal(ctx, got);
	lines++;
	snprintf(got, sizeof(got), "%d %s %s", (int)level, event, pairs);
}

static void only_the_chosen_levels_are_told(void **state)
{
	(void)state;
	log_set(LOG_WARN, keep, got);
	log_info("a.b", "x=%d", 1);
	log_debug("a.b", "x=%d", 1);
	assert_int_equal(lines, 0);
	log_warn("a.b", "x=%d", 1);
	assert_string_equal(got, "1 a.b x=1");
	log_error("a.c", "y=%s", "z");
	assert_string_equal(got, "0 a.c y=z");
	assert_int_equal(lines, 2);
}

static void control_characters_do_not_leave(void **state)
{
	(void)state;
	log_set(LOG_INFO, keep, got);
	log_info("a", "x=\"%s\"", "one\n<3>forged\r\x1b[2J\x7f");
	assert_string_equal(got, "2 a x=\"one\\n<3>forged\\r\\u001b[2J\\u007f\"");
}

static void a_long_line_is_cut(void **state)
{
	char big[8192];

	(void)state;
	memset(big, 'a', sizeof(big) - 1);
	big[sizeof(big) - 1] = '\0';
	log_info("a", "x=%s y=1", big);
	assert_true(strlen(got) < 2100);
	assert_string_equal(got + strlen(got) - strlen("aaa cut=yes"), "aaa cut=yes");
}

static void an_ignored_error_is_told_at_debug_with_its_reason(void **state)
{
	(void)state;
	log_set(LOG_DEBUG, keep, got);
	err_ignore(-ERR_IO, "the next start sweeps it");
	assert_string_equal(got, "3 err.ignored err=io why=\"the next start sweeps it\"");
	lines = 0;
	err_ignore(0, "nothing happened");
	assert_int_equal(lines, 0);
	log_set(LOG_INFO, NULL, NULL);
}

/* ---- a stderr that is not read ---- */

static int stderr_of_before;

static void begin(int fd)
{
	log_set(LOG_INFO, NULL, NULL);
	alarm(20); /* for a line that waits: the test ends red */
	fflush(stderr);
	stderr_of_before = dup(STDERR_FILENO);
	dup2(fd, STDERR_FILENO);
	close(fd);
}

static void end(void)
{
	dup2(stderr_of_before, STDERR_FILENO);
	close(stderr_of_before);
	alarm(0);
}

/* Everything that lies in it, as text. */
static const char *drain(int fd)
{
	static char text[1 << 20];
	size_t used = 0;
	ssize_t n;

	fcntl(fd, F_SETFL, O_NONBLOCK);
	while ((n = read(fd, text + used, sizeof(text) - 1 - used)) > 0)
		used += (size_t)n;
	text[used] = '\0';
	return text;
}

/* Lines until some are dropped; all are numbered. */
static unsigned fill(uint64_t before)
{
	char pad[701];
	unsigned n = 0;

	memset(pad, '0', sizeof(pad) - 1);
	pad[sizeof(pad) - 1] = '\0';
	while (log_dropped() < before + 3)
		log_info("a.b", "n=%u pad=%s", n++, pad);
	return n;
}

/* Each line is whole: it begins with its priority, and ends with its pad. */
static unsigned whole_lines(const char *text)
{
	unsigned n = 0;

	for (const char *at = text, *end; (end = strchr(at, '\n')) != NULL; at = end + 1, n++) {
		assert_memory_equal(at, "<", 1);
		assert_null(memchr(at + 1, '<', (size_t)(end - at - 1)));
	}
	return n;
}

static void lines_are_dropped_and_told(int read_end, int write_end)
{
	uint64_t before = log_dropped();
	unsigned n;
	const char *text;

	begin(write_end);
	n = fill(before);
	text = drain(read_end);
	whole_lines(text);
	log_info("a.c", "x=1");
	text = drain(read_end);
	end();
	whole_lines(text);
	assert_non_null(strstr(text, "<4>log.dropped lines=3 err=\"stderr took none\"\n<6>a.c x=1\n"));
	assert_int_equal(log_dropped(), before + 3);
	assert_true(n > 3);
	close(read_end);
}

static void a_full_pipe_holds_nothing_up_and_the_lines_are_counted(void **state)
{
	int fds[2];

	(void)state;
	assert_int_equal(pipe(fds), 0);
	lines_are_dropped_and_told(fds[0], fds[1]);
}

static void a_full_socket_holds_nothing_up_and_no_line_is_glued_to_another(void **state)
{
	int fds[2], small = 4096;

	(void)state;
	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, fds), 0);
	setsockopt(fds[1], SOL_SOCKET, SO_SNDBUF, &small, sizeof(small));
	lines_are_dropped_and_told(fds[0], fds[1]);
}

/* One in its usual mode, which says that it can be written as long as there is room for one byte. */
static void a_terminal_that_nobody_reads_holds_nothing_up(void **state)
{
	uint64_t before = log_dropped();
	int master, slave;

	(void)state;
	assert_int_equal(openpty(&master, &slave, NULL, NULL, NULL), 0);
	begin(slave);
	fill(before);
	drain(master);
	log_info("a.c", "x=1");
	end();
	assert_non_null(strstr(drain(master), "<6>a.c x=1"));
	close(master);
}

static void a_full_disk_and_a_reader_that_is_gone_are_counted(void **state)
{
	uint64_t before = log_dropped();
	int fds[2];

	(void)state;
	begin(open("/dev/full", O_WRONLY));
	log_info("a.b", "x=1");
	end();
	assert_int_equal(log_dropped(), before + 1);
	assert_int_equal(pipe(fds), 0);
	close(fds[0]);
	signal(SIGPIPE, SIG_IGN);
	begin(fds[1]);
	log_info("a.b", "x=1");
	end();
	assert_int_equal(log_dropped(), before + 2);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(only_the_chosen_levels_are_told),
		cmocka_unit_test(control_characters_do_not_leave),
		cmocka_unit_test(a_long_line_is_cut),
		cmocka_unit_test(an_ignored_error_is_told_at_debug_with_its_reason),
		cmocka_unit_test(a_full_pipe_holds_nothing_up_and_the_lines_are_counted),
		cmocka_unit_test(a_full_socket_holds_nothing_up_and_no_line_is_glued_to_another),
		cmocka_unit_test(a_terminal_that_nobody_reads_holds_nothing_up),
		cmocka_unit_test(a_full_disk_and_a_reader_that_is_gone_are_counted),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

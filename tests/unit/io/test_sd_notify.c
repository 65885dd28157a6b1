/* test_sd_notify.c - what a service manager hears, by the protocol of sd_notify(3). */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "agent/base/mem.h"
#include "agent/io/sd_notify.h"

/* A manager that listens there; a leading '@' is a name in the abstract. */
static int manager(const char *path)
{
	struct sockaddr_un at = { .sun_family = AF_UNIX };
	int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);

	memcpy(at.sun_path, path, strlen(path));
	if (path[0] == '@')
		at.sun_path[0] = '\0';
	assert_int_equal(bind(fd, (struct sockaddr *)&at, (socklen_t)(offsetof(struct sockaddr_un, sun_path) + strlen(path))), 0);
	return fd;
}

static void assert_heard(const char *path, bool is_a_file)
{
	char heard[64] = "";
	int fd = manager(path);

	setenv("NOTIFY_SOCKET", path, 1);
	sd_notify("READY=1");
	assert_int_equal(recv(fd, heard, sizeof(heard) - 1, 0), strlen("READY=1"));
	assert_string_equal(heard, "READY=1");
	close(fd);
	if (is_a_file)
		unlink(path);
}

static void a_manager_hears_it_by_path_and_by_abstract_name(void **state)
{
	char dir[] = "/tmp/reeve-notify-XXXXXX", path[64], name[64];

	(void)state;
	assert_non_null(mkdtemp(dir));
	snprintf(path, sizeof(path), "%s/socket", dir);
	assert_heard(path, true);
	rmdir(dir);
	snprintf(name, sizeof(name), "@reeve-notify-%d", (int)getpid());
	assert_heard(name, false);
}

static void without_a_manager_nothing_happens(void **state)
{
	char longer[200];

	(void)state;
	unsetenv("NOTIFY_SOCKET");
	sd_notify("READY=1");
	setenv("NOTIFY_SOCKET", "relative", 1);
	sd_notify("READY=1");
	setenv("NOTIFY_SOCKET", "/nowhere/there/is/none", 1);
	sd_notify("READY=1");
	memset(longer, '/', sizeof(longer) - 1);
	longer[sizeof(longer) - 1] = '\0';
	setenv("NOTIFY_SOCKET", longer, 1);
	sd_notify("READY=1");
}

static void a_watchdog_is_asked_for_in_milliseconds_and_of_this_process_alone(void **state)
{
	static const struct {
		const char *usec;
		uint64_t ms;
	} cases[] = {
		{ "3000000", 3000 }, { "999", 1 }, { "1000", 1 }, { "0", 0 }, { "-5", 0 }, { "3s", 0 }, { "", 0 },
	};
	char pid[32];

	(void)state;
	unsetenv("WATCHDOG_PID");
	unsetenv("WATCHDOG_USEC");
	assert_int_equal(sd_watchdog_ms(), 0);
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		setenv("WATCHDOG_USEC", cases[i].usec, 1);
		assert_int_equal(sd_watchdog_ms(), cases[i].ms);
	}
	setenv("WATCHDOG_USEC", "3000000", 1);
	snprintf(pid, sizeof(pid), "%d", (int)getpid());
	setenv("WATCHDOG_PID", pid, 1);
	assert_int_equal(sd_watchdog_ms(), 3000);
	setenv("WATCHDOG_PID", "1", 1); /* the parent's, inherited */
	assert_int_equal(sd_watchdog_ms(), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_manager_hears_it_by_path_and_by_abstract_name),
		cmocka_unit_test(without_a_manager_nothing_happens),
		cmocka_unit_test(a_watchdog_is_asked_for_in_milliseconds_and_of_this_process_alone),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

/* aborts.h - what must stop the program at once, looked at from outside. */
#pragma once
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <signal.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

/* Runs fn in a child, which must end by abort; what it wrote to stderr is kept as far as there is room. */
static inline void assert_aborts_into(void (*fn)(void), char *said, size_t room)
{
	int status = 0, fds[2];
	size_t len = 0;
	ssize_t n = 1;
	pid_t pid;

	assert_int_equal(pipe(fds), 0);
	pid = fork();
	if (pid == 0) {
		signal(SIGABRT, SIG_DFL);
		if (dup2(fds[1], STDERR_FILENO) >= 0)
			fn();
		_exit(0);
	}
	close(fds[1]);
	for (; n > 0 && len<room - 1; len += n> 0 ? (size_t)n : 0)
		n = read(fds[0], said + len, room - 1 - len);
	said[len] = '\0';
	close(fds[0]);
	waitpid(pid, &status, 0);
	assert_true(WIFSIGNALED(status) && WTERMSIG(status) == SIGABRT);
}

static inline void assert_aborts(void (*fn)(void))
{
	char said[4096];

	assert_aborts_into(fn, said, sizeof(said));
}

static inline void assert_aborts_saying(void (*fn)(void), const char *text)
{
	char said[4096];

	assert_aborts_into(fn, said, sizeof(said));
	if (strstr(said, text) == NULL)
		fail_msg("it said: %s", said);
}

/* sd_notify.c - see sd_notify.h. A leading '@' names an abstract socket. */
#include "agent/io/sd_notify.h"

#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "agent/base/err.h"
#include "agent/base/str.h"

void sd_notify(const char *state)
{
	const char *path = getenv("NOTIFY_SOCKET");
	struct sockaddr_un to = { .sun_family = AF_UNIX };
	socklen_t len;
	int fd;

	if (path == NULL || (path[0] != '/' && path[0] != '@') || str_copy(to.sun_path, sizeof(to.sun_path), path) != 0)
		return;
	/* Without the NUL: in an abstract name it would be part of the name (unix(7)). */
	len = (socklen_t)(offsetof(struct sockaddr_un, sun_path) + strlen(path));
	if (to.sun_path[0] == '@')
		to.sun_path[0] = '\0';
	fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	if (fd < 0)
		return;
	/* A service manager that does not read holds nothing up. */
	if (sendto(fd, state, strlen(state), MSG_NOSIGNAL | MSG_DONTWAIT, (struct sockaddr *)&to, len) < 0)
		err_ignore(-ERR_IO, "the service manager's own time-out speaks for us");
	close(fd);
}

uint64_t sd_watchdog_ms(void)
{
	const char *usec = getenv("WATCHDOG_USEC"), *pid = getenv("WATCHDOG_PID");
	uint64_t us, p;

	if (usec == NULL || str_u64(usec, &us) != 0)
		return 0;
	/* Processes inherit the environment, and the watchdog waits for one of them alone (sd_watchdog_enabled(3)). */
	if (pid != NULL && (str_u64(pid, &p) != 0 || p != (uint64_t)getpid()))
		return 0;
	return us > 0 && us < 1000 ? 1 : us / 1000; /* 0 would say that it never waits */
}

/* main.c - one binary, many commands. */
#include <fcntl.h>
#include <unistd.h>

#include "agent/cli/cli.h"
#include "agent/daemon/daemon.h"

/* What is opened gets the lowest number that is free: with stderr closed the loop's own pipe would be given log lines. */
static int fill_descriptors(void)
{
	int fd;

	while ((fd = open("/dev/null", O_RDWR)) >= 0 && fd <= STDERR_FILENO)
		;
	if (fd < 0)
		return -1;
	close(fd);
	return 0;
}

int main(int argc, char **argv)
{
	if (fill_descriptors() != 0)
		return 1; /* and nowhere to say so */
	return cli_main(argc, argv, daemon_main);
}

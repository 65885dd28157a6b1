/* arc4random.c - the function by which expat salts its hashes, as glibc has it from 2.36 on; a release runs from 2.34 on. */
#include <errno.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/random.h>

/* The kernel gives nothing only before it has gathered its first entropy, and then it waits, until a signal comes: asked again.
 * Anything else is no machine to run on. */
void arc4random_buf(void *to, size_t n)
{
	for (uint8_t *at = to; n > 0;) {
		ssize_t got = getrandom(at, n, 0);

		if (got < 0 && errno == EINTR)
			continue;
		if (got < 0)
			abort();
		at += got;
		n -= (size_t)got;
	}
}

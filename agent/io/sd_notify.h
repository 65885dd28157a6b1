/* sd_notify.h - tell the service manager (sd_notify(3)): thirty lines instead of a library. Without $NOTIFY_SOCKET nothing
 * happens. The one thing that touches a socket beside the world: it is the daemon's word to its own supervisor. */
#pragma once
#include <stdint.h>

void sd_notify(const char *state); /* "READY=1", "STATUS=...", "WATCHDOG=1", "WATCHDOG_USEC=...", "STOPPING=1" */
uint64_t sd_watchdog_ms(void);     /* how often it wants to hear WATCHDOG=1; 0: never */

/* sigbus.h - files that somebody else's library maps into our memory, and that are cut, or cannot be read, while it looks at them:
 * the kernel's answer to that is SIGBUS, which would end the agent. Between both calls the page reads as zeros instead, and the
 * library finds a damaged file. For the thread that calls alone; what another one does wrong still ends the agent. */
#pragma once

void sigbus_zeros(void);
void sigbus_dies(void); /* again */

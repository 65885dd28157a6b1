/* footprint.h - how much memory the process holds beside what it uses: for the customer's machine is small, and the agent idles. */
#pragma once

/* Before the first thread: all of them share one heap. Each would get an arena of its own, which keeps what its first large file
 * or answer took. */
void footprint_begin(void);
/* Gives back what is not in use: free pieces of the heap, and pages of the program that only its start has touched; what is needed
 * again is read again by itself. Takes less than a millisecond. */
void footprint_shrink(void);

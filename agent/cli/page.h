/* page.h - what a person reads at a terminal: lines in its width, and nothing in them that could steer it. Where the output is no
 * terminal nothing is wrapped, so that what reads it finds whole lines. There are no colours. */
#pragma once
#include <stdbool.h>

/* One line on stdout. Control characters in it become blanks, what is no UTF-8 becomes '?'. What does not fit goes on in the next
 * line, at column `hang` or where the line itself begins, whichever is further right; a long word stays whole. */
void page_line(unsigned hang, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
/* A text of ours, as it is. */
void page_text(const char *text);
/* Its lines, each wrapped; what goes on does so below the second column where a line has one. */
void page_lines(const char *text);
unsigned page_width(void);  /* columns; 0: as long as a line may be */
bool page_is_closed(void);  /* the reader has gone: nothing more need be said */
bool page_has_reader(void); /* asks whether it is still there, without writing */
/* What could not be written was not said: a pipe that is full must not look like success; one that was closed is nobody's fault. */
int page_end(int rc);

/* tail_head.h - what a file is, by its first bytes: lines of text, an archive, or text that the rules could not read. Pure.
 *
 * The customer's rules look for patterns in UTF-8. In UTF-16 each letter of a key stands apart from the next, and a compressed
 * key is not to be seen at all; yet who receives the bytes can read both. So what is no UTF-8 text is not read.
 * Formats are known by their published magic, tar by its checksum, and all others by how unlike text they look. A magic that is
 * printable may be the first word of a log: it is believed together with what no text has. */
#pragma once
#include <stdbool.h>
#include <stddef.h>

#define TAIL_HEAD_BYTES 1024 /* are enough for any answer */

enum tail_head {
	TAIL_HEAD_WAIT, /* too few bytes to tell */
	TAIL_HEAD_TEXT, /* so far: more bytes may still show that it is none, up to TAIL_HEAD_BYTES */
	TAIL_HEAD_ARCHIVE,
	TAIL_HEAD_OTHER, /* another encoding, or nothing that is text */
};

/* s does not begin with NUL. is_final: no more bytes are awaited, so that it never answers WAIT but to none at all. */
enum tail_head tail_head_judge(const char *s, size_t len, bool is_final);
/* Does a piece of a file read as UTF-8? Not so if a quarter of it are characters that no text has, such as the NULs between
 * the letters of UTF-16; is_strict: or bytes of no character. Runs of NUL do not count: they are holes. */
bool tail_head_is_text(const char *s, size_t len, bool is_strict);

#define TAIL_HOLE_BYTES 64 /* so many NULs in a row are a hole */
/* Where the first hole begins that has all its bytes in s; NULL: there is none. */
const char *tail_head_hole(const char *s, size_t len);

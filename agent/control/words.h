/* words.h - what the body of a refusal says in words, for the one who reads the log or the status: a vendor's own sentence, or
 * that of a proxy between us. It is text from outside: one line, at most WORDS_MAX - 1 bytes, and nothing is decided by it. */
#pragma once
#include <stddef.h>

#define WORDS_MAX 201

/* Of JSON its "error" or "message" (also {"error": {"message"}}), of other text its first words without markup; "" when it is
 * no text. */
const char *words_of(const char *body, size_t len, char to[WORDS_MAX]);

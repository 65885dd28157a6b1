/* uuid.h - UUIDs as 16 bytes (RFC 9562): version 7 from a time and randomness that the caller brings, version 8 from a text. */
#pragma once
#include <stdbool.h>
#include <stdint.h>

#include "agent/base/err.h"

#define UUID_LEN 16
#define UUID_TEXT_LEN 37

void uuid_v7(int64_t wall_ms, const uint8_t random[10], uint8_t to[UUID_LEN]);
void uuid_v8(const char *text, uint8_t to[UUID_LEN]); /* the first bytes of its SHA-256: the same text is the same id */
int64_t uuid_v7_ms(const uint8_t id[UUID_LEN]);       /* the time in it, Unix ms */
bool uuid_is_v7(const uint8_t id[UUID_LEN]);          /* its version and variant say so */
const char *uuid_text(const uint8_t id[UUID_LEN], char to[UUID_TEXT_LEN]);
int uuid_parse(const char *s, uint8_t to[UUID_LEN]);

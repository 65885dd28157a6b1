/* pbguard.h - looks a protobuf message over before protobuf-c unpacks it: a few bytes on the wire can cost hundreds in memory
 * (an empty submessage is two bytes there and a whole struct here), and protobuf-c itself knows no limit. */
#pragma once
#include <protobuf-c/protobuf-c.h>
#include <stddef.h>

#include "agent/base/err.h"

/* Counts the fields of the message and of all messages in it, repeated ones each, unknown ones too. More than `fields_max` is
 * -ERR_LIMIT; nesting deeper than eight, cut-off bytes and a known field on the wire in another type are -ERR_INVALID.
 * Nothing is allocated. `what` names the message in the error. */
int pbguard_check(const ProtobufCMessageDescriptor *d, const void *p, size_t len, size_t fields_max, const char *what,
		  struct err *e);
/* Of a message that was checked: does a person see its strings, at any depth, as they were signed? protobuf-c cuts a string short
 * at a NUL, and a character that turns the direction of text shows another sentence. */
int pbguard_texts(const ProtobufCMessageDescriptor *d, const void *p, size_t len, const char *what, struct err *e);

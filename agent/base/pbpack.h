/* pbpack.h - a protobuf message, packed behind what a buffer holds. */
#pragma once
#include <protobuf-c/protobuf-c.h>

#include "agent/base/buf.h"

int pbpack_add(const ProtobufCMessage *m,
	       struct buf *to); /* -ERR_LIMIT: it is larger than the buffer may be, and nothing is added */

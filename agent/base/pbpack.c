/* pbpack.c - see pbpack.h. */
#include "agent/base/pbpack.h"

#include "agent/base/err.h"

int pbpack_add(const ProtobufCMessage *m, struct buf *to)
{
	size_t len = protobuf_c_message_get_packed_size(m);
	char *room = buf_room(to, len);

	if (room == NULL)
		return -ERR_LIMIT;
	protobuf_c_message_pack(m, (uint8_t *)room);
	buf_grew(to, len);
	return 0;
}

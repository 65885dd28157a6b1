/* keys.c - see keys.h. */
#include "agent/aws/keys.h"

#include <string.h>

void keys_copy(struct keys *to, const struct keys *from)
{
	memmove(to->id, from->id, sizeof(to->id));
	secret_copy(&to->secret, &from->secret);
	secret_copy(&to->token, &from->token);
	to->expires_ms = from->expires_ms;
}

void keys_close(struct keys *k)
{
	if (k == NULL)
		return;
	secret_close(&k->secret);
	secret_close(&k->token);
	k->id[0] = '\0';
	k->expires_ms = 0;
}

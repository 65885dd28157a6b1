/* trouble.c - see trouble.h. */
#include "agent/control/trouble.h"

const char *trouble_kind_name(enum trouble_kind k)
{
	static const char *const names[] = { [TROUBLE_KEYS] = "keys",
					     [TROUBLE_NO_ANSWER] = "no_answer",
					     [TROUBLE_REFUSED] = "refused",
					     [TROUBLE_BUSY] = "busy",
					     [TROUBLE_ANSWER] = "answer" };

	return names[k];
}

enum trouble_kind trouble_kind_of(int rc, int http_status)
{
	if (rc != 0)
		return TROUBLE_NO_ANSWER;
	if (http_status == 401 || http_status == 403 || http_status == 404)
		return TROUBLE_REFUSED;
	return http_status == 429 || http_status >= 500 ? TROUBLE_BUSY : TROUBLE_ANSWER;
}

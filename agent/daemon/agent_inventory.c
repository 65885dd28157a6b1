/* agent_inventory.c - what the account holds, as the local socket tells it (docs/inventory.schema.json).
 *
 *   0    it is being taken: ask again        200  the inventory
 *   503  the agent is not that far, or closes; the taking failed; or it takes longer than an asker may wait: "taking" is true */
#include "agent/daemon/agent_impl.h"

#include "agent/base/json.h"
#include "agent/base/mem.h"

static int refuse(const char *why, bool is_taking, json_t **ret)
{
	*ret = json_pack("{s:o, s:b}", "error", json_text(why), "taking", is_taking);
	return 503;
}

static json_t *whole(const struct agent *a, const json_t *told)
{
	json_t *j = json_pack("{s:s, s:s, s:s}", "installation", a->cfg->installation, "account", a->id.caller.account, "region",
			      a->id.instance.region);

	json_object_update(j, (json_t *)told);
	return j;
}

int agent_inventory(struct agent *a, uint64_t since_ms, bool is_last, json_t **ret)
{
	const json_t *told;
	struct err e = { 0 };
	int rc;

	if (a->stocktake == NULL)
		return refuse(agent_summary(a), false, ret);
	rc = stocktake_ask(a->stocktake, since_ms, &told, &e);
	if (rc == -ERR_AGAIN && !is_last)
		return 0;
	if (rc != 0)
		return refuse(err_text(&e), rc == -ERR_AGAIN, ret);
	*ret = whole(a, told);
	return 200;
}

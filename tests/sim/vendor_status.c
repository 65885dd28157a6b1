/* vendor_status.c - STATUS: what a report calls a warehouse is what the same report, and all before it, say of its commands.
 *
 * A warehouse that a command is changing is at no rest, and is called what its verb does. It is Deleted only when the last command
 * that succeeded and said what it is to be like was a delete, and CreateFailed only when there is none, or that was one. When all
 * commands have ended it is at rest. */
#include "tests/sim/fault.h"
#include "tests/sim/tally.h"
#include "tests/sim/vendor_sim_impl.h"

typedef Reeve__Control__V1__Report report_t;
typedef Reeve__Control__V1__ResourceStatus resource_status_t;

#define IS(name) REEVE__CONTROL__V1__RESOURCE_STATUS__##name
#define BIT(name) (1u << IS(name))
#define VERB(name) REEVE__CONTROL__V1__VERB__##name
#define AT_REST (BIT(Running) | BIT(Suspended) | BIT(Stopped) | BIT(Deleted) | BIT(CreateFailed))

static const char *name_of(int status)
{
	const ProtobufCEnumValue *v =
	    protobuf_c_enum_descriptor_get_value(&reeve__control__v1__resource_status__descriptor, status);

	return v != NULL ? v->name : "?";
}

/* What a warehouse may be called while this verb changes it. */
static unsigned becoming(int verb)
{
	switch (verb) {
	case VERB(WAREHOUSE_DELETE):
		return BIT(Deleting);
	case VERB(WAREHOUSE_UPGRADE):
		return BIT(Upgrading);
	case VERB(CLUSTER_REBOOT):
		return BIT(Restarting);
	case VERB(NODES_REPLACE):
		return BIT(Adjusting);
	default:
		return BIT(Creating) | BIT(Resizing) | BIT(Adjusting) | BIT(Suspending) | BIT(Resuming);
	}
}

/* Of a warehouse that is not told nothing is known: bit 31. */
static unsigned told(const report_t *r, const char *warehouse)
{
	for (size_t i = 0; i < r->n_warehouses; i++)
		if (str_eq(r->warehouses[i]->warehouse, warehouse))
			return 1u << r->warehouses[i]->status;
	return 1u << 31;
}

static void see_running(struct vendor_sim *v, const report_t *r, const Reeve__Control__V1__Status *s)
{
	const struct vendor_command *c = NULL;

	for (size_t i = 0; i < v->n; i++)
		if (memcmp(v->commands[i].id, s->command_id.data, UUID_LEN) == 0)
			c = &v->commands[i];
	if (c == NULL || !c->has_changed || s->state != REEVE__CONTROL__V1__STATE__RUNNING)
		return;
	tally(TALLY_CHECK_STATUS);
	if ((told(r, c->target) & becoming(c->verb)) == 0 && fault_is_on(TALLY_CHECK_STATUS))
		odds_broken(v->odds, "command %llu changes %s, which is told as %s", (unsigned long long)c->seq, c->target,
			    name_of(__builtin_ctz(told(r, c->target))));
}

static bool says_what_stands(const struct vendor_command *c)
{
	return c->verb == VERB(WAREHOUSE_APPLY) || c->verb == VERB(WAREHOUSE_UPGRADE) || c->verb == VERB(WAREHOUSE_DELETE);
}

static const struct vendor_command *last_done(const struct vendor_sim *v, const char *warehouse)
{
	const struct vendor_command *last = NULL;

	for (size_t i = 0; i < v->n; i++) {
		const struct vendor_command *c = &v->commands[i];

		if (c->flaw == FLAW_NONE && !c->plan_only && says_what_stands(c) && str_eq(c->target, warehouse) &&
		    vendor_has_result(c) && c->state == REEVE__CONTROL__V1__STATE__SUCCEEDED)
			last = c;
	}
	return last;
}

static void see_rest(struct vendor_sim *v, const Reeve__Control__V1__WarehouseStatus *w)
{
	const struct vendor_command *last = last_done(v, w->warehouse);
	bool is_gone = last != NULL && last->verb == VERB(WAREHOUSE_DELETE);

	if ((w->status == IS(Deleted) && !is_gone) || (w->status == IS(CreateFailed) && last != NULL && !is_gone))
		if (fault_is_on(TALLY_CHECK_STATUS))
			odds_broken(v->odds, "%s is told as %s, and the last command that succeeded was %s", w->warehouse,
				    name_of((int)w->status),
				    last == NULL ? "none"
				    : is_gone    ? "a delete"
						 : "no delete");
}

void vendor_see_warehouses(struct vendor_sim *v, const report_t *r)
{
	for (size_t i = 0; i < r->n_statuses; i++)
		see_running(v, r, r->statuses[i]);
	for (size_t i = 0; i < r->n_warehouses; i++)
		see_rest(v, r->warehouses[i]);
	v->at_work[0] = '\0';
	for (size_t i = 0; i < r->n_warehouses; i++) {
		const Reeve__Control__V1__WarehouseStatus *w = r->warehouses[i];

		if (((1u << w->status) & AT_REST) == 0)
			snprintf(v->at_work, sizeof(v->at_work), "%.32s is %s", w->warehouse, name_of((int)w->status));
	}
}

const char *vendor_at_work(const struct vendor_sim *v)
{
	return v->at_work;
}

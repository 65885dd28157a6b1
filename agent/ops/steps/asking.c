/* asking.c - see asking.h. Whoever is not ours is asked nothing: EC2 is asked for those that bear both ownership tags, and what
 * answers all the same is looked at again here. */
#include "agent/ops/steps/asking.h"

#include <stdio.h>
#include <string.h>

#include "agent/aws/ec2.h"
#include "agent/aws/read.h"
#include "agent/base/cidr.h"
#include "agent/base/json.h"
#include "agent/base/mem.h"
#include "agent/base/str.h"
#include "agent/ops/account/inventory.h"

/* ---- where they are ---- */

static void ask_where(const struct step_ctx *x, struct request *req)
{
	CLEANUP(mem_close) const char **ids = NULL;
	struct ec2_filter filters[] = {
		{ .name = "instance-id" },
		{ "tag:resource-created-by", &x->owner->vendor, 1 },
		{ "tag:reeve:installation", &x->owner->installation, 1 },
	};

	if (step_members(x, "instances", &ids, &filters[0].n, NULL) == 0)
		filters[0].values = ids;
	ec2_describe_instances(req, &(struct ec2_describe){ .filters = filters, .filters_n = ARRAY_LEN(filters), .whole = true });
}

static json_t *row_of(const struct ec2_instance *i)
{
	const char *vendor = ec2_tag_get(&i->tags, "resource-created-by"),
		   *installation = ec2_tag_get(&i->tags, "reeve:installation");

	return json_pack("{s:s, s:s, s:s, s:s, s:s, s:s}", "state", i->state, "vpc", i->vpc_id, "v4", i->private_ip, "v6", i->ipv6,
			 "vendor", vendor != NULL ? vendor : "", "installation", installation != NULL ? installation : "");
}

static json_t *read_where(const struct aws_call *c)
{
	struct ec2_instances list = { 0 };
	struct arena *m = read_arena();
	json_t *rows = NULL;

	if (ec2_read_instances(xml_root(c->xml), m, &list, NULL) == 0 && ec2_next_token(xml_root(c->xml)) == NULL) {
		rows = json_object();
		for (size_t i = 0; i < list.n; i++)
			json_object_set_new(rows, list.v[i].id, row_of(&list.v[i]));
	}
	arena_free(m);
	return rows;
}

const struct step_look asking_where = { "nodes", "ec2:DescribeInstances", ask_where, read_where };

static const json_t *row(const struct step_ctx *x, const char *id)
{
	return json_object_get(json_object_get(x->seen, asking_where.name), id);
}

static bool is_in_vpc(const struct step_ctx *x, const char *address)
{
	const json_t *blocks = json_object_get(x->args, "cidrs");
	struct cidr block, one;

	if (*address == '\0' || strchr(address, '/') != NULL || cidr_parse(address, &one) != 0)
		return false;
	for (size_t i = 0; i < json_array_size(blocks); i++) {
		const char *text = json_string_value(json_array_get(blocks, i));

		if (text != NULL && cidr_parse(text, &block) == 0 && cidr_holds(&block, &one))
			return true;
	}
	return false;
}

/* A node of IPv6 alone has no other. NULL: none that lies in the VPC. */
static const char *address_of(const struct step_ctx *x, const json_t *r)
{
	const char *v4 = json_str_or(r, "v4", ""), *v6 = json_str_or(r, "v6", "");

	if (*v4 != '\0')
		return is_in_vpc(x, v4) ? v4 : NULL;
	return is_in_vpc(x, v6) ? v6 : NULL;
}

/*   not shown, and this command has just made it       coming
 *   not shown                                          gone
 *   of somebody else, or in another VPC                gone
 *   ended, or about to be                              gone
 *   stopped, and this plan has just started it         coming
 *   stopped                                            gone
 *   pending                                            coming
 *   it runs, without an address inside the VPC         gone
 *   else                                               there */
enum asking_is asking_how_is(const struct step_ctx *x, const char *id, const char **why)
{
	const json_t *r = row(x, id);
	const char *state = json_str_or(r, "state", "");
	bool is_started = json_is_true(json_object_get(x->args, "started"));

	*why = r == NULL ? "not there, or not ours" : "not up";
	if (r == NULL)
		return !x->patient && step_made_here(x, id) ? ASKING_COMING : ASKING_GONE;
	if (!str_eq(json_str_or(r, "vendor", ""), x->owner->vendor) ||
	    !str_eq(json_str_or(r, "installation", ""), x->owner->installation) ||
	    !str_eq(json_str_or(r, "vpc", ""), json_str_or(x->args, "vpc_id", "-"))) {
		*why = "not there, or not ours";
		return ASKING_GONE;
	}
	if (str_eq(state, "pending") || (str_starts(state, "stop") && is_started && !x->patient))
		return ASKING_COMING;
	if (!str_eq(state, "running"))
		return ASKING_GONE;
	*why = "without an address inside the VPC";
	return address_of(x, r) != NULL ? ASKING_THERE : ASKING_GONE;
}

/* ---- what they have said ---- */

static json_t *nodes(const struct step_ctx *x)
{
	json_t *all = json_object_get(x->told, "nodes");

	if (all == NULL) {
		all = json_object();
		json_object_set_new(x->told, "nodes", all);
	}
	return all;
}

static json_int_t round_now(const struct step_ctx *x)
{
	return json_int_or(x->told, "round", 1);
}

const char *asking_now(const struct step_ctx *x)
{
	return json_str_or(x->told, "now", "");
}

const char *asking_said(const struct step_ctx *x, const char *id)
{
	return json_str_or(json_object_get(nodes(x), id), "said", NULL);
}

bool asking_is_done(const struct step_ctx *x, const char *id)
{
	return json_is_true(json_object_get(json_object_get(nodes(x), id), "done"));
}

void asking_note(const struct step_ctx *x, const char *text, bool is_done)
{
	json_object_set_new(nodes(x), asking_now(x),
			    json_pack("{s:o, s:I, s:b}", "said", json_text(text), "round", round_now(x), "done", is_done));
}

void asking_status(const struct aws_call *c, char to[64])
{
	if (c->status != 0)
		snprintf(to, 64, "HTTP %d", c->status);
	else
		snprintf(to, 64, "%s", c->err.code == ERR_DENIED ? "an address that is not asked" : "no answer");
}

/* ---- whose turn it is ---- */

static bool is_due(const struct step_ctx *x, const char *id)
{
	const json_t *node = json_object_get(nodes(x), id);
	const char *why;

	return !asking_is_done(x, id) && json_int_or(node, "round", 0) < round_now(x) && asking_how_is(x, id, &why) == ASKING_THERE;
}

static const char *next_one(const struct step_ctx *x)
{
	const json_t *ids = json_object_get(x->args, "instances");

	for (size_t i = 0; i < json_array_size(ids); i++)
		if (is_due(x, json_string_value(json_array_get(ids, i))))
			return json_string_value(json_array_get(ids, i));
	return NULL;
}

enum step_verdict asking_go_on(const struct step_ctx *x)
{
	if (next_one(x) != NULL)
		return STEP_MORE;
	json_object_set_new(x->told, "round", json_integer(round_now(x) + 1));
	return STEP_AGAIN;
}

int asking_ask(const struct step_ctx *x, const char *method, struct request *req, struct err *e)
{
	const char *id = next_one(x), *path, *address;
	char *url, *action;

	TRY(arg_str(x, "path", &path, e));
	if (id == NULL)
		return err_set(e, ERR_INVALID, "no node is there that could be asked");
	json_object_set_new(x->told, "now", json_string(id));
	address = address_of(x, row(x, id));
	url = mem_printf(strchr(address, ':') != NULL ? "http://[%s]:%u%s" : "http://%s:%u%s", address,
			 (unsigned)json_int_or(x->args, "port", 0), path);
	action = mem_printf("%s %s of %s", method, path, id);
	request_node(req, method, action, url);
	request_keep(req, url);
	request_keep(req, action);
	return 0;
}

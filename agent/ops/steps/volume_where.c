/* volume_where.c - see volume_where.h. What answers without our tags all the same is looked at again here. */
#include "agent/ops/steps/volume_where.h"

#include "agent/aws/ec2_volume.h"
#include "agent/aws/read.h"
#include "agent/base/json.h"
#include "agent/base/mem.h"
#include "agent/base/str.h"
#include "agent/ops/account/inventory.h"

static void ask_where(const struct step_ctx *x, struct request *req)
{
	CLEANUP(mem_close) const char **ids = NULL;
	const char *one = json_str_or(x->args, "volume", NULL);
	struct ec2_filter filters[] = {
		{ "volume-id", &one, 1 },
		{ "tag:resource-created-by", &x->owner->vendor, 1 },
		{ "tag:reeve:installation", &x->owner->installation, 1 },
	};

	if (one == NULL && step_members(x, "volumes", &ids, &filters[0].n, NULL) == 0)
		filters[0].values = ids;
	ec2_describe_volumes(req, &(struct ec2_describe){ .filters = filters, .filters_n = ARRAY_LEN(filters), .whole = true });
}

static json_t *row_of(const struct ec2_volume *v)
{
	const char *vendor = ec2_tag_get(&v->tags, "resource-created-by"),
		   *installation = ec2_tag_get(&v->tags, "reeve:installation");

	return json_pack("{s:s, s:s, s:s, s:s, s:s}", "state", v->state, "instance", v->instance, "attachment", v->attachment,
			 "vendor", vendor != NULL ? vendor : "", "installation", installation != NULL ? installation : "");
}

static json_t *read_where(const struct aws_call *c)
{
	struct ec2_volumes list = { 0 };
	struct arena *m = read_arena();
	json_t *rows = NULL;

	if (ec2_read_volumes(xml_root(c->xml), m, &list, NULL) == 0 && ec2_next_token(xml_root(c->xml)) == NULL) {
		rows = json_object();
		for (size_t i = 0; i < list.n; i++)
			json_object_set_new(rows, list.v[i].id, row_of(&list.v[i]));
	}
	arena_free(m);
	return rows;
}

const struct step_look volume_where = { "volume", "ec2:DescribeVolumes", ask_where, read_where };

const json_t *volume_where_row(const struct step_ctx *x, const char *id)
{
	const json_t *row = json_object_get(json_object_get(x->seen, volume_where.name), id);
	bool is_ours = str_eq(json_str_or(row, "vendor", ""), x->owner->vendor) &&
		       str_eq(json_str_or(row, "installation", ""), x->owner->installation);

	return is_ours ? row : NULL;
}

/* op_nodes.c - which nodes a command has left standing, for its result: those that it has launched and those that it planned to
 * stay, by cluster; and which kept volumes they were given.
 *
 * By it a node is known from the moment its command has ended, and not only when the patrol has seen it (wanted.h). */
#include "agent/base/json.h"
#include "agent/ops/op_impl.h"
#include "agent/ops/steps/catalogue.h"
#include "agent/ops/steps/volumes.h"

static bool is_gone(const json_t *deleted, const char *id)
{
	CLEANUP(json_close) json_t *pair = json_pack("[s, s]", resource_instance.kind, id);
	const json_t *one;
	size_t i;

	json_array_foreach(deleted, i, one)
		if (json_equal(one, pair))
			return true;
	return false;
}

static void add_standing(const char *cluster, const json_t *ids, const json_t *deleted, json_t *nodes)
{
	json_t *id;
	size_t i;

	json_array_foreach(ids, i, id) {
		if (is_gone(deleted, json_string_value(id)))
			continue;
		if (json_object_get(nodes, cluster) == NULL)
			json_object_set_new(nodes, cluster, json_array());
		if (!json_has_text(json_object_get(nodes, cluster), json_string_value(id)))
			json_array_append(json_object_get(nodes, cluster), id);
	}
}

/* A wait behind the launch leaves its fact under the same name, and those of another launch may be in it. */
static void add_launched(const struct op *op, const struct step *s, const json_t *deleted, json_t *nodes)
{
	const json_t *ids = json_object_get(op->facts, json_str_or(s->args, "fact", ""));

	add_standing(json_str_or(s->args, "cluster", ""), ids, deleted, nodes);
}

static void add_given(const struct op *op, const struct step *s, const json_t *deleted, json_t *volumes)
{
	CLEANUP(json_close) json_t *args = NULL;
	const char *node;

	if (facts_resolve(s->args, op->facts, &args, NULL) != 0)
		return;
	node = volumes_given_to(args);
	if (node != NULL && !is_gone(deleted, node))
		json_object_set_new(volumes, json_str_or(args, "volume", ""), json_string(node));
}

static void add_step(const struct op *op, size_t plan, size_t step, const json_t *deleted, json_t *nodes, json_t *volumes)
{
	const struct step *s = &op->plans->v[plan].steps[step];

	if (run_is_fresh(op->runs[plan], step))
		return;
	if (s->kind == &kind_launch)
		add_launched(op, s, deleted, nodes);
	else if (s->kind == &kind_attach_volume && !op_has_not_given(op, plan, step))
		add_given(op, s, deleted, volumes);
}

void op_add_nodes(const struct op *op, json_t *result)
{
	const json_t *deleted = json_object_get(result, "deleted");
	json_t *nodes = json_object(), *volumes = json_object(), *ids;
	const char *cluster;

	json_object_foreach(json_object_get(op->plans->json, "staying"), cluster, ids)
		add_standing(cluster, ids, deleted, nodes);
	for (size_t i = 0; i < op->plans->n; i++)
		for (size_t k = 0; op->runs[i] != NULL && k < op->plans->v[i].n; k++)
			add_step(op, i, k, deleted, nodes, volumes);
	if (json_object_size(nodes) > 0)
		json_object_set(result, "nodes", nodes);
	if (json_object_size(volumes) > 0)
		json_object_set(result, "volumes", volumes);
	json_decref(nodes);
	json_decref(volumes);
}

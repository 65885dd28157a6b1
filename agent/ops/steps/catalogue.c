/* catalogue.c - all step kinds in one table, their things in another, and what they share in reading their arguments; step.c
 * judges for them. */
#include <assert.h>
#include <string.h>

#include "agent/aws/ec2.h"
#include "agent/aws/elb.h"
#include "agent/aws/sts.h"
#include "agent/base/json.h"
#include "agent/base/mem.h"
#include "agent/base/str.h"
#include "agent/ops/steps/catalogue.h"

static const struct step_kind *const kinds[] = {
	&kind_create_security_group,
	&kind_authorize_ingress,
	&kind_revoke_ingress,
	&kind_authorize_egress,
	&kind_revoke_egress,
	&kind_describe_rule_ingress,
	&kind_describe_rule_egress,
	&kind_delete_security_group,
	&kind_launch,
	&kind_wait_running,
	&kind_attach_volume,
	&kind_wait_status_ok,
	&kind_wait_answers,
	&kind_drain,
	&kind_wait_time,
	&kind_terminate,
	&kind_wait_terminated,
	&kind_stop,
	&kind_wait_stopped,
	&kind_start,
	&kind_modify_type,
	&kind_reboot,
	&kind_modify_volume,
	&kind_wait_modified,
	&kind_create_target_group,
	&kind_create_load_balancer,
	&kind_wait_load_balancer,
	&kind_create_listener,
	&kind_modify_listener,
	&kind_register,
	&kind_wait_healthy,
	&kind_deregister,
	&kind_wait_drained,
	&kind_wait_serving,
	&kind_wait_left,
	&kind_delete_listener,
	&kind_delete_load_balancer,
	&kind_delete_target_group,
	&kind_create_tags,
	&kind_delete_tags,
	&kind_add_tags,
	&kind_remove_tags,
	NULL,
};

static const struct resource *const resources[] = {
	&resource_instance, &resource_volume,       &resource_interface,     &resource_stopped,  &resource_security_group,
	&resource_rule,     &resource_target_group, &resource_load_balancer, &resource_listener, NULL,
};

/* sts: who we are, and the keys of the operate role. */
static const struct aws_service *const services[] = { &ec2_service, &elb_service, &sts_service, NULL };

_Static_assert(ARRAY_LEN(services) <= AWS_ENDPOINTS_MAX, "each may have an endpoint of its own");

const struct aws_service *const *catalogue_services(void)
{
	return services;
}

/* First the one without which nothing changes, then those without which no node starts: a person who writes a policy meets them in
 * this order. */
static const struct bound *const bounds[] = {
	&bound_warehouses,
	&bound_instance_types,
	&bound_images,
	&bound_subnets,
	&bound_nodes_per_cluster,
	&bound_nodes_total,
	&bound_instance_profiles,
	&bound_user_data,
	&bound_kms_keys,
	&bound_volumes_per_node,
	&bound_volume_types,
	&bound_volume_gib,
	&bound_iops,
	&bound_throughput,
	&bound_cidrs,
	&bound_prefix_lists,
	&bound_egress_cidrs,
	&bound_egress_prefix_lists,
	&bound_ports,
	&bound_balancers,
	&bound_node_http,
	&bound_tag_keys,
	NULL,
};

_Static_assert(ARRAY_LEN(bounds) <= BOUNDS_MAX + 1, "each has a place in struct bounds and in the IAM lists");

const struct bound *const *catalogue_bounds(void)
{
	return bounds;
}

size_t catalogue_place_of(const struct bound *b)
{
	size_t i = 0;

	while (bounds[i] != b && bounds[i] != NULL)
		i++;
	assert(bounds[i] != NULL); /* a bound that the catalogue does not name is read from no policy */
	return i;
}

const struct resource *const *catalogue_resources(void)
{
	return resources;
}

const struct step_kind *const *catalogue_all(void)
{
	return kinds;
}

const struct step_kind *catalogue_find(const char *name)
{
	for (const struct step_kind *const *k = kinds; *k != NULL; k++)
		if (str_eq((*k)->name, name))
			return *k;
	return NULL;
}

uint32_t step_deletes(const struct step_kind *k, const json_t *args)
{
	const json_t *what = k->removes_arg != NULL ? json_object_get(args, k->removes_arg) : NULL;

	return json_is_array(what) ? (uint32_t)json_array_size(what) : what != NULL;
}

int arg_str(const struct step_ctx *x, const char *name, const char **ret, struct err *e)
{
	return json_get_str(x->args, name, ret, e);
}

int arg_strs(const struct step_ctx *x, const char *name, const char ***ret, size_t *ret_n, struct err *e)
{
	const json_t *list = json_object_get(x->args, name);
	size_t n = json_array_size(list);
	const char **v;

	if (!json_is_array(list))
		return err_set(e, ERR_INVALID, "argument \"%s\" is not a list", name);
	v = mem_grow(NULL, n, sizeof(*v));
	for (size_t i = 0; i < n; i++) {
		v[i] = json_string_value(json_array_get(list, i));
		if (v[i] == NULL) {
			mem_free(v);
			return err_set(e, ERR_INVALID, "argument \"%s\" holds something that is not a text", name);
		}
	}
	*ret = v;
	*ret_n = n;
	return 0;
}

int arg_tags(const struct step_ctx *x, struct ec2_tag **ret, size_t *ret_n, struct err *e)
{
	json_t *tags = json_object_get(x->args, "tags"), *value;
	const char *key;
	struct ec2_tag *v = NULL;
	size_t n = 0;

	if (!json_is_object(tags))
		return err_set(e, ERR_INVALID, "argument \"tags\" is missing");
	v = mem_grow(NULL, json_object_size(tags) + 1, sizeof(*v));
	v[n++] = (struct ec2_tag){ "reeve:command", x->command };
	json_object_foreach(tags, key, value) {
		if (str_eq(key, "reeve:command"))
			continue; /* a plan of the version that wrote it there: AWS refuses a key that comes twice */
		v[n++] = (struct ec2_tag){ key, json_string_value(value) };
		if (!json_is_string(value)) {
			mem_free(v);
			return err_set(e, ERR_INVALID, "argument \"tags\" holds something that is not a text");
		}
	}
	*ret = v;
	*ret_n = n;
	return 0;
}

void arg_print_strs(const json_t *args, const char *name, struct buf *to)
{
	const json_t *list = json_object_get(args, name);

	for (size_t i = 0; i < json_array_size(list); i++)
		buf_addf(to, "%s%s", i > 0 ? ", " : "", json_string_value(json_array_get(list, i)));
}

void fact_set(const struct step_ctx *x, json_t *value)
{
	json_object_set_new(x->facts, json_str_or(x->args, "fact", "?"), value);
}

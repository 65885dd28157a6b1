/* catalogue.h - all step kinds, all kinds of things that they make and remove, the services that they ask, and the bounds of a
 * policy that they ask for. A new one is named here and in catalogue.c, stands in a file of its own, and is planned by a planner;
 * nothing else need know of it: what is wanted of it stands in the spec. */
#pragma once
#include "agent/ops/steps/bound.h"
#include "agent/ops/steps/step.h"

/* Every kind, ended by NULL. */
const struct step_kind *const *catalogue_all(void);
const struct step_kind *catalogue_find(const char *name);
/* Every service that is asked, ended by NULL; at most AWS_ENDPOINTS_MAX. */
const struct aws_service *const *catalogue_services(void);
/* Every bound of a policy, ended by NULL, in the order in which they are told and judged. */
const struct bound *const *catalogue_bounds(void);
size_t catalogue_place_of(const struct bound *b); /* in that list */
/* Every kind of thing, ended by NULL. */
const struct resource *const *catalogue_resources(void);

extern const struct step_kind kind_create_security_group, kind_authorize_ingress, kind_revoke_ingress, kind_delete_security_group;
extern const struct step_kind kind_authorize_egress, kind_revoke_egress;
extern const struct step_kind kind_describe_rule_ingress, kind_describe_rule_egress;
extern const struct step_kind kind_launch, kind_wait_running, kind_wait_status_ok, kind_terminate, kind_wait_terminated;
extern const struct step_kind kind_stop, kind_wait_stopped, kind_start, kind_modify_type, kind_reboot;
extern const struct step_kind kind_wait_answers, kind_drain, kind_wait_time;
extern const struct step_kind kind_modify_volume, kind_wait_modified, kind_attach_volume;
extern const struct step_kind kind_create_target_group, kind_create_load_balancer, kind_wait_load_balancer;
extern const struct step_kind kind_create_listener, kind_modify_listener;
extern const struct step_kind kind_register, kind_wait_healthy, kind_deregister, kind_wait_drained, kind_wait_serving,
    kind_wait_left;
extern const struct step_kind kind_delete_listener, kind_delete_load_balancer, kind_delete_target_group;
extern const struct step_kind kind_create_tags, kind_delete_tags, kind_add_tags, kind_remove_tags;

extern const struct bound bound_balancers; /* the others: bound.h */

extern const struct resource resource_instance, resource_volume, resource_interface, resource_stopped;
extern const struct resource resource_security_group, resource_rule;
extern const struct resource resource_target_group, resource_load_balancer, resource_listener;

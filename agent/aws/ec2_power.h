/* ec2_power.h - EC2 2016-11-15: nodes that are there are stopped, started, rebooted, or made of another type. Pure builders; their
 * answers say no more than that they were taken. */
#pragma once
#include "agent/aws/ec2.h"

void ec2_stop_instances(struct request *req, const char *const *ids, size_t n); /* an orderly shutdown: never forced */
void ec2_start_instances(struct request *req, const char *const *ids, size_t n);
void ec2_reboot_instances(struct request *req, const char *const *ids, size_t n);
void ec2_modify_instance_type(struct request *req, const char *id, const char *type); /* it must be stopped */

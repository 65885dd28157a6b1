/* ec2_power.c - see ec2_power.h. */
#include "agent/aws/ec2_power.h"

#define VERSION "2016-11-15"

static void ask(struct request *req, const char *action, const char *const *ids, size_t n)
{
	request_query(req, &ec2_service, action, VERSION);
	for (size_t i = 0; i < n; i++)
		request_add(req, ids[i], "InstanceId.%zu", i + 1);
}

void ec2_stop_instances(struct request *req, const char *const *ids, size_t n)
{
	ask(req, "StopInstances", ids, n);
}

void ec2_start_instances(struct request *req, const char *const *ids, size_t n)
{
	ask(req, "StartInstances", ids, n);
}

void ec2_reboot_instances(struct request *req, const char *const *ids, size_t n)
{
	ask(req, "RebootInstances", ids, n);
}

void ec2_modify_instance_type(struct request *req, const char *id, const char *type)
{
	request_query(req, &ec2_service, "ModifyInstanceAttribute", VERSION);
	request_add(req, id, "InstanceId");
	request_add(req, type, "InstanceType.Value");
}

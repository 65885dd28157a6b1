/* ec2_status.c - see ec2_status.h. */
#include "agent/aws/ec2_status.h"

#include "agent/aws/read.h"
#include "agent/base/mem.h"
#include "agent/base/str.h"

void ec2_describe_status(struct request *req, const char *const *ids, size_t n)
{
	ec2_describe(req, "DescribeInstanceStatus", &(struct ec2_describe){ .whole = true });
	request_add(req, "true", "IncludeAllInstances");
	for (size_t i = 0; i < n; i++)
		request_add(req, ids[i], "InstanceId.%zu", i + 1);
}

static const struct read_member members[] = {
	{ "instanceId", offsetof(struct ec2_status, id), READ_ID, true },
	{ "instanceState/name", offsetof(struct ec2_status, state), READ_WORD, false },
	{ "systemStatus/status", offsetof(struct ec2_status, system), READ_WORD, false },
	{ "instanceStatus/status", offsetof(struct ec2_status, instance), READ_WORD, false },
};

/* An event that is over, or was called off, is shown for a week more: its description says so first. */
static const char *ending_in(const struct xml_node *n)
{
	const struct xml_node *set = xml_find(n, "eventsSet"), *ev = NULL;

	while (set != NULL && (ev = xml_next(set, ev, "item")) != NULL) {
		const char *code = xml_get(ev, "code"), *about = xml_get(ev, "description");

		if (str_starts(about, "[Completed]") || str_starts(about, "[Canceled]"))
			continue;
		if (str_eq(code, "instance-stop"))
			return "instance-stop";
		if (str_eq(code, "instance-retirement"))
			return "instance-retirement";
	}
	return NULL;
}

static int read_status(const struct xml_node *n, struct arena *m, struct ec2_status *s, struct err *e)
{
	s->ending = ending_in(n);
	return read_members(m, n, members, ARRAY_LEN(members), s, e);
}

int ec2_read_statuses(const struct xml_node *root, struct arena *m, struct ec2_statuses *ret, struct err *e)
{
	const struct xml_node *set, *c = NULL;
	struct ec2_statuses all = *ret;

	TRY(read_list(root, "instanceStatusSet", &set, e));
	all.v = read_grow(m, set, all.v, all.n, read_count(set, "item"), sizeof(*all.v), e);
	if (all.v == NULL)
		return -ERR_LIMIT;
	while ((c = xml_next(set, c, "item")) != NULL)
		TRY(read_status(c, m, &all.v[all.n++], e));
	*ret = all;
	return 0;
}

/* aws_sim_volume.c - volumes: what a launch makes, how they are changed in place, what is told of both, who keeps them, and who
 * gets what another has left.
 *
 * A change is taken at once, shown some seconds later, done as far as size goes when it optimizes, and over when it is completed.
 * There may be one at a time, and four in a rolling day. AWS shows the newest change alone (EC2 API Reference,
 * DescribeVolumesModifications).
 *
 * A kept volume hangs on its node for a while when that has ended already. One that is attached is shown so some seconds later. */
#include "agent/base/stamp.h"
#include "tests/sim/aws_sim_impl.h"
#include "tests/sim/vendor_sim.h"

#define DAY_MS 86400000ull
#define CHANGES_MAX 4

/* ---- how a volume stands, which is a question of time alone ---- */

static bool is_detached(const struct aws_sim *a, const struct aws_volume *v)
{
	return v->node == NULL || (v->node->terminated_ms != 0 && aws_now(a) >= v->node->terminated_ms + v->lingers_ms);
}

/* Attached by a call that nobody is shown yet. */
static bool is_hidden(const struct aws_sim *a, const struct aws_volume *v)
{
	return v->taken_ms != 0 && aws_now(a) < v->shown_ms;
}

bool aws_volume_is_free(const struct aws_sim *a, const struct aws_volume *v)
{
	return aws_volume_is_there(a, v) && is_detached(a, v);
}

bool aws_volume_is_there(const struct aws_sim *a, const struct aws_volume *v)
{
	return aws_is_there(a, &v->t) && (v->is_kept || !is_detached(a, v));
}

struct aws_form aws_volume_form(const struct aws_sim *a, const struct aws_volume *v)
{
	struct aws_form f = v->born;

	for (size_t i = 0; i < v->changes_n; i++)
		if (aws_now(a) >= v->changes[i].optimizing_ms)
			f = v->changes[i].to;
	return f;
}

static const struct aws_change *newest(const struct aws_volume *v)
{
	return v->changes_n > 0 ? &v->changes[v->changes_n - 1] : NULL;
}

static const char *state_of(const struct aws_sim *a, const struct aws_change *c)
{
	uint64_t now = aws_now(a);

	return now >= c->completed_ms ? "completed" : now >= c->optimizing_ms ? "optimizing" : "modifying";
}

/* ---- made ---- */

static void take_form(const struct form_sim *f, const char *prefix, struct aws_form *to)
{
	char name[64];
	const char *type;

	snprintf(name, sizeof(name), "%s%s", prefix, *prefix != '\0' ? "VolumeSize" : "Size");
	to->size_gib = (unsigned)form_sim_int(f, name, to->size_gib);
	snprintf(name, sizeof(name), "%sIops", prefix);
	to->iops = (unsigned)form_sim_int(f, name, to->iops);
	snprintf(name, sizeof(name), "%sThroughput", prefix);
	to->throughput = (unsigned)form_sim_int(f, name, to->throughput);
	type = form_sim_get(f, "%sVolumeType", prefix);
	if (type != NULL)
		snprintf(to->type, sizeof(to->type), "%s", type);
}

static void add(struct aws_sim *a, struct aws_volume *v)
{
	a->volumes = mem_grow(a->volumes, a->volumes_n + 1, sizeof(*a->volumes));
	a->volumes[a->volumes_n++] = v;
}

static void make_one(struct aws_ask *q, struct aws_instance *i, unsigned n)
{
	struct aws_volume *v = mem_new(struct aws_volume);
	const char *kept = form_sim_get(q->f, "BlockDeviceMapping.%u.Ebs.DeleteOnTermination", n);
	char prefix[64];

	snprintf(v->t.id, sizeof(v->t.id), "vol-%.150s-%u", i->t.id, n - 1);
	snprintf(v->t.command, sizeof(v->t.command), "%s", aws_command_of(q));
	v->t.made_ms = i->t.made_ms;
	snprintf(v->device, sizeof(v->device), "%s", form_sim_get(q->f, "BlockDeviceMapping.%u.DeviceName", n));
	v->node = i;
	snprintf(v->zone, sizeof(v->zone), "%s", aws_zone_of(i->subnet));
	v->is_root = n == 1;
	v->is_kept = str_eq(kept, "false");
	v->lingers_ms = v->is_kept && !q->a->odds->calm ? odds_between(q->a->odds, 0, 40000) : 0;
	v->born = (struct aws_form){ .type = "gp3", .size_gib = 8, .iops = 3000, .throughput = 125 };
	snprintf(prefix, sizeof(prefix), "BlockDeviceMapping.%u.Ebs.", n);
	take_form(q->f, prefix, &v->born);
	aws_tags_of_kind(q, "volume", &v->t);
	add(q->a, v);
}

void aws_make_volumes(struct aws_ask *q, struct aws_instance *i)
{
	for (unsigned n = 1; form_sim_get(q->f, "BlockDeviceMapping.%u.DeviceName", n) != NULL; n++)
		make_one(q, i, n);
}

/* ---- told ---- */

static void write_attachment(const struct aws_sim *a, const struct aws_volume *v, struct buf *b)
{
	xmlw_open(b, "item");
	xmlw_text(b, "volumeId", "%s", v->t.id);
	xmlw_text(b, "instanceId", "%s", v->node->t.id);
	xmlw_text(b, "device", "%s", v->device);
	xmlw_text(b, "status", aws_now(a) >= v->attached_ms ? "attached" : "attaching");
	xmlw_text(b, "deleteOnTermination", "%s", v->is_kept ? "false" : "true");
	xmlw_close(b, "item");
}

bool aws_is_mapped(const struct aws_sim *a, const struct aws_volume *v, const struct aws_instance *i)
{
	return v->node == i && aws_now(a) >= v->attached_ms;
}

/* In the description of its instance. */
void aws_write_mapping(const struct aws_volume *v, struct buf *b)
{
	xmlw_open(b, "item");
	xmlw_text(b, "deviceName", "%s", v->device);
	xmlw_open(b, "ebs");
	xmlw_text(b, "volumeId", "%s", v->t.id);
	xmlw_text(b, "status", "attached");
	xmlw_text(b, "deleteOnTermination", "%s", v->is_kept ? "false" : "true");
	xmlw_close(b, "ebs");
	xmlw_close(b, "item");
}

static void write_volume(struct aws_sim *a, const struct aws_volume *v, struct buf *b)
{
	struct aws_form f = aws_volume_form(a, v);
	char stamp[STAMP_RFC3339_LEN];

	xmlw_open(b, "item");
	xmlw_text(b, "volumeId", "%s", v->t.id);
	xmlw_text(b, "size", "%u", f.size_gib);
	xmlw_text(b, "snapshotId", "%s", v->is_root ? "snap-0001" : "");
	xmlw_text(b, "availabilityZone", "%s", v->zone);
	xmlw_text(b, "createTime", "%s", stamp_rfc3339(aws_sim_wall_ms(a) - (int64_t)(aws_now(a) - v->t.made_ms), stamp));
	xmlw_text(b, "status", "%s", is_detached(a, v) || is_hidden(a, v) ? "available" : "in-use");
	xmlw_text(b, "volumeType", "%s", f.type);
	xmlw_text(b, "iops", "%u", f.iops);
	xmlw_text(b, "throughput", "%u", f.throughput);
	xmlw_text(b, "encrypted", "true");
	xmlw_text(b, "kmsKeyId", "arn:aws:kms:" AWS_REGION ":" AWS_ACCOUNT ":key/default");
	xmlw_open(b, "attachmentSet");
	if (!is_detached(a, v) && !is_hidden(a, v))
		write_attachment(a, v, b);
	xmlw_close(b, "attachmentSet");
	aws_write_tags(b, &v->t);
	xmlw_close(b, "item");
}

static enum aws_fits fits(struct aws_ask *q, const void *thing, const char *name, unsigned filter)
{
	const struct aws_volume *v = thing;

	if (str_eq(name, "volume-id"))
		return aws_filter_has(q, filter, v->t.id);
	if (str_eq(name, "attachment.instance-id"))
		return !is_detached(q->a, v) && aws_filter_has(q, filter, v->node->t.id);
	return AWS_NO_FILTER;
}

/* What is attached is told once it is, which takes about as long as the start of its instance. */
static bool shows(struct aws_sim *a, const struct aws_volume *v)
{
	return aws_volume_is_there(a, v) && (is_detached(a, v) || (aws_shows(a, &v->node->t) && aws_now(a) >= v->node->running_ms));
}

void aws_describe_volumes(struct aws_ask *q)
{
	struct aws_sim *a = q->a;
	struct aws_page p = aws_page_start(q, "NextToken", "MaxResults");

	xmlw_open(q->xml, "volumeSet");
	for (size_t i = p.at; i < a->volumes_n; i++) {
		struct aws_volume *v = a->volumes[i];

		if (!aws_passes(q, &v->t, fits, v) || !shows(a, v) || aws_page_misses(q, &p, &v->t))
			continue;
		if (!aws_page_takes(&p, i))
			break;
		write_volume(a, v, q->xml);
	}
	xmlw_close(q->xml, "volumeSet");
	if (p.more)
		xmlw_text(q->xml, "nextToken", "t%zu", p.at);
}

static void write_change(struct aws_sim *a, const struct aws_volume *v, const struct aws_change *c, struct buf *b)
{
	char stamp[STAMP_RFC3339_LEN];
	const char *state = state_of(a, c);

	xmlw_open(b, "item");
	xmlw_text(b, "volumeId", "%s", v->t.id);
	xmlw_text(b, "modificationState", "%s", state);
	xmlw_text(b, "targetSize", "%u", c->to.size_gib);
	xmlw_text(b, "targetIops", "%u", c->to.iops);
	xmlw_text(b, "targetThroughput", "%u", c->to.throughput);
	xmlw_text(b, "targetVolumeType", "%s", c->to.type);
	xmlw_text(b, "progress", "%u", str_eq(state, "completed") ? 100u : str_eq(state, "optimizing") ? 37u : 0u);
	xmlw_text(b, "startTime", "%s", stamp_rfc3339(aws_sim_wall_ms(a) - (int64_t)(aws_now(a) - c->start_ms), stamp));
	xmlw_close(b, "item");
}

/* The newest that is shown already, and no other. */
static void write_newest(struct aws_sim *a, const struct aws_volume *v, struct buf *b)
{
	size_t i = v->changes_n;

	while (i > 0 && aws_now(a) < v->changes[i - 1].shown_ms)
		i--;
	if (i > 0)
		write_change(a, v, &v->changes[i - 1], b);
}

void aws_describe_modifications(struct aws_ask *q)
{
	struct aws_sim *a = q->a;

	if (form_sim_get(q->f, "Filter.1.Name") == NULL && form_sim_get(q->f, "VolumeId.1") == NULL)
		odds_broken(a->odds, "all volumes of the account are asked for their changes");
	xmlw_open(q->xml, "volumeModificationSet");
	for (size_t i = 0; i < a->volumes_n; i++)
		if (aws_passes(q, &a->volumes[i]->t, fits, a->volumes[i]) && aws_volume_is_there(a, a->volumes[i]))
			write_newest(a, a->volumes[i], q->xml);
	xmlw_close(q->xml, "volumeModificationSet");
}

/* ---- changed ---- */

struct aws_volume *aws_volume_of(const struct aws_sim *a, const char *id)
{
	for (size_t i = 0; i < a->volumes_n; i++)
		if (str_eq(a->volumes[i]->t.id, id) && aws_volume_is_there(a, a->volumes[i]))
			return a->volumes[i];
	return NULL;
}

static unsigned changed_today(const struct aws_sim *a, const struct aws_volume *v)
{
	unsigned n = 0;

	for (size_t i = 0; i < v->changes_n; i++)
		n += aws_now(a) - v->changes[i].start_ms < DAY_MS;
	return n;
}

static void refuse_change(struct aws_ask *q, const struct aws_volume *v, const struct aws_form *to)
{
	const struct aws_change *c = newest(v);

	if (!str_eq(aws_tag_of(&v->t, "reeve:installation"), VENDOR_INSTALLATION)) {
		odds_broken(q->a->odds, "a volume of somebody else is to be changed");
		aws_refuse(q, 403, "UnauthorizedOperation", "You are not authorized to perform this operation.");
	} else if ((c != NULL && aws_now(q->a) < c->completed_ms) || odds_hit(q->a->odds, TALLY_AWS_CHANGING)) {
		odds_came(q->a->odds, TALLY_AWS_CHANGING);
		aws_refuse(q, 400, "IncorrectModificationState", "Volume %s cannot be modified in modification state OPTIMIZING",
			   v->t.id);
	} else if (odds_hit(q->a->odds, TALLY_AWS_CHANGES_FULL) || changed_today(q->a, v) >= CHANGES_MAX) {
		/* Somebody else's hands count, too, and of theirs AWS shows none but the newest. */
		odds_came(q->a->odds, TALLY_AWS_CHANGES_FULL);
		aws_refuse(q, 400, "VolumeModificationRateExceeded",
			   "You've reached the maximum modification rate per volume limit.");
	} else if (to->size_gib < aws_volume_form(q->a, v).size_gib) {
		odds_broken(q->a->odds, "a volume is to shrink");
		aws_refuse(q, 400, "InvalidParameterValue", "New size cannot be smaller than existing size");
	}
}

void aws_modify_volume(struct aws_ask *q)
{
	struct aws_sim *a = q->a;
	struct aws_volume *v = aws_volume_of(a, form_sim_get(q->f, "VolumeId"));
	struct aws_change c = { .start_ms = aws_now(a) };

	if (v == NULL) {
		aws_refuse(q, 400, "InvalidVolume.NotFound", "The volume '%s' does not exist.", form_sim_get(q->f, "VolumeId"));
		return;
	}
	c.to = aws_volume_form(a, v);
	take_form(q->f, "", &c.to);
	refuse_change(q, v, &c.to);
	if (q->code != NULL)
		return;
	c.shown_ms = c.start_ms + (a->odds->calm ? 0 : odds_between(a->odds, 0, 20000));
	c.optimizing_ms = c.shown_ms + odds_between(a->odds, 1000, 60000);
	c.completed_ms = c.optimizing_ms + (a->optimizing_ms != 0 ? a->optimizing_ms : odds_between(a->odds, 1000, 900000));
	v->changes = mem_grow(v->changes, v->changes_n + 1, sizeof(*v->changes));
	v->changes[v->changes_n++] = c;
	q->changed = true;
	xmlw_open(q->xml, "volumeModification");
	xmlw_text(q->xml, "volumeId", "%s", v->t.id);
	xmlw_text(q->xml, "modificationState", "modifying");
	xmlw_close(q->xml, "volumeModification");
}

/* ---- attached ---- */

static bool has_device(const struct aws_sim *a, const struct aws_instance *i, const char *device)
{
	for (size_t n = 0; n < a->volumes_n; n++)
		if (a->volumes[n]->node == i && str_eq(a->volumes[n]->device, device) && !is_detached(a, a->volumes[n]))
			return true;
	return false;
}

static bool is_ours(const struct aws_thing *t)
{
	return str_eq(aws_tag_of(t, "reeve:installation"), VENDOR_INSTALLATION);
}

/* What no plan may ask for. */
static void check_attach(struct aws_ask *q, const struct aws_volume *v, const struct aws_instance *i, const char *device)
{
	const char *wrong = !is_ours(&v->t)                               ? "a volume of somebody else is to be attached"
			    : !is_ours(&i->t)                             ? "a volume is to be attached to somebody else's node"
			    : v->is_root || !v->is_kept                   ? "a volume is to be attached that goes with its node"
			    : !str_eq(v->zone, aws_zone_of(i->subnet))    ? "a volume is to be attached in another zone"
			    : has_device(q->a, i, device) && v->node != i ? "a second volume is to be attached at one device"
									  : NULL;

	if (wrong == NULL)
		return;
	odds_broken(q->a->odds, "%s: %s to %s", wrong, v->t.id, i->t.id);
	aws_refuse(q, 400, str_eq(v->zone, aws_zone_of(i->subnet)) ? "InvalidParameterValue" : "InvalidVolume.ZoneMismatch",
		   "The volume '%s' cannot be attached", v->t.id);
}

static void refuse_attach(struct aws_ask *q, const struct aws_volume *v, const struct aws_instance *i)
{
	if (i->lost_ms != 0 && !is_ours(&i->t)) {
		/* It was ours when it was launched for this volume; the role may touch what bears our tags. */
		aws_refuse(q, 403, "UnauthorizedOperation", "You are not authorized to perform this operation.");
	} else if (!is_detached(q->a, v)) {
		odds_came(q->a->odds, TALLY_AWS_VOLUME_HELD);
		aws_refuse(q, 400, "VolumeInUse", "%s is already attached to an instance", v->t.id);
	} else if (odds_hit(q->a->odds, TALLY_AWS_VOLUME_BUSY)) {
		aws_refuse(q, 400, "IncorrectState", "The volume '%s' is not 'available'.", v->t.id);
	} else if (!aws_is_running(q->a, i) && !aws_is_stopped(q->a, i)) {
		aws_refuse(q, 400, "IncorrectState", "Instance '%s' is not 'running'.", i->t.id);
	}
}

void aws_attach_volume(struct aws_ask *q)
{
	struct aws_sim *a = q->a;
	struct aws_volume *v = aws_volume_of(a, form_sim_get(q->f, "VolumeId"));
	struct aws_instance *i = aws_instance_of(a, form_sim_get(q->f, "InstanceId"));

	if (v == NULL)
		aws_refuse(q, 400, "InvalidVolume.NotFound", "The volume '%s' does not exist.", form_sim_get(q->f, "VolumeId"));
	else if (i == NULL || !aws_knows(a, &i->t))
		aws_refuse(q, 400, "InvalidInstanceID.NotFound", "The instance ID does not exist");
	if (q->code == NULL)
		refuse_attach(q, v, i);
	if (q->code == NULL)
		check_attach(q, v, i, form_sim_get(q->f, "Device"));
	if (q->code != NULL)
		return;
	v->node = i;
	snprintf(v->device, sizeof(v->device), "%s", form_sim_get(q->f, "Device"));
	v->taken_ms = aws_now(a);
	v->shown_ms = v->taken_ms + (a->odds->calm ? 0 : odds_between(a->odds, 0, 10000));
	v->attached_ms = v->shown_ms + odds_between(a->odds, 0, 10000);
	q->changed = true;
	xmlw_text(q->xml, "volumeId", "%s", v->t.id);
	xmlw_text(q->xml, "instanceId", "%s", i->t.id);
	xmlw_text(q->xml, "status", "attaching");
}

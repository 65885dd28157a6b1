/* planning.c - see planning.h. */
#include "agent/ops/plan/planning.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "agent/base/mem.h"
#include "agent/base/str.h"
#include "agent/ops/steps/field.h"

bool planning_is_of_warehouse(const struct planning *p, const struct ec2_tags *t)
{
	return str_eq(ec2_tag_get(t, "reeve:warehouse"), p->warehouse);
}

json_t *planning_ref(const char *id, const char *kind, const char *name)
{
	return id != NULL ? json_string(id) : json_sprintf("@%s.%s", kind, name);
}

json_t *planning_text(const char *s)
{
	size_t n;
	const char *at = field_trim(s, &n);

	return json_stringn(at, n);
}

static void set_tag(json_t *to, const tag_t *tag)
{
	size_t n;
	const char *key = field_trim(tag->key, &n);

	json_object_setn_new(to, key, n, planning_text(tag->value));
}

static void set_tags(json_t *to, const spec_t *spec, tag_t *const *more, size_t more_n)
{
	for (size_t i = 0; i < spec->n_tags; i++)
		set_tag(to, spec->tags[i]);
	for (size_t i = 0; i < more_n; i++)
		set_tag(to, more[i]);
}

const char *planning_short_digest(const json_t *json, char to[PLANNING_SHORT_LEN])
{
	/* The keys are sorted, because their order in an object says nothing, and may differ between two plans. */
	char *text = json_dumps(json, JSON_SORT_KEYS | JSON_COMPACT | JSON_ENCODE_ANY), hex[DIGEST_HEX_LEN];
	struct digest d = digest_of(text != NULL ? text : "", text != NULL ? strlen(text) : 0);

	snprintf(to, PLANNING_SHORT_LEN, "%.*s", PLANNING_SHORT_LEN - 1, digest_hex(&d, hex));
	free(text);
	return to;
}

json_t *planning_user_tags(const spec_t *spec, tag_t *const *more, size_t more_n)
{
	json_t *t = json_object();

	set_tags(t, spec, more, more_n);
	return t;
}

const char *planning_tags_digest(const spec_t *spec, tag_t *const *more, size_t more_n, char to[PLANNING_SHORT_LEN])
{
	json_t *t = planning_user_tags(spec, more, more_n);

	planning_short_digest(t, to);
	json_decref(t);
	return to;
}

json_t *planning_tags(const struct planning *p, const char *cluster, const char *step, tag_t *const *more, size_t more_n)
{
	json_t *t = json_object();
	char digest[PLANNING_SHORT_LEN];

	json_object_set_new(t, "resource-created-by", json_string(p->a->owner.vendor));
	json_object_set_new(t, "reeve:installation", json_string(p->a->owner.installation));
	json_object_set_new(t, "reeve:warehouse", json_string(p->warehouse));
	if (cluster != NULL)
		json_object_set_new(t, "reeve:cluster", json_string(cluster));
	json_object_set_new(t, "reeve:step", json_sprintf("%s/%s", p->plan, step));
	json_object_set_new(t, "reeve:generation", json_sprintf("%" PRIu64, (uint64_t)p->spec->generation));
	json_object_set_new(t, "Name", cluster != NULL ? json_sprintf("%s-%s", p->warehouse, cluster) : json_string(p->warehouse));
	set_tags(t, p->spec, more, more_n);
	json_object_set_new(t, "reeve:tags", json_string(planning_tags_digest(p->spec, more, more_n, digest)));
	return t;
}

void planning_refuse(struct planning *p, int code, const char *fmt, ...)
{
	char text[ERR_TEXT_MAX];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	/* Only the first refusal is kept: what is found after it may only follow from it. */
	if (p->err.code == 0)
		err_set(&p->err, code, "%s", text);
}

static const struct ec2_subnet *no_subnet(struct planning *p, const char *what, const char *id, const char *why)
{
	planning_refuse(p, ERR_INVALID, "%s: %s %s", what, id, why);
	return NULL;
}

const struct ec2_subnet *planning_subnet(struct planning *p, const char *what, const char *id)
{
	const struct ec2_subnet *s = inventory_subnet(p->inv, id);
	CLEANUP(mem_close) char *why = NULL;

	if (s == NULL)
		return no_subnet(p, what, id, "is no subnet that AWS shows in this account and region");
	if (s->state != NULL && *s->state != '\0' && !str_eq(s->state, "available")) {
		why = mem_printf("is %s, not available", s->state);
		return no_subnet(p, what, id, why);
	}
	if (str_eq(s->vpc_id, p->spec->vpc_id))
		return s;
	why = mem_printf("is a subnet of %s, the spec's vpc_id is %s", s->vpc_id, p->spec->vpc_id);
	return no_subnet(p, what, id, why);
}

static bool is_in_vpc(const struct planning *p, const char *id)
{
	const struct ec2_subnet *s = inventory_subnet(p->inv, id);

	return s != NULL && str_eq(s->vpc_id, p->spec->vpc_id);
}

const char *planning_proof_of_vpc(struct planning *p, const char *what)
{
	struct inventory_wants named;

	/* The subnets are looked at in the order of the spec, so that one spec gives one plan. */
	planner_wants(&p->a->owner, p->spec, &named);
	for (size_t i = 0; i < named.subnets_n; i++)
		if (is_in_vpc(p, named.subnets[i]))
			return named.subnets[i];
	no_subnet(p, what, p->spec->vpc_id,
		  "has no subnet of a cluster or load balancer of the spec in it: what is made in it must");
	/* The planning has failed; yet what was named goes into the plan, so that the policy can say first that it forbids it. */
	return named.subnets_n > 0 ? named.subnets[0] : "";
}

void planning_begin(struct planning *p, const char *name, unsigned stage)
{
	p->plan = name;
	plan_begin(p->b, name, stage);
}

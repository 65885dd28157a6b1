/* planning.c - see planning.h. */
#include "agent/ops/plan/planning.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "agent/base/enc.h"
#include "agent/base/mem.h"
#include "agent/base/str.h"
#include "agent/ops/steps/field.h"

bool planning_is_apart(const struct planning *p, const char *id)
{
	for (size_t i = 0; i < p->apart_n; i++)
		if (str_eq(p->apart[i], id))
			return true;
	return false;
}

void planning_give(struct planning *p, const char *volume)
{
	if (p->given == NULL)
		p->given = json_array();
	json_array_append_new(p->given, json_string(volume));
}

bool planning_is_given(const struct planning *p, const char *volume)
{
	return json_has_text(p->given, volume);
}

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

const char *planning_short_digest(const json_t *json, char to[PLANNING_SHORT_LEN])
{
	/* The keys are sorted, because their order in an object says nothing, and may differ between two plans. */
	char *text = json_dumps(json, JSON_SORT_KEYS | JSON_COMPACT | JSON_ENCODE_ANY), hex[DIGEST_HEX_LEN];
	struct digest d = digest_of(text != NULL ? text : "", text != NULL ? strlen(text) : 0);

	snprintf(to, PLANNING_SHORT_LEN, "%.*s", PLANNING_SHORT_LEN - 1, digest_hex(&d, hex));
	free(text);
	return to;
}

json_t *planning_user_tags(const struct planning *p, tag_t *const *more, size_t more_n)
{
	json_t *t = json_object();

	for (size_t i = 0; i < p->spec->n_tags; i++)
		set_tag(t, p->spec->tags[i]);
	for (size_t i = 0; i < more_n; i++)
		set_tag(t, more[i]);
	if (p->a->customer_tags != NULL)
		json_object_update(t, (json_t *)p->a->customer_tags);
	return t;
}

/* 25 bits: two keys of one thing agree by chance once in some ten thousand warehouses, and forty of them fit into a tag. */
#define KEY_CHARS 5

static void add_key(const char *key, char to[KEY_CHARS + 2])
{
	struct digest d = digest_of(key, strlen(key));
	char text[ENC_BASE32_LEN(DIGEST_LEN)];

	snprintf(to, KEY_CHARS + 2, " %.*s", KEY_CHARS, enc_base32(d.b, sizeof(d.b), text));
}

static int by_text(const void *a, const void *b)
{
	return strcmp(*(const char *const *)a, *(const char *const *)b);
}

json_t *planning_tags_text(const json_t *user_tags)
{
	CLEANUP(buf_close) struct buf text = BUF_MAX(PLANNING_SHORT_LEN + PLANNING_TAGS_MAX * (KEY_CHARS + 1));
	char digest[PLANNING_SHORT_LEN], one[KEY_CHARS + 2];
	const char **keys = mem_grow(NULL, json_object_size(user_tags) + 1, sizeof(*keys));
	const char *key;
	size_t n = 0;
	json_t *value;

	buf_adds(&text, planning_short_digest(user_tags, digest));
	json_object_foreach((json_t *)user_tags, key, value)
		keys[n++] = key;
	/* Sorted, so that the same tags in another order are the same text. */
	qsort(keys, n, sizeof(*keys), by_text);
	for (size_t i = 0; i < n; i++) {
		add_key(keys[i], one);
		buf_adds(&text, one);
	}
	mem_free(keys);
	return json_string(buf_str(&text));
}

bool planning_tags_text_has(const char *text, const char *key)
{
	char one[KEY_CHARS + 2];

	add_key(key, one);
	return strstr(text, one) != NULL;
}

json_t *planning_tags(const struct planning *p, const char *cluster, const char *step, tag_t *const *more, size_t more_n)
{
	json_t *t = json_object(), *user = planning_user_tags(p, more, more_n);

	json_object_set_new(t, "resource-created-by", json_string(p->a->owner.vendor));
	json_object_set_new(t, "reeve:installation", json_string(p->a->owner.installation));
	json_object_set_new(t, "reeve:warehouse", json_string(p->warehouse));
	if (cluster != NULL)
		json_object_set_new(t, "reeve:cluster", json_string(cluster));
	json_object_set_new(t, "reeve:step", json_sprintf("%s/%s", p->plan, step));
	json_object_set_new(t, "reeve:generation", json_sprintf("%" PRIu64, (uint64_t)p->spec->generation));
	json_object_set_new(t, "Name", cluster != NULL ? json_sprintf("%s-%s", p->warehouse, cluster) : json_string(p->warehouse));
	json_object_update(t, user);
	json_object_set_new(t, "reeve:tags", planning_tags_text(user));
	json_decref(user);
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
	p->given_at = json_array_size(p->given);
	plan_begin(p->b, name, stage);
}

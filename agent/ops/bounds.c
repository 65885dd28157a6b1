/* bounds.c - see bounds.h. What a bound is called, how it is read and what its absence stops stands in its row (bound.h); here is
 * what all of them share, and how images, rules and sums are judged. */
#include "agent/ops/bounds.h"

#include <string.h>

#include "agent/base/mem.h"
#include "agent/base/faults.h"
#include "agent/base/str.h"
#include "agent/base/yaml.h"
#include "agent/ops/steps/catalogue.h"
#include "agent/ops/steps/field.h"

#define LIST_MAX 256
#define NUMBER_MAX 1000000

/* ---- reading ---- */

static int add_text(const struct bound *b, struct bound_texts *to, const struct yaml_node *n, struct err *e)
{
	const char *text = NULL;

	TRY(yaml_str(n, &text, e));
	if (!b->is_member(text))
		return yaml_wrong(n, b->expected, e);
	to->v = mem_grow(to->v, to->n + 1, sizeof(*to->v));
	to->v[to->n++] = mem_str(text);
	return 0;
}

static int add_cidr(struct bounds_cidrs *to, const struct yaml_node *n, struct err *e)
{
	const char *text = NULL;

	TRY(yaml_str(n, &text, e));
	to->v = mem_grow(to->v, to->n + 1, sizeof(*to->v));
	if (cidr_parse(text, &to->v[to->n]) != 0)
		return yaml_wrong(n, "an address block such as 10.0.0.0/8, no bits behind the prefix", e);
	to->n++;
	return 0;
}

/* "443" or "8000-9000" */
static int parse_ports(const char *text, struct bounds_ports *ret)
{
	char from[8];
	const char *dash = strchr(text, '-');
	size_t n = dash != NULL ? (size_t)(dash - text) : strlen(text);
	uint64_t a, b;

	if (n >= sizeof(from))
		return -ERR_INVALID;
	memcpy(from, text, n);
	from[n] = '\0';
	TRY(str_u64(from, &a));
	TRY(str_u64(dash != NULL ? dash + 1 : from, &b));
	if (a > b || b > 65535)
		return -ERR_INVALID;
	*ret = (struct bounds_ports){ (int32_t)a, (int32_t)b };
	return 0;
}

static int add_ports(struct bounds_value *to, const struct yaml_node *n, struct err *e)
{
	const char *text = NULL;

	TRY(yaml_str(n, &text, e));
	to->ports = mem_grow(to->ports, to->ports_n + 1, sizeof(*to->ports));
	if (parse_ports(text, &to->ports[to->ports_n]) != 0)
		return yaml_wrong(n, "a port such as 443 or a range such as 8000-9000", e);
	to->ports_n++;
	return 0;
}

/* "/api/health", or "/api/" and `*` for all that begins so. */
static int read_path(const struct yaml_node *n, const char **ret, struct err *e)
{
	char path[NODE_PATH_MAX + 2];
	size_t len;

	TRY(yaml_str(n, ret, e));
	len = strlen(*ret);
	if (len == 0 || len >= sizeof(path))
		return yaml_wrong(n, "a path such as /api/health, or a beginning of paths such as /api/*", e);
	memcpy(path, *ret, len + 1);
	if (path[len - 1] == '*')
		path[len - 1] = '\0';
	return field_node_path(path, "", NULL) == 0
		   ? 0
		   : yaml_wrong(n, "a path such as /api/health, or a beginning of paths such as /api/*", e);
}

static void read_endpoint(struct bounds_value *to, struct yaml_node *n, struct faults *f)
{
	struct bounds_value ports = { 0 };
	const char *path = NULL;
	size_t before = f->missed;

	if (!faults_enter(f, n, YAML_KEYS("port", "path")))
		return;
	if (faults_need(f, n, "port", "port and path"))
		faults_hear(f, add_ports(&ports, yaml_get(n, "port"), &f->now));
	if (faults_need(f, n, "path", "port and path"))
		faults_hear(f, read_path(yaml_get(n, "path"), &path, &f->now));
	if (f->missed == before && ports.ports != NULL) {
		to->endpoints = mem_grow(to->endpoints, to->endpoints_n + 1, sizeof(*to->endpoints));
		to->endpoints[to->endpoints_n++] = (struct bounds_endpoint){ ports.ports[0], mem_str(path) };
	}
	mem_free(ports.ports);
}

static int read_number(const struct yaml_node *n, uint32_t *ret, struct err *e)
{
	uint64_t v = 0;

	TRY(yaml_u64(n, NUMBER_MAX, &v, e));
	*ret = (uint32_t)v;
	return 0;
}

static int add_member(const struct bound *b, struct bounds_value *to, const struct yaml_node *n, struct err *e)
{
	if (b->form == BOUND_TEXTS)
		return add_text(b, &to->texts, n, e);
	return b->form == BOUND_CIDRS ? add_cidr(&to->cidrs, n, e) : add_ports(to, n, e);
}

static void read_value(const struct bound *b, struct bounds_value *to, const struct yaml_node *n, struct faults *f)
{
	int rc = b->form == BOUND_NUMBER ? read_number(n, &to->number, &f->now) : yaml_list(n, LIST_MAX, &f->now);

	to->is_given = true;
	faults_hear(f, rc);
	if (rc != 0 || b->form == BOUND_NUMBER)
		return;
	for (struct yaml_node *m = yaml_first(n); m != NULL; m = yaml_next(m))
		if (b->form == BOUND_ENDPOINTS)
			read_endpoint(to, m, f);
		else
			faults_hear(f, add_member(b, to, m, &f->now));
}

void bounds_read(struct yaml_node *map, struct bounds *all, struct faults *f)
{
	const struct bound *const *rows = catalogue_bounds();
	const char *keys[BOUNDS_MAX + 1] = { 0 };

	for (size_t i = 0; rows[i] != NULL; i++)
		keys[i] = rows[i]->key;
	if (!faults_enter(f, map, keys))
		return;
	for (size_t i = 0; rows[i] != NULL; i++) {
		const struct yaml_node *n = yaml_get(map, keys[i]);

		if (n != NULL)
			read_value(rows[i], &all->of[i], n, f);
	}
}

static void value_close(struct bounds_value *v)
{
	for (size_t i = 0; i < v->texts.n; i++)
		mem_free(v->texts.v[i]);
	mem_free(v->texts.v);
	mem_free(v->cidrs.v);
	mem_free(v->ports);
	for (size_t i = 0; i < v->endpoints_n; i++)
		mem_free(v->endpoints[i].path);
	mem_free(v->endpoints);
}

void bounds_allow(struct bounds *b, const struct bound *which, const char *text)
{
	struct bound_texts *to = &b->of[catalogue_place_of(which)].texts;

	to->v = mem_grow(to->v, to->n + 1, sizeof(*to->v));
	to->v[to->n++] = mem_str(text);
}

void bounds_close(struct bounds *b)
{
	for (size_t i = 0; i < BOUNDS_MAX; i++)
		value_close(&b->of[i]);
	*b = (struct bounds){ 0 };
}

const struct bounds_value *bounds_of(const struct bounds *b, const struct bound *which)
{
	return &b->of[catalogue_place_of(which)];
}

static const struct bound_texts *texts_of(const struct bounds *b, const struct bound *which)
{
	return &bounds_of(b, which)->texts;
}

bool bounds_missing(const struct bounds *b, size_t i, const char **ret_name, const char **ret_stops)
{
	const struct bound *const *rows = catalogue_bounds();

	for (size_t k = 0; rows[k] != NULL; k++)
		if (!b->of[k].is_given && i-- == 0) {
			*ret_name = rows[k]->key;
			*ret_stops = rows[k]->stops;
			return true;
		}
	return false;
}

/* ---- judging: what is named, and how much of it ---- */

bool bounds_is_any_user_data(const struct bounds *b, const char *sha256_hex)
{
	const struct bound_texts *allowed = texts_of(b, &bound_user_data);

	return bound_holds(allowed, BOUND_ANY) && !bound_holds_hex(allowed, sha256_hex);
}

static int judge_text(const struct bound *of, const struct bounds_value *v, const char *text, struct err *e)
{
	if ((of->holds != NULL ? of->holds : bound_holds)(&v->texts, text))
		return 0;
	return err_set(e, ERR_DENIED, "policy bounds.%s does not hold %.200s%s", of->key, text, of->hint != NULL ? of->hint : "");
}

static int judge_number(const struct bound *of, const struct bounds_value *v, uint32_t wanted, struct err *e)
{
	if (wanted <= v->number)
		return 0;
	return err_set(e, ERR_DENIED, "policy bounds.%s is %u, the plan %s %u", of->key, v->number, of->verb, wanted);
}

/* In the order of the catalogue, so that of several refusals always the same one is told. To nodes_total the nodes that are there
 * already are added: judge_total. */
static int judge_needs(const struct bounds *b, const struct demand *d, bool texts, struct err *e)
{
	const struct bound *const *rows = catalogue_bounds();

	for (size_t k = 0; rows[k] != NULL; k++)
		for (size_t i = 0; i < d->needs_n; i++) {
			const struct demand_need *need = &d->needs[i];

			if (need->of != rows[k] || (need->text != NULL) != texts || need->of == &bound_nodes_total)
				continue;
			TRY(texts ? judge_text(need->of, &b->of[k], need->text, e)
				  : judge_number(need->of, &b->of[k], need->most, e));
		}
	return 0;
}

/* ---- judging: images ---- */

static bool holds_owner(const struct bound_texts *t, const char *owner)
{
	for (size_t i = 0; i < t->n && *owner != '\0'; i++)
		if (str_starts(t->v[i], BOUND_OWNER) && str_eq(t->v[i] + strlen(BOUND_OWNER), owner))
			return true;
	return false;
}

static int judge_images(const struct bounds *b, const struct demand *d, struct err *e)
{
	const struct bound_texts *allowed = texts_of(b, &bound_images);

	for (size_t k = 0; k < d->images_n; k++) {
		const struct demand_image *i = &d->images[k];

		if (!bound_holds(allowed, i->id) && !holds_owner(allowed, i->owner) && !holds_owner(allowed, i->owner_alias))
			return err_set(e, ERR_DENIED, "policy bounds.images does not hold %.60s, nor its owner %.40s%s%.40s", i->id,
				       i->owner, *i->owner_alias != '\0' ? " " : "", i->owner_alias);
	}
	return 0;
}

/* ---- judging: rules ---- */

static bool has_cidr(const struct bounds_cidrs *list, const char *text)
{
	struct cidr c;

	if (cidr_parse(text, &c) != 0)
		return false;
	for (size_t i = 0; i < list->n; i++)
		if (cidr_holds(&list->v[i], &c))
			return true;
	return false;
}

/* All ports of a rule must lie in one range; "all protocols" and icmp, whose types and codes are no ports, have none and fit only
 * where every port is allowed. */
static bool has_ports(const struct bounds *b, const struct demand_rule *r)
{
	bool all = str_eq(r->protocol, "-1") || str_starts(r->protocol, "icmp");
	int32_t from = all ? 0 : r->from_port, to = all ? 65535 : r->to_port;
	const struct bounds_value *v = bounds_of(b, &bound_ports);

	for (size_t i = 0; i < v->ports_n; i++)
		if (from >= v->ports[i].from && to <= v->ports[i].to && from <= to)
			return true;
	return false;
}

static int judge_peer(const struct bounds *b, const struct demand_rule *r, struct err *e)
{
	bool is_list = bound_is_prefix_list(r->cidr);
	const struct bound *lists = r->is_egress ? &bound_egress_prefix_lists : &bound_prefix_lists;
	const struct bound *cidrs = r->is_egress ? &bound_egress_cidrs : &bound_cidrs;

	if (is_list ? bound_holds(texts_of(b, lists), r->cidr) : has_cidr(&bounds_of(b, cidrs)->cidrs, r->cidr))
		return 0;
	return err_set(e, ERR_DENIED, "policy bounds.%s does not hold %s", (is_list ? lists : cidrs)->key, r->cidr);
}

/* A rule whose source or target is the group itself opens nothing to the outside. Ports are those that are open to others: a way
 * out is bounded by where it leads. */
static int judge_rule(const struct bounds *b, const struct demand_rule *r, struct err *e)
{
	if (*r->cidr == '\0')
		return 0;
	TRY(judge_peer(b, r, e));
	if (!r->is_egress && !has_ports(b, r))
		return err_set(e, ERR_DENIED, "policy bounds.ports does not hold %s %d-%d", r->protocol, r->from_port, r->to_port);
	return 0;
}

/* ---- judging: what nodes are asked ---- */

static bool holds_path(const char *allowed, const char *path)
{
	size_t n = strlen(allowed);

	return allowed[n - 1] == '*' ? strncmp(allowed, path, n - 1) == 0 : str_eq(allowed, path);
}

static int judge_endpoint(const struct bounds *b, const struct demand_endpoint *d, struct err *e)
{
	const struct bounds_value *v = bounds_of(b, &bound_node_http);

	for (size_t i = 0; i < v->endpoints_n; i++)
		if ((int64_t)d->port >= v->endpoints[i].ports.from && (int64_t)d->port <= v->endpoints[i].ports.to &&
		    holds_path(v->endpoints[i].path, d->path))
			return 0;
	return err_set(e, ERR_DENIED, "policy bounds.node_http does not hold port %u with path %.260s", d->port, d->path);
}

/* ---- judging ---- */

static int judge_total(const struct bounds *b, const struct demand *d, uint32_t nodes_now, struct err *e)
{
	uint32_t most = bounds_of(b, &bound_nodes_total)->number, new_nodes = demand_number(d, &bound_nodes_total);

	if (new_nodes > 0 && (uint64_t)nodes_now + new_nodes > most)
		return err_set(e, ERR_DENIED, "policy bounds.nodes_total is %u, the plan makes %u", most, nodes_now + new_nodes);
	return 0;
}

int bounds_judge(const struct bounds *b, const struct demand *d, uint32_t nodes_now, struct err *e)
{
	TRY(judge_needs(b, d, true, e));
	TRY(judge_images(b, d, e));
	for (size_t i = 0; i < d->rules_n; i++)
		TRY(judge_rule(b, &d->rules[i], e));
	for (size_t i = 0; i < d->endpoints_n; i++)
		TRY(judge_endpoint(b, &d->endpoints[i], e));
	TRY(judge_needs(b, d, false, e));
	return judge_total(b, d, nodes_now, e);
}

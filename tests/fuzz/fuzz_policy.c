/* fuzz_policy.c - policy.yaml: one that is refused allows nothing, and one that is taken allows nothing that it does not name. */
#include "agent/ops/policy.h"
#include "tests/fuzz/fuzz.h"

static void must_allow_only_what_is_named(const struct policy *p)
{
	const struct bounds_cidrs *cidrs = &bounds_of(&p->bounds, &bound_cidrs)->cidrs;
	const struct bounds_value *ports = bounds_of(&p->bounds, &bound_ports);
	struct demand d = { 0 };
	struct err e;

	FUZZ_MUST(p->verbs[VERB_WAREHOUSE_APPLY] <= POLICY_AUTO && p->verbs[VERB_WAREHOUSE_DELETE] <= POLICY_AUTO);
	for (size_t i = 0; i < cidrs->n; i++)
		FUZZ_MUST(cidrs->v[i].bits <= (cidrs->v[i].v6 ? 128u : 32u));
	for (size_t i = 0; i < ports->ports_n; i++)
		FUZZ_MUST(ports->ports[i].from <= ports->ports[i].to);
	FUZZ_MUST(bounds_judge(&p->bounds, &d, UINT32_MAX, &e) == 0);
	demand_image(&d, &(struct demand_image){ "", "", "" });
	FUZZ_MUST(bounds_judge(&p->bounds, &d, UINT32_MAX, &e) != 0);
	demand_close(&d);
}

void fuzz_one(const char *s, size_t len)
{
	struct policy p = { 0 }, none = { 0 };
	struct err e = { 0 };

	if (policy_parse("policy.yaml", s, len, &p, &e) != 0) {
		FUZZ_MUST(memcmp(&p, &none, sizeof(p)) == 0);
		FUZZ_MUST(strncmp(e.text, "policy.yaml", 11) == 0);
		return;
	}
	FUZZ_MUST(p.present);
	must_allow_only_what_is_named(&p);
	policy_close(&p);
}

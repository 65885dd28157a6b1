/* stage.h - the whole agent on a simulated world, with a pretend vendor and a pretend AWS that may be away. */
#pragma once
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <cmocka.h>

#include "agent/daemon/agent.h"
#include "agent/base/log.h"
#include "agent/base/mem.h"
#include "agent/base/str.h"
#include "tests/sim/vendor_sim.h"
#include "tests/sim/want.h"
#include "tests/sim/world_sim.h"

struct stage {
	struct world *w;
	struct odds odds;
	struct aws_sim *aws;
	struct vendor_sim *vendor;
	struct config cfg;
	struct agent *agent;
	bool is_sts_gone, is_vendor_gone, is_ec2_gone;
	int diag_status;     /* of the answer to a bundle; 0: as the vendor does */
	unsigned diags;      /* bundles that came */
	const char *awaited; /* of a url or a body; NULL: nothing */
	bool has_come;       /* a request with it did */
	char fatal[512];
	unsigned by_proxy, past_proxy, aws_by_proxy; /* requests to the vendor, and those to AWS and the metadata service */
};

static inline void stage_on_request(void *ctx, struct sim_http *x)
{
	struct stage *s = ctx;

	if (s->awaited != NULL && (strstr(x->url, s->awaited) != NULL || strstr(x->body, s->awaited) != NULL))
		s->has_come = true;
	if (aws_sim_is_for(x->url))
		s->aws_by_proxy += x->proxy != NULL;
	else if (x->proxy != NULL && str_eq(x->proxy, "proxy.example:3128"))
		s->by_proxy++;
	else
		s->past_proxy++;
	s->diags += strstr(x->url, "/reeve/v1/diag/") != NULL;
	if (s->diag_status != 0 && strstr(x->url, "/reeve/v1/diag/") != NULL)
		sim_http_answer(x, s->diag_status, "Retry-After: 90\n", "{\"error\":\"no room\"}", 19, 0);
	else if (!aws_sim_is_for(x->url) && !s->is_vendor_gone)
		vendor_sim_request(s->vendor, x);
	else if (aws_sim_is_for(x->url) && !(s->is_sts_gone && strstr(x->url, "sts") != NULL) &&
		 !(s->is_ec2_gone && strstr(x->url, "ec2") != NULL))
		aws_sim_request(s->aws, x);
	else
		sim_http_fail(x, -ERR_TIMEOUT, 29000);
}

static inline void stage_on_fatal(void *ctx, const struct err *e)
{
	struct stage *s = ctx;

	snprintf(s->fatal, sizeof(s->fatal), "%s", err_text(e));
}

static inline void stage_write_config(struct stage *s)
{
	char keys[3][64];
	CLEANUP(mem_close)
	char *text = mem_printf("installation: " VENDOR_INSTALLATION "\nvendor:\n  name: " VENDOR_NAME "\n  url: " VENDOR_URL "\n"
				"trust:\n  keys:\n"
				"    - {name: command, role: command, public_key: \"%s\"}\n"
				"    - {name: release, role: release, public_key: \"%s\"}\n"
				"    - {name: head, role: head, public_key: \"%s\"}\n"
				"journal: {segment: 64KiB}\ntelemetry:\n  host_metrics: {interval: 5s}\n"
				"  logs:\n    - {path: /var/log/app.log, service: app}\n",
				vendor_public(s->vendor, "command", keys[0]), vendor_public(s->vendor, "release", keys[1]),
				vendor_public(s->vendor, "head", keys[2]));
	struct err e = { 0 };

	sim_file_puts(s->w, "/etc/reeve/reeve.yaml", text);
	sim_file_puts(s->w, "/etc/reeve/policy.yaml", "commands: {}\nexport: {metrics: [\"*\"], logs: [\"*\"]}\n");
	if (config_load(s->w, "/etc/reeve/reeve.yaml", &s->cfg, &e) != 0)
		fail_msg("%s", err_text(&e));
}

static inline void stage_silent(enum log_level level, const char *event, const char *pairs, void *ctx)
{
	(void)level;
	(void)event;
	(void)pairs;
	(void)ctx;
}

/* `proxy`: "host:port", or NULL. */
static inline struct stage *stage_new_by(const char *proxy)
{
	struct stage *s = mem_new(struct stage);
	struct err e = { 0 };

	log_set(LOG_ERROR, stage_silent, NULL);
	s->w = sim_new(3);
	s->odds.w = s->w;
	s->odds.calm = true;
	s->aws = aws_sim_new(s->w, &s->odds);
	s->vendor = vendor_sim_new(s->w, &s->odds, s->aws);
	sim_http_handle(s->w, stage_on_request, s);
	stage_write_config(s);
	s->cfg.proxy.place = proxy;
	assert_int_equal(agent_new(s->w, &s->cfg, stage_on_fatal, s, &s->agent, &e), 0);
	return s;
}

static inline struct stage *stage_new(void)
{
	return stage_new_by(NULL);
}

static inline void stage_on_closed(void *ctx)
{
	((struct stage *)ctx)->agent = NULL;
}

/* What is left once the agent is closed. */
static inline void stage_free(struct stage *s)
{
	sim_free(s->w);
	aws_sim_free(s->aws);
	vendor_sim_free(s->vendor);
	config_close(&s->cfg);
	mem_free(s);
	log_set(LOG_INFO, NULL, NULL);
}

/* Some warehouse, by a policy that allows it. */
static inline struct vendor_command *stage_order_warehouse(struct stage *s)
{
	CLEANUP(buf_close) struct buf args = BUF_MAX(1u << 20);
	struct vendor_order v = { .verb = REEVE__CONTROL__V1__VERB__WAREHOUSE_APPLY,
				  .target = "wh-1",
				  .two_keys = true,
				  .lives_ms = 3600000,
				  .deadline_s = 3600 };
	struct want want;

	sim_file_puts(s->w, "/etc/reeve/policy.yaml",
		      "commands: {warehouse.apply: auto}\nbounds:\n  instance_types: [m6i.large, r6i.xlarge]\n  images: [ami-1]\n"
		      "  subnets: [subnet-0001, subnet-0002]\n  warehouses: [wh-1]\n  balancers: 4\n  volumes_per_node: 8\n"
		      "  volume_types: [gp3]\n  tag_keys: [\"*\"]\n  nodes_per_cluster: 3\n  nodes_total: 9\n  volume_gib: 500\n"
		      "  cidrs: [10.0.0.0/8]\n  ports: [8000-10000]\nexport: {metrics: [\"*\"], logs: [\"*\"]}\n");
	want_random(&want, &s->odds, "wh-1");
	want_pack(&want, &args);
	v.args = args.data;
	v.args_len = args.len;
	return vendor_issue(s->vendor, &v);
}

/* telemetry_path.c - see telemetry_path.h. What is wired here: the customer's rules from the policy, the proof from the channel,
 * the positions that tail, journald and shipper share, and what the machine is from its identity.
 *
 *     shipper reads its spool --> opened: positions are known --> those of gone files are forgotten --> tail
 *                                                            `--> journald */
#include <string.h>

#include "agent/base/log.h"
#include "agent/base/mem.h"
#include "agent/base/str.h"
#include "agent/ops/hmac_key.h"
#include "agent/daemon/telemetry_impl.h"

static int sign(void *ctx, struct http_req *req, struct export_proof *p, struct err *e)
{
	struct channel_proof proof;

	TRY(channel_sign(((struct telemetry *)ctx)->channel, req, &proof, e));
	TRY(exporter_proof_add(p, "Authorization", proof.authorization));
	return exporter_proof_add(p, "Reeve-Proof", proof.proof);
}

static void unauthorized(void *ctx, const struct export_proof *p)
{
	channel_unauthorized(((struct telemetry *)ctx)->channel, p->headers[0].value); /* as `sign` has put it there */
}

static struct shipper_dest to_vendor(struct telemetry *t, const struct config *c)
{
	return (struct shipper_dest){
		.name = "vendor",
		.to = { .url = c->vendor_url,
			.ca_file = c->ca_file,
			.connect_to = c->vendor_connect_to,
			.proxy = config_proxy(c),
			.auth = { t, sign, unauthorized } },
		.logs_max = c->spool_logs_max,
		.metrics_max = c->spool_metrics_max,
	};
}

static struct shipper_dest to_customer(struct telemetry *t, const struct config_customer *c)
{
	struct shipper_dest d = {
		.name = "customer",
		.to = { .url = c->url, .ca_file = c->ca_file, .connect_to = c->connect_to },
		.logs_max = c->logs_max,
		.metrics_max = c->metrics_max,
	};

	t->customer = (struct auth_file){ t->w, c->auth_file };
	if (c->auth_file != NULL)
		d.to.auth = (struct export_auth){ .ctx = &t->customer, .sign = auth_file_sign };
	return d;
}

static void on_opened(void *ctx);

static void start_shipper(struct telemetry *t, const struct config *c, const char *dir, const struct identity *id)
{
	CLEANUP(mem_close) char *ledger = mem_printf("%s/ledger", c->state_dir);
	CLEANUP(mem_close) char *budget = mem_printf("%s/budget", c->state_dir);
	const struct imds_identity *in = &id->instance;
	const struct telemetry_attr resource[] = {
		{ "service.name", "reeve" },
		{ "service.namespace", c->installation },
		{ "service.instance.id", in->instance_id },
		{ "service.version", REEVE_VERSION },
		{ "cloud.provider", "aws" },
		{ "cloud.platform", "aws_ec2" },
		{ "cloud.region", in->region },
		{ "cloud.availability_zone", in->az },
		{ "cloud.account.id", id->caller.account },
		{ "host.id", in->instance_id },
		{ "host.type", in->instance_type },
		{ "host.image.id", in->image_id },
		/* The semantic conventions call this amd64, and EC2 calls it x86_64. Both say arm64. */
		{ "host.arch", in->arch[0] == 'x' ? "amd64" : in->arch },
		{ "os.type", "linux" },
	};
	struct shipper_config cfg = { .dir = dir,
				      .ledger_dir = ledger,
				      .budget_path = budget,
				      .ledger_days = (unsigned)(c->ledger_max_age_ms / 86400000),
				      .ledger_max = c->ledger_max,
				      .max_age_s = c->spool_max_age_ms / 1000,
				      .catch_up = c->spool_catch_up,
				      .format = c->compression == CONFIG_ZSTD ? PACK_ZSTD : PACK_GZIP,
				      .resource = resource,
				      .resource_n = ARRAY_LEN(resource),
				      .positions = &t->positions.durable,
				      .opened = on_opened,
				      .opened_ctx = t,
				      .own = telemetry_own,
				      .own_ctx = t };

	cfg.dests[cfg.dests_n++] = to_vendor(t, c);
	if (c->customer.url != NULL)
		cfg.dests[cfg.dests_n++] = to_customer(t, &c->customer);
	t->shipper = shipper_new(t->w, &cfg);
}

static size_t files_of(const struct config *c, struct tail_path *ret)
{
	size_t n = 0;

	for (size_t i = 0; i < c->logs_n; i++)
		if (c->logs[i].path != NULL)
			ret[n++] = (struct tail_path){ .path = c->logs[i].path,
						       .service = c->logs[i].service,
						       .framing = c->logs[i].framing,
						       .utc_offset_s = c->logs[i].utc_offset_s,
						       .pieces = c->logs[i].pieces,
						       .starts_at_end = c->logs[i].starts_at_end,
						       .ignore_older_ms = c->logs[i].ignore_older_ms };
	return n;
}

static void start_tail(void *ctx)
{
	struct telemetry *t = ctx;
	struct tail_path paths[CONFIG_LOGS_MAX];
	size_t n = files_of(t->c, paths);

	t->tail = tail_new(t->w, &(struct tail_config){ .paths = paths, .paths_n = n, .positions = &t->positions },
			   shipper_sink(t->shipper));
	tail_start(t->tail);
}

static void start_journald(struct telemetry *t)
{
	const struct config *c = t->c;
	size_t n = 0;

	for (size_t i = 0; i < c->logs_n; i++)
		if (c->logs[i].units_n > 0)
			t->units[n++] = (struct journald_source_config){ .service = c->logs[i].service,
									 .dir = c->logs[i].journal_dir,
									 .units = c->logs[i].units,
									 .units_n = c->logs[i].units_n,
									 .framing = c->logs[i].framing,
									 .utc_offset_s = c->logs[i].utc_offset_s,
									 .starts_at_end = c->logs[i].starts_at_end };
	if (n == 0)
		return;
	t->journald = journald_new(t->w, t->units, n, &t->positions, shipper_sink(t->shipper));
	journald_start(t->journald);
}

/* As whose it is counted: the first path of the configuration that it fits. */
static void on_lost(void *ctx, const struct telemetry_source *at, uint64_t bytes)
{
	struct telemetry *t = ctx;
	const struct telemetry_sink *sink = shipper_sink(t->shipper);
	const char *of = at->path;

	for (size_t i = t->c->logs_n; i > 0; i--)
		if (str_glob(t->c->logs[i - 1].path, at->path))
			of = t->c->logs[i - 1].path;
	sink->lost(sink->ctx, of, TELEMETRY_DELETED, bytes, at);
}

/* The spool has been read: how far the files were taken is known. */
static void on_opened(void *ctx)
{
	struct telemetry *t = ctx;
	struct tail_path paths[CONFIG_LOGS_MAX];

	/* Metrics need no positions, but until the spool is open there is no room, and each point would count as dropped. */
	if (t->c->metrics_interval_ms > 0)
		t->host = host_new(t->w, t->c->metrics_interval_ms, shipper_sink(t->shipper));
	start_journald(t);
	/* A position whose file is gone waits for ever, and while one waits each scan looks at every name: so those go first. */
	if (files_of(t->c, paths) > 0)
		positions_gone_start(&t->gone, t->w, &t->positions, on_lost, start_tail, t);
}

struct telemetry *telemetry_new(struct world *w, const struct config *c, const char *spool_dir, const struct identity *id,
				struct channel *ch)
{
	struct telemetry *t = mem_new(struct telemetry);

	t->w = w;
	t->c = c;
	t->channel = ch;
	positions_init(&t->positions);
	start_shipper(t, c, spool_dir, id);
	return t;
}

void telemetry_also(struct telemetry *t, void (*own)(void *ctx, struct shipper *s), void *ctx)
{
	t->also = own;
	t->also_ctx = ctx;
}

void telemetry_rules(struct telemetry *t, const struct policy *p)
{
	CLEANUP(secret_close) struct secret key = { 0 };
	struct err e = { 0 };
	int rc;

	/* The policy is read every two seconds and before each change; compiling its patterns takes time. */
	if (t->has_policy == p->present && digest_eq(&t->policy, &p->digest))
		return;
	t->has_policy = p->present;
	t->policy = p->digest;
	rc = p->present ? hmac_key_read(t->w, t->c->hmac_key_file, &p->export, &key, &e) : 0;
	if (rc != 0) /* it fails closed */
		err_ignore(shipper_rules(t->shipper, NULL, NULL, NULL), "that there are none is no error");
	else
		rc = shipper_rules(t->shipper, p->present ? &p->export : NULL, &key, &e);
	t->wrong = e;
	if (rc != 0)
		log_error("telemetry.rules.wrong", "err=%s next=\"nothing leaves\"", err_text(&e));
}

const char *telemetry_trouble(const struct telemetry *t)
{
	const char *trouble = t->wrong.code != 0 ? err_text(&t->wrong) : shipper_trouble(t->shipper);

	for (size_t i = 0; trouble == NULL && t->journald != NULL && i < journald_sources(t->journald); i++)
		trouble = journald_stats(t->journald, i).trouble;
	return trouble;
}

/* ---- close: collectors first, so that nothing is handed over any more ---- */

static bool is_out(struct closing *c)
{
	return container_of(c, struct telemetry, closing)->shipper != NULL;
}

static void telemetry_free(struct closing *c)
{
	struct telemetry *t = container_of(c, struct telemetry, closing);

	positions_close(&t->positions);
	mem_free(t);
}

static const struct closing_how telemetry_how = { is_out, telemetry_free };

static void on_shipper_closed(void *ctx)
{
	struct telemetry *t = ctx;

	t->shipper = NULL;
	closing_step(&t->closing);
}

static void close_shipper(void *ctx)
{
	struct telemetry *t = ctx;

	shipper_close(t->shipper, on_shipper_closed, t);
}

static void close_tail(void *ctx)
{
	struct telemetry *t = ctx;
	struct tail *tail = t->tail;

	t->tail = NULL; /* a status may be asked for until the end */
	if (tail != NULL)
		tail_close(tail, close_shipper, t);
	else
		close_shipper(t);
}

static void close_gone(void *ctx)
{
	struct telemetry *t = ctx;

	if (positions_gone_runs(&t->gone))
		positions_gone_close(&t->gone, close_tail, t);
	else
		close_tail(t);
}

static void close_journald(void *ctx)
{
	struct telemetry *t = ctx;
	struct journald *journald = t->journald;

	t->journald = NULL;
	if (journald != NULL)
		journald_close(journald, close_gone, t);
	else
		close_gone(t);
}

void telemetry_close(struct telemetry *t, void (*done)(void *ctx), void *ctx)
{
	struct host *host = t->host;

	t->host = NULL;
	closing_begin(&t->closing, &telemetry_how, closing_end, done, ctx);
	if (host != NULL)
		host_close(host, close_journald, t);
	else
		close_journald(t);
}

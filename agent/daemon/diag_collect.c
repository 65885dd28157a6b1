/* diag_collect.c - a bundle being put together.
 *
 * Happy path: the policy allows it -> the inventory -> what the agent says of itself -> the journal's records, the newest segment
 * first, a piece a turn of the loop -> the rules' digest written -> the bundle written -> the oldest of too many taken away.
 * An account that does not answer is told in the bundle: trouble is what it is for. Only a disk that refuses fails it. */
#include "agent/daemon/agent_impl.h"
#include "agent/daemon/diag.h"

#include <string.h>

#include "agent/base/json.h"
#include "agent/base/mem.h"
#include "agent/base/stamp.h"
#include "agent/base/str.h"
#include "agent/config.h"
#include "agent/daemon/diag_bundle.h"
#include "agent/daemon/diag_files.h"
#include "agent/ops/hmac_key.h"
#include "agent/ops/op_env.h"
#include "agent/ops/steps/catalogue.h"
#include "agent/ops/steps/inventory_json.h"
#include "shippers/rules.h"

#define SLICE_BYTES (64u << 10) /* of the journal in one turn of the loop */
#define WAIT_MS 1000
#define HOUR_MS 3600000ll
#define INVENTORY_BYTES (1u << 20)

struct collecting {
	struct deed_req *req;
	struct agent *a;
	const char *dir;
	struct rules *rules;
	struct digest rules_digest, digest;
	struct diag_bundle b;
	struct inventory_req inv;
	struct journal_segments segs;
	size_t segs_left;
	struct buf text; /* of a segment */
	size_t at;
	int64_t since_ms;
	bool is_old;    /* a record from before since_ms was seen: no older segment is read */
	json_t *errors; /* class -> how often */
	struct timer timer;
	struct disk_req disk;
	char *path;
	bool is_cancelled;
};

static struct world *world_of(const struct collecting *c)
{
	return c->req->env->w;
}

static void end(struct collecting *c)
{
	struct deed_req *req = c->req;

	timer_stop(world_of(c), &c->timer);
	inventory_req_close(&c->inv);
	journal_segments_close(&c->segs);
	diag_bundle_close(&c->b);
	rules_free(c->rules);
	buf_close(&c->text);
	json_decref(c->errors);
	mem_free(c->path);
	mem_free(c);
	req->priv = NULL;
	req->cb(req);
}

static void fail(struct collecting *c, const char *class, const struct err *e)
{
	c->req->error = json_pack("{s:s, s:o}", "class", class, "message", json_text(err_text(e)));
	end(c);
}

static void add(struct collecting *c, const char *part, const char *name, json_t *value)
{
	diag_bundle_add(&c->b, json_pack("{s:s, s:o}", "part", part, name, value));
}

/* ---- written ---- */

static void prune(struct collecting *c);

static void on_gone(struct disk_req *disk, int rc)
{
	struct collecting *c = container_of(disk, struct collecting, disk);

	/* What cannot be taken away now is too many at the next one, too. */
	if (rc == 0)
		prune(c);
	else
		end(c);
}

static void prune(struct collecting *c)
{
	mem_free(c->path);
	c->path = diag_next_to_go(world_of(c), c->dir);
	if (c->path != NULL)
		disk_unlink(world_of(c), &c->disk, c->path, on_gone);
	else
		end(c);
}

static void on_bundle(struct disk_req *disk, int rc)
{
	struct collecting *c = container_of(disk, struct collecting, disk);
	char hex[DIGEST_HEX_LEN];

	if (rc != 0) {
		fail(c, "INTERNAL", &disk->err);
		return;
	}
	c->req->output = json_pack("{s:s, s:s, s:I, s:b}", "kind", "diag", "sha256", digest_hex(&c->digest, hex), "size_bytes",
				   (json_int_t)c->b.gz.len, "more_elsewhere", 1);
	snprintf(c->req->note, sizeof(c->req->note),
		 "%llu lines; %llu kept here by the export rules, %llu left out for want of room", (unsigned long long)c->b.lines,
		 (unsigned long long)c->b.dropped, (unsigned long long)c->b.no_room);
	prune(c);
}

static void on_rules(struct disk_req *disk, int rc)
{
	struct collecting *c = container_of(disk, struct collecting, disk);

	if (rc != 0) {
		fail(c, "INTERNAL", &disk->err);
		return;
	}
	mem_free(c->path);
	c->path = diag_path(c->dir, &c->digest, ".gz");
	disk_replace(world_of(c), disk, c->path, c->b.gz.data, c->b.gz.len, 0600, on_bundle);
}

/* A bundle without its rules would never leave, and rules without a bundle are taken away: so they come first. */
static void finish(struct collecting *c)
{
	char hex[DIGEST_HEX_LEN];
	struct err e = { 0 };

	add(c, "errors", "by_class", json_incref(c->errors));
	if (diag_bundle_end(&c->b, &e) != 0) {
		fail(c, "INTERNAL", &e);
		return;
	}
	c->digest = digest_of(c->b.gz.data, c->b.gz.len);
	c->path = diag_path(c->dir, &c->digest, ".rules");
	buf_reset(&c->text);
	c->text.max = DIGEST_HEX_LEN;
	buf_adds(&c->text, digest_hex(&c->rules_digest, hex));
	disk_replace(world_of(c), &c->disk, c->path, c->text.data, c->text.len, 0600, on_rules);
}

/* ---- the journal ---- */

static void count_error(struct collecting *c, const json_t *record)
{
	const char *class = json_str_or(json_object_get(record, "error"), "class", NULL);

	if (class != NULL)
		json_object_set_new(c->errors, class, json_integer((json_int_t)json_int_or(c->errors, class, 0) + 1));
}

/* A checkpoint says again what the records before it said. */
static void take_line(struct collecting *c, const char *line, size_t len)
{
	CLEANUP(json_close) json_t *record = NULL;
	int64_t time_ms = 0;

	if (json_parse(line, len, "record", &record, NULL) != 0)
		return; /* a torn tail, or damage: the status says so */
	err_ignore(stamp_parse_iso(json_str_or(record, "time", ""), &time_ms, NULL), "one without a time counts as old");
	c->is_old |= time_ms < c->since_ms;
	if (time_ms < c->since_ms || str_eq(json_str_or(record, "type", ""), "checkpoint"))
		return;
	count_error(c, record);
	add(c, "record", "record", json_incref(record));
}

static bool next_segment(struct collecting *c)
{
	while (c->segs_left > 0 && !c->is_old) {
		const struct journal_segment *s = &c->segs.v[--c->segs_left];
		CLEANUP(mem_close) char *path = mem_printf("%s/%s", c->a->paths[JOURNAL_DIR], s->name);

		buf_close(&c->text);
		c->text = BUF_MAX(JOURNAL_SEGMENT_READ_MAX);
		c->at = 0;
		/* It may have been pruned meanwhile. */
		if (disk_read_all(world_of(c), path, &c->text, NULL) == 0)
			return true;
	}
	return false;
}

static void on_slice(struct timer *t)
{
	struct collecting *c = container_of(t, struct collecting, timer);
	size_t from = c->at;

	if (c->is_cancelled) {
		fail(c, "INTERNAL", &(struct err){ .code = ERR_CANCELED, .text = "called off" });
		return;
	}
	while (c->at < c->text.len && c->at - from < SLICE_BYTES) {
		const char *line = c->text.data + c->at, *lf = memchr(line, '\n', c->text.len - c->at);
		size_t len = lf != NULL ? (size_t)(lf - line) : c->text.len - c->at;

		take_line(c, line, len);
		c->at += len + 1;
	}
	if (c->at < c->text.len || (!diag_bundle_is_full(&c->b) && next_segment(c)))
		timer_start(world_of(c), &c->timer, 0, on_slice);
	else
		finish(c);
}

/* ---- what the agent says of itself ---- */

static json_t *keys_json(const struct trust *t)
{
	json_t *list = json_array();
	char hex[DIGEST_HEX_LEN];

	for (size_t i = 0; i < t->n; i++) {
		struct digest d = digest_of(t->keys[i].pub.b, sizeof(t->keys[i].pub.b));

		json_array_append_new(list, json_pack("{s:i, s:s}", "role", (int)t->keys[i].role, "sha256", digest_hex(&d, hex)));
	}
	return list;
}

static json_t *config_json(const struct config *c)
{
	json_t *logs = json_array();

	for (size_t i = 0; i < c->logs_n; i++) {
		const struct config_log *l = &c->logs[i];

		if (l->path != NULL)
			json_array_append_new(logs, json_text(l->path));
		for (size_t k = 0; k < l->units_n; k++)
			json_array_append_new(logs, json_sprintf("journald:%s", l->units[k]));
	}
	return json_pack("{s:o, s:o, s:o, s:b, s:o, s:I, s:I, s:I, s:I, s:I, s:I, s:I, s:b, s:o, s:o}", "vendor_url",
			 json_text(c->vendor_url), "connect_to", json_text(c->vendor_connect_to), "ca_file", json_text(c->ca_file),
			 "proxy", config_proxy(c) != NULL, "state_dir", json_text(c->state_dir), "journal_max",
			 (json_int_t)c->journal_max, "journal_segment", (json_int_t)c->journal_segment, "poll_idle_ms",
			 (json_int_t)c->poll_idle_ms, "poll_busy_ms", (json_int_t)c->poll_busy_ms, "metrics_interval_ms",
			 (json_int_t)c->metrics_interval_ms, "spool_logs_max", (json_int_t)c->spool_logs_max, "spool_metrics_max",
			 (json_int_t)c->spool_metrics_max, "insecure", c->insecure, "logs", logs, "keys", keys_json(&c->trust));
}

static json_t *policy_json(const struct policy *p)
{
	json_t *verbs = json_object();
	char hex[DIGEST_HEX_LEN];

	for (enum verb_index i = 0; i < VERBS; i++)
		json_object_set_new(verbs, verb_at(i)->name, json_string(policy_mode_name(p->verbs[i])));
	return json_pack("{s:s, s:b, s:o}", "sha256", digest_hex(&p->digest, hex), "off", p->frozen, "commands", verbs);
}

/* The reason of the mode may quote the policy, and what only the customer can decode is the customer's. */
static void add_status(struct collecting *c)
{
	CLEANUP(json_close) json_t *status = agent_status(c->a);
	CLEANUP(json_close) json_t *operations = json_incref(json_object_get(status, "operations"));

	json_object_del(status, "refused");
	json_object_del(status, "operations");
	json_object_set_new(status, "why", json_text(ops_mode_told(c->a->ops)));
	add(c, "status", "status", json_incref(status));
	for (size_t i = 0; i < json_array_size(operations); i++)
		add(c, "operation", "operation", json_incref(json_array_get(operations, i)));
}

static void add_about(struct collecting *c)
{
	CLEANUP(buf_close) struct buf statm = BUF_MAX(256);
	char when[STAMP_RFC3339_LEN], since[STAMP_RFC3339_LEN];

	err_ignore(disk_read_all(world_of(c), "/proc/self/statm", &statm, NULL), "how much memory it takes is then not told");
	diag_bundle_add(&c->b,
			json_pack("{s:s, s:s, s:s, s:s, s:s, s:s, s:s, s:o}", "part", "about", "version", REEVE_VERSION, "packages",
				  REEVE_PACKAGES, "command", c->req->id, "made_at", stamp_rfc3339(world_wall_ms(world_of(c)), when),
				  "records_since", stamp_rfc3339(c->since_ms, since), "installation", c->a->cfg->installation,
				  "statm", json_text(buf_str(&statm))));
	add(c, "config", "config", config_json(c->a->cfg));
	add(c, "policy", "policy", policy_json(c->req->env->policy(c->req->env->ctx)));
	add_status(c);
}

/* A line of it is no longer than a cluster, so that the rules' patterns have their budget for it. */
static void add_warehouse(struct collecting *c, json_t *warehouse)
{
	const char *name = json_str_or(warehouse, "name", "");
	const char *list;
	json_t *things;

	json_object_foreach(warehouse, list, things)
		for (size_t i = 0; i < json_array_size(things); i++)
			diag_bundle_add(&c->b, json_pack("{s:s, s:o, s:s, s:O}", "part", "inventory", "warehouse", json_text(name),
							 "of", list, "thing", json_array_get(things, i)));
}

static void on_inventory(struct inventory_req *inv, int rc)
{
	struct collecting *c = container_of(inv, struct collecting, inv);
	CLEANUP(json_close) json_t *j = rc == 0 ? inventory_json(inv->inv, INVENTORY_BYTES) : NULL;
	json_t *all = json_object_get(j, "warehouses");

	for (size_t i = 0; i < json_array_size(all); i++)
		add_warehouse(c, json_array_get(all, i));
	if (rc == 0)
		add(c, "inventory.left_out", "left_out", json_incref(json_object_get(j, "left_out")));
	else
		add(c, "inventory.failed", "error", json_text(err_text(&inv->err)));
	inventory_req_close(inv);
	if (journal_list(world_of(c), c->a->paths[JOURNAL_DIR], &c->segs, NULL) == 0)
		c->segs_left = c->segs.n;
	timer_start(world_of(c), &c->timer, 0, on_slice);
}

/* ---- the beginning ---- */

static void begin(struct collecting *c)
{
	const struct op_env *env = c->req->env;
	const struct policy *p = env->policy(env->ctx);
	CLEANUP(secret_close) struct secret key = { 0 };
	struct err e = { 0 };

	c->rules_digest = diag_rules_digest(&p->export);
	if (hmac_key_read(env->w, c->a->cfg->hmac_key_file, &p->export, &key, &e) != 0 ||
	    rules_new(&p->export, &key, NULL, &c->rules, &e) != 0) {
		fail(c, "POLICY", &e);
		return;
	}
	diag_bundle_init(&c->b, c->rules);
	add_about(c);
	inventory_take(&(struct inventory_source){ env->w, env->aws, env->instance, &env->owner, catalogue_resources() }, NULL,
		       &c->inv, on_inventory);
}

static void on_begin(struct timer *t)
{
	struct collecting *c = container_of(t, struct collecting, timer);
	struct err e = { 0 };

	if (c->is_cancelled) {
		fail(c, "INTERNAL", &(struct err){ .code = ERR_CANCELED, .text = "called off" });
		return;
	}
	switch (c->req->may(c->req, &e)) {
	case DEED_GO:
		begin(c);
		break;
	case DEED_WAIT:
		timer_start(world_of(c), &c->timer, WAIT_MS, on_begin);
		break;
	case DEED_DENY:
		fail(c, "POLICY", &e);
		break;
	}
}

void diag_collect_start(struct agent *a, const char *dir, struct deed_req *req)
{
	uint32_t hours = ((const Reeve__Control__V1__DiagCollect *)req->args)->hours;
	struct collecting *c = mem_new(struct collecting);

	c->req = req;
	c->a = a;
	c->dir = dir;
	c->errors = json_object();
	c->since_ms = world_wall_ms(req->env->w) - (hours != 0 ? hours : 24) * HOUR_MS;
	req->priv = c;
	timer_start(req->env->w, &c->timer, 0, on_begin);
}

/* What is being written is waited for; a wait is over at once. */
void diag_collect_cancel(struct deed_req *req)
{
	struct collecting *c = req->priv;

	if (c == NULL || c->is_cancelled)
		return;
	c->is_cancelled = true;
	if (c->inv.priv != NULL)
		inventory_cancel(&c->inv);
	else if (c->rules == NULL)
		timer_start(world_of(c), &c->timer, 0, on_begin);
}

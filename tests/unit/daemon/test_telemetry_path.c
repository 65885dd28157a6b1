/* test_telemetry_path.c - what collectors and shippers count is seen: in the status, and in the metrics that leave. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <string.h>

#include "agent/aws/creds.h"
#include "agent/aws/imds.h"
#include "agent/base/gzip.h"
#include "agent/base/json.h"
#include "agent/base/mem.h"
#include "agent/base/str.h"
#include "agent/daemon/telemetry_path.h"
#include "shippers/shipper.h"
#include "tests/sim/flag.h"
#include "tests/sim/world_sim.h"

#define DIR "/var/lib/reeve/spool"

static struct world *w;
static struct imds *imds; /* nobody answers it: there is no login */
static struct creds *creds;
static struct channel *channel;
static struct telemetry *t;
static struct identity id;
static struct buf sent; /* what waits in the spool, unpacked: nobody is logged in */
static char *everything[] = { (char[]){ "*" } };

static const char *units[] = { "be.service" };
static struct config config = { .installation = "inst-1",
				.state_dir = "/var/lib/reeve",
				.vendor_url = "https://control.example",
				.metrics_interval_ms = 15000,
				.logs = { { .path = "/var/log/app.log", .service = "app" },
					  { .units = units, .units_n = 1, .service = "be" } },
				.logs_n = 2 };

static uint32_t orphans = 2;

static void say_orphans(void *ctx, struct shipper *s)
{
	const struct telemetry_attr of = { "reeve.warehouse", "wh-1" };

	shipper_own_of(s, "reeve.volumes.orphaned", "{volume}", TELEMETRY_GAUGE, *(uint32_t *)ctx, &of);
}

static void run_for_a_minute(void)
{
	struct channel_config cc = { .url = config.vendor_url, .host = "control.example", .installation = "inst-1" };
	struct policy p = { .present = true };

	p.export = (struct telemetry_rules){ .metrics = everything, .metrics_n = 1, .logs = everything, .logs_n = 1 };
	memset(&p.digest, 7, sizeof(p.digest));
	imds = imds_new(w, "http://169.254.169.254");
	cc.instance = creds = creds_new_imds(w, imds);
	channel = channel_new(w, &cc);
	t = telemetry_new(w, &config, DIR, &id, channel);
	telemetry_also(t, say_orphans, &orphans);
	telemetry_rules(t, &p);
	sim_run_until(w, NULL, NULL, 60000);
}

static int setup(void **state)
{
	(void)state;
	w = sim_new(3);
	sim_dir_make(w, "/var/lib/reeve");
	sim_file_puts(w, "/var/log/app.log", "one\ntwo\n");
	sim_journal_add(w, "_SYSTEMD_UNIT=be.service\nMESSAGE=of the journal");
	sent = BUF_MAX(8u << 20);
	run_for_a_minute();
	return 0;
}

static void wait_for(bool *closed)
{
	assert_int_equal(sim_run_until(w, flag_is_set, closed, 60000), SIM_TRUE);
}

static int teardown(void **state)
{
	bool closed[4] = { false };

	(void)state;
	telemetry_close(t, flag_set, &closed[0]);
	wait_for(&closed[0]);
	channel_close(channel, flag_set, &closed[1]);
	wait_for(&closed[1]);
	creds_close(creds, flag_set, &closed[2]);
	wait_for(&closed[2]);
	imds_close(imds, flag_set, &closed[3]);
	wait_for(&closed[3]);
	buf_close(&sent);
	sim_free(w);
	return 0;
}

static int unpack(void *ctx, const char *name)
{
	CLEANUP(mem_close) char *path = mem_printf(DIR "/%s", name);
	CLEANUP(buf_close) struct buf b = BUF_MAX(8u << 20);

	(void)ctx;
	if (!str_ends(name, ".pb.gz"))
		return 0;
	assert_true(sim_file_get(w, path, &b));
	assert_int_equal(gzip_unpack(b.data, b.len, &sent, NULL), 0);
	return 0;
}

static void every_count_of_the_collectors_leaves_as_a_metric(void **state)
{
	static const char *const names[] = {
		"reeve.tail.lines",
		"reeve.tail.bytes",
		"reeve.tail.lines.truncated",
		"reeve.tail.files",
		"reeve.tail.errors",
		"reeve.tail.positions.dropped",
		"reeve.tail.files.truncated",
		"reeve.tail.files.refused",
		"reeve.tail.files.rotated",
		"reeve.host.scrapes",
		"reeve.host.unread",
		"reeve.tail.files.refused.compressed",
		"reeve.tail.files.refused.no_text",
		"reeve.tail.lines.unfinished",
		"reeve.tail.lines.no_text",
		"reeve.tail.nul_bytes",
		"reeve.tail.files.refused.links",
		"reeve.tail.files.refused.limit",
		"reeve.tail.files.refused.denied",
		"reeve.host.filesystems.hung",
		"reeve.host.counters.held",
		"reeve.host.counters.anew",
		"reeve.host.rows.odd",
		"reeve.host.rows.over",
		"reeve.volumes.orphaned",
		"reeve.warehouse", /* whose they are */
		"reeve.journald.entries",
		"reeve.journald.gaps.vacuumed",
		"reeve.journald.service",
		"of the journal",
	};

	(void)state;
	assert_int_equal(w->disk_list(w, DIR, unpack, NULL, NULL), 0);
	for (size_t i = 0; i < ARRAY_LEN(names); i++)
		assert_non_null(memmem(sent.data, sent.len, names[i], strlen(names[i])));
}

static void the_status_tells_each_way_in_which_a_record_can_be_lost(void **state)
{
	static const char *const members[] = { "rejected",         "dropped_by_rule", "failed_by_rule",  "not_allowed_by_policy",
					       "dropped_for_room", "dropped_for_age", "damaged_records", "uncommitted_bodies",
					       "rests_by_rule" };
	CLEANUP(json_close) json_t *j = telemetry_status(t);

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(members); i++) {
		assert_int_equal(json_int_or(json_object_get(j, "metrics"), members[i], -1), 0);
		assert_int_equal(json_int_or(json_object_get(j, "logs"), members[i], -1), 0);
	}
	assert_int_equal(json_int_or(j, "damaged", -1), 0);
	assert_int_equal(json_int_or(j, "write_failures", -1), 0);
	assert_int_equal(json_int_or(json_object_get(j, "tail"), "files", -1), 1);
	assert_int_equal(json_int_or(json_object_get(j, "tail"), "lines", -1), 2);
	assert_true(json_int_or(json_object_get(j, "host"), "scrapes", -1) > 0);
	assert_true(json_int_or(json_object_get(j, "host"), "unread", -1) > 0); /* there is no /proc here */
}

static void each_source_of_the_journal_is_in_the_status(void **state)
{
	CLEANUP(json_close) json_t *j = telemetry_status(t), *later = NULL;
	const json_t *one = json_array_get(json_object_get(j, "journald"), 0);

	(void)state;
	assert_string_equal(json_str_or(one, "service", ""), "be");
	assert_int_equal(json_int_or(one, "entries", -1), 1);
	assert_null(json_object_get(one, "trouble"));
	assert_null(json_object_get(j, "trouble"));
	sim_fail_nth(w, SIM_JOURNAL, 1, ERR_NOTFOUND);
	sim_journal_absent(w, true);
	sim_run_until(w, NULL, NULL, 20000);
	later = telemetry_status(t);
	one = json_array_get(json_object_get(later, "journald"), 0);
	assert_non_null(json_object_get(one, "trouble"));
	assert_non_null(json_object_get(later, "trouble")); /* so that the health says it, too */
	sim_journal_absent(w, false);
}

static void a_gap_in_the_journal_is_a_loss(void **state)
{
	CLEANUP(json_close) json_t *j = NULL;

	(void)state;
	sim_run_until(w, NULL, NULL, 60000);
	for (int i = 0; i < 2; i++) {
		sim_fail_nth(w, SIM_JOURNAL, 1, ERR_CORRUPT); /* so that it is not read before the vacuum */
		sim_journal_add(w, "_SYSTEMD_UNIT=be.service\nMESSAGE=lost");
		sim_run_until(w, NULL, NULL, 500);
	}
	sim_journal_vacuum(w, 2);
	sim_run_until(w, NULL, NULL, 20000);
	telemetry_look(t);
	j = telemetry_status(t);
	assert_non_null(json_object_get(j, "last_loss"));
}

static char *last_loss(void)
{
	CLEANUP(json_close) json_t *j = telemetry_status(t);

	return mem_str(json_str_or(j, "last_loss", ""));
}

/* A number that grew tells of a loss, and one that stands still of none: what was lost last week is no news. */
static void the_status_tells_when_a_record_was_last_lost(void **state)
{
	CLEANUP(mem_close) char *first = NULL, *again = NULL, *later = NULL;

	(void)state;
	telemetry_look(t);
	first = last_loss();
	assert_string_equal(first, "");
	sim_fail_rate(w, SIM_DISK, 1000); /* nothing can be spooled, until memory is full */
	sim_run_until(w, NULL, NULL, 3600000);
	telemetry_look(t);
	again = last_loss();
	assert_string_not_equal(again, "");
	sim_fail_rate(w, SIM_DISK, 0);
	sim_run_until(w, NULL, NULL, 1000);
	telemetry_look(t);
	later = last_loss();
	assert_string_equal(later, again);
}

/* The word goes to the person: nothing would leave, and no log of the vendor's says why. */
static void a_policy_that_wants_hmacs_lets_nothing_out_until_there_is_a_key(void **state)
{
	struct policy p = { .present = true };
	char path[] = "/etc/reeve/hmac.key";

	(void)state;
	p.export = (struct telemetry_rules){ .metrics = everything, .metrics_n = 1, .logs = everything, .logs_n = 1 };
	p.export.detect[TELEMETRY_EMAIL] = (struct telemetry_detect){ true, TELEMETRY_HMAC };
	memset(&p.digest, 8, sizeof(p.digest));
	telemetry_rules(t, &p);
	assert_non_null(strstr(telemetry_trouble(t), "telemetry.hmac_key_file"));
	config.hmac_key_file = path;
	memset(&p.digest, 9, sizeof(p.digest));
	telemetry_rules(t, &p);
	assert_non_null(strstr(telemetry_trouble(t), path));
	sim_dir_make(w, "/etc/reeve");
	sim_file_puts(w, path, "0123456789abcdef0123456789abcdef");
	memset(&p.digest, 10, sizeof(p.digest));
	telemetry_rules(t, &p);
	assert_non_null(strstr(telemetry_trouble(t), "open to others"));
	sim_file_chmod(w, path, 0600);
	memset(&p.digest, 11, sizeof(p.digest));
	telemetry_rules(t, &p);
	assert_null(telemetry_trouble(t));
	config.hmac_key_file = NULL;
}

static void the_status_has_each_rule_by_its_name(void **state)
{
	static char debug[] = "DEBUG", *drop[] = { debug };
	struct policy p = { .present = true };
	CLEANUP(json_close) json_t *j = NULL;
	const json_t *rules;

	(void)state;
	p.export = (struct telemetry_rules){ .logs = everything, .logs_n = 1, .drop = drop, .drop_n = 1 };
	p.export.detect[TELEMETRY_CARD_NUMBERS].is_on = true;
	memset(&p.digest, 8, sizeof(p.digest));
	telemetry_rules(t, &p);
	sim_file_append(w, "/var/log/app.log", "a DEBUG b\n4111111111111111\n", 27);
	sim_run_until(w, NULL, NULL, 60000);
	j = telemetry_status(t);
	rules = json_object_get(j, "rules");
	assert_int_equal(json_array_size(rules), 2);
	assert_string_equal(json_str_or(json_array_get(rules, 0), "rule", ""), "drop-1");
	assert_int_equal(json_int_or(json_array_get(rules, 0), "dropped", -1), 1);
	assert_string_equal(json_str_or(json_array_get(rules, 1), "rule", ""), "card_numbers");
	assert_int_equal(json_int_or(json_array_get(rules, 1), "masked", -1), 1);
	assert_int_equal(json_int_or(json_array_get(rules, 1), "failed", -1), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(every_count_of_the_collectors_leaves_as_a_metric, setup, teardown),
		cmocka_unit_test_setup_teardown(the_status_tells_each_way_in_which_a_record_can_be_lost, setup, teardown),
		cmocka_unit_test_setup_teardown(each_source_of_the_journal_is_in_the_status, setup, teardown),
		cmocka_unit_test_setup_teardown(a_gap_in_the_journal_is_a_loss, setup, teardown),
		cmocka_unit_test_setup_teardown(a_policy_that_wants_hmacs_lets_nothing_out_until_there_is_a_key, setup, teardown),
		cmocka_unit_test_setup_teardown(the_status_has_each_rule_by_its_name, setup, teardown),
		cmocka_unit_test_setup_teardown(the_status_tells_when_a_record_was_last_lost, setup, teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

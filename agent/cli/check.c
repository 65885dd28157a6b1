/* offline.c - commands that need no daemon: the journal, the IAM documents, the configuration. */
#include <grp.h>
#include <pwd.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "agent/base/json.h"
#include "agent/base/mem.h"
#include "agent/base/str.h"
#include "agent/cli/cli.h"
#include "agent/config.h"
#include "agent/io/journal_read.h"
#include "agent/io/world_uv.h"
#include "agent/ops/policy.h"

/* ---- journal ---- */

static int show_entry(void *ctx, const struct journal_entry *entry, struct err *e)
{
	static const char *const own[] = { "prev", "seq", "time", "type", "signed", "plan" };
	CLEANUP(buf_close) struct buf text = BUF_MAX(JOURNAL_LINE_MAX);
	json_t *copy = json_copy((json_t *)entry->obj);

	(void)ctx;
	(void)e;
	for (size_t i = 0; i < ARRAY_LEN(own); i++)
		json_object_del(copy, own[i]);
	json_write(copy, &text);
	json_decref(copy);
	printf("%6llu  %s  %-18s %.400s%s\n", (unsigned long long)entry->seq, entry->time, entry->type, buf_str(&text),
	       text.len > 400 ? " ..." : "");
	return 0;
}

static int read_journal(struct world *w, const char *dir, bool show, struct err *e)
{
	struct journal_chain chain;
	char hex[DIGEST_HEX_LEN];
	bool torn;

	TRY(journal_read_all(w, dir, show ? show_entry : NULL, NULL, &chain, &torn, e));
	if (chain.next_seq == 0)
		return err_set(e, ERR_NOTFOUND, "%s holds no journal", dir);
	if (torn)
		fprintf(stderr, "reeve: the last line is torn: a write that a crash cut off; the next start cuts it\n");
	if (!show)
		printf("ok: %llu records, the chain is whole, head %s\n", (unsigned long long)chain.next_seq - 1,
		       digest_hex(&chain.prev, hex));
	return 0;
}

int cmd_journal(int argc, char **argv)
{
	struct err e = { 0 };
	struct world *w;
	int rc;

	if (argc != 3 || (!str_eq(argv[1], "verify") && !str_eq(argv[1], "show")))
		return cli_usage("journal wants: verify DIR, or show DIR");
	w = world_uv_new(&e);
	if (w == NULL)
		return cli_fail(&e);
	rc = read_journal(w, argv[2], str_eq(argv[1], "show"), &e);
	world_uv_free(w);
	return rc == 0 ? 0 : cli_fail(&e);
}

/* ---- configuration ---- */

#define SERVICE_USER "reeve" /* deploy/systemd/reeve.service */

/* Who may write the policy is judged with the eyes of the service's user: root may write everything. */
static bool became_service(void)
{
	const struct passwd *user = getpwnam(SERVICE_USER);

	return user != NULL && initgroups(user->pw_name, user->pw_gid) == 0 && setegid(user->pw_gid) == 0 &&
	       seteuid(user->pw_uid) == 0;
}

static void read_policy(struct world *w, const char *path, struct policy *ret)
{
	if (geteuid() != 0 || became_service()) {
		policy_load(w, path, ret);
		return;
	}
	fprintf(stderr, "reeve: note: there is no user " SERVICE_USER " here, so who may write %s was not judged\n", path);
	policy_load_as_other(w, path, ret);
}

static void print_missing(const struct policy *p)
{
	const char *name, *stops;

	for (size_t i = 0; bounds_missing(&p->bounds, i, &name, &stops); i++)
		printf("  bounds.%s is not given, which stops %s\n", name, stops);
}

static void print_policy(const struct policy *p, const char *path)
{
	if (!p->present)
		printf("%s: counts as none, so nothing would be changed: %s\n", path, err_text(&p->reason));
	else
		printf("%s: ok, warehouse.apply %s, warehouse.delete %s%s\n", path,
		       policy_mode_name(p->verbs[VERB_WAREHOUSE_APPLY]), policy_mode_name(p->verbs[VERB_WAREHOUSE_DELETE]),
		       p->frozen ? ", FROZEN by mode: off" : "");
	if (p->present)
		print_missing(p);
}

/* 1: the policy is there and counts as none. */
static int check(struct world *w, const char *path, struct err *e)
{
	struct config c;
	struct policy p;
	int rc;

	TRY(config_load(w, path, &c, e));
	printf("%s: ok, installation %s of %s, %zu trusted keys\n", path, c.installation, c.vendor_url, c.trust.n);
	read_policy(w, c.policy_path, &p);
	print_policy(&p, c.policy_path);
	rc = p.present || p.reason.code == ERR_NOTFOUND ? 0 : 1;
	policy_close(&p);
	config_close(&c);
	return rc;
}

int cmd_check_config(int argc, char **argv)
{
	const char *path;
	struct err e = { 0 };
	struct world *w;
	int rc;

	if (cli_config_path(&argc, argv, &path) != 0)
		return 2;
	if (argc > 1)
		return cli_usage("check-config: \"%s\" is not expected", argv[1]);
	w = world_uv_new(&e);
	if (w == NULL)
		return cli_fail(&e);
	rc = check(w, path, &e);
	world_uv_free(w);
	return rc < 0 ? cli_fail(&e) : rc;
}

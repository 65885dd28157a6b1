/* cmd_check.c - reeve check-config: all that is wrong with reeve.yaml, the policy beside it, and what fits neither.
 *
 * Errors are what the daemon would not start with, or would count as no policy; warnings are what it would start with and people
 * wonder about. All is seen with the eyes of the service's user, for whom it is: root may read and write everything. */
#include <grp.h>
#include <limits.h>
#include <pwd.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "agent/aws/region.h"
#include "agent/base/faults.h"
#include "agent/base/mem.h"
#include "agent/base/str.h"
#include "agent/cli/cli.h"
#include "agent/cli/page.h"
#include "agent/config.h"
#include "agent/io/world_uv.h"
#include "agent/ops/hmac_key.h"
#include "shippers/auth_file.h"
#include "agent/ops/policy.h"

#define SERVICE_USER "reeve" /* deploy/systemd/reeve.service */

static bool became_service(void)
{
	const struct passwd *user = getpwnam(SERVICE_USER);

	/* The groups first: without root they cannot be set any more. Effective ids are enough, for they
	 * decide who may open a file. */
	return user != NULL && initgroups(user->pw_name, user->pw_gid) == 0 && setegid(user->pw_gid) == 0 &&
	       seteuid(user->pw_uid) == 0;
}

/* True: what follows is seen with the eyes of the service's user, or of another who is not root. */
static bool become_service(const char *policy_path)
{
	bool is_judged = geteuid() != 0 || became_service();

	if (!is_judged)
		fprintf(stderr, "reeve: note: there is no user " SERVICE_USER " here, so who may write %s was not judged\n",
			policy_path);
	return is_judged;
}

/* ---- reeve.yaml ---- */

static void print_faults(const struct faults *f, const char *path)
{
	for (size_t i = 0; i < f->n; i++)
		fprintf(stderr, "reeve: %s\n", err_text(&f->v[i]));
	if (f->all > f->n)
		fprintf(stderr, "reeve: %s: and %zu more\n", path, f->all - f->n);
}

static bool has_key(const struct trust *t, enum trust_role role)
{
	for (size_t i = 0; i < t->n; i++)
		if (t->keys[i].role == role)
			return true;
	return false;
}

static void warn_of_keys(const struct config *c)
{
	static const struct {
		enum trust_role role;
		const char *name, *then;
	} roles[] = {
		{ TRUST_COMMAND, "command", "every command is refused" },
		{ TRUST_RELEASE, "release", "every command whose plan is of high risk is denied" },
		{ TRUST_HEAD, "head", "health stays degraded, nothing can be cancelled, and no command of high risk starts" },
	};

	for (size_t i = 0; i < ARRAY_LEN(roles); i++)
		if (!has_key(&c->trust, roles[i].role))
			page_line(0, "warning: %s: trust.keys has no key of role %s: %s", c->path, roles[i].name, roles[i].then);
}

/* New regions open, so the daemon goes on; one that is only misspelled would be told by an instance in another region, or by a name
 * that does not resolve. */
static void warn_of_region(const struct config *c)
{
	if (c->region != NULL && !region_is_known(c->region))
		page_line(
		    0,
		    "warning: %s: aws.region: %s is no region that this version knows; right if AWS has opened it since, else the "
		    "daemon will not start here",
		    c->path, c->region);
}

/* A file that is there today may be gone at the next connection; this says only what is wrong now. */
static bool check_ca_file(struct world *w, const struct config *c)
{
	struct err e = { 0 };

	if (c->ca_file == NULL || world_uv_trust_check(w, c->ca_file, &e) == 0)
		return true;
	fprintf(stderr, "reeve: %s: vendor.ca_file: %s\n", c->path, err_text(&e));
	return false;
}

/* ---- policy.yaml ---- */

static void print_missing(const struct policy *p)
{
	const char *name, *stops;

	for (size_t i = 0; bounds_missing(&p->bounds, i, &name, &stops); i++)
		page_line(2, "  bounds.%s is not given, which stops %s", name, stops);
}

/* False: it is there and counts as none. */
static bool print_policy(const struct policy *p, const struct faults *f, const char *path)
{
	/* To have no policy yet is a state that the daemon is made for; one that is there and counts as none is a mistake. */
	bool is_missing = !p->present && p->reason.code == ERR_NOTFOUND;
	CLEANUP(buf_close) struct buf verbs = BUF_MAX(1024);

	if (p->present) {
		for (enum verb_index i = 0; i < VERBS; i++)
			buf_addf(&verbs, ", %s %s", verb_at(i)->name, policy_mode_name(p->verbs[i]));
		page_line(0, "%s: ok%s%s", path, buf_str(&verbs), p->frozen ? ", FROZEN by mode: off" : "");
		print_missing(p);
		return true;
	}
	page_line(0, "%s%s: counts as none, so nothing would be changed and no telemetry would leave: %s",
		  is_missing ? "warning: " : "", path, err_text(&f->v[0]));
	for (size_t i = 1; i < f->n; i++)
		page_line(2, "  %s", err_text(&f->v[i]));
	if (f->all > f->n)
		page_line(2, "  and %zu more", f->all - f->n);
	return is_missing;
}

/* ---- both ---- */

#define GLOB_MAX 4096

/* A glob of the configuration stands for files whose names nobody knows yet: is there a name that both take? From the end, one
 * row a character of a: row[j] says whether the rest of a and b + j can meet. A wildcard of a takes any character, one of b, which
 * is a name in a folder, no slash. */
static bool may_meet(const char *a, const char *b)
{
	bool row[GLOB_MAX + 1] = { false };
	size_t n = strlen(b);

	/* Too long to judge. No warning is better than one that may be wrong. */
	if (n > GLOB_MAX)
		return true;
	for (size_t j = n + 1; j-- > 0;)
		row[j] = b[j + strspn(b + j, "*")] == '\0';
	for (size_t i = strlen(a); i-- > 0;) {
		bool below = row[n]; /* of the row before, at j + 1 */

		row[n] = a[i] == '*' && row[n];
		for (size_t j = n; j-- > 0;) {
			bool was = row[j];

			if (a[i] == '*')
				row[j] = was || row[j + 1];
			else if (b[j] == '*')
				row[j] = row[j + 1] || (was && a[i] != '/');
			else
				row[j] = below && (a[i] == b[j] || a[i] == '?' || (b[j] == '?' && a[i] != '/'));
			below = was;
		}
	}
	return row[0];
}

/* The policy speaks of where files really are. */
static void resolve(struct world *w, const char *path, struct buf *to)
{
	size_t folder = (size_t)(strrchr(path, '/') - path);
	CLEANUP(mem_close) char *in = mem_printf("%.*s", folder > 0 ? (int)folder : 1, path);

	if (w->disk_realpath(w, in, to, NULL) != 0)
		buf_adds(to, folder > 0 ? in : ""); /* not there yet, or closed to us: as it is written */
	else if (str_eq(buf_str(to), "/"))
		buf_reset(to);
	buf_adds(to, path + folder);
}

static bool lets_out(const struct policy *p, const char *what)
{
	for (size_t i = 0; i < p->export.logs_n; i++)
		if (may_meet(p->export.logs[i], what))
			return true;
	return false;
}

static void warn_of(const struct config *c, const char *what)
{
	page_line(0, "warning: %s: telemetry.logs: %s is followed, but no export.logs of %s lets it out", c->path, what,
		  c->policy_path);
}

static void warn_of_file(struct world *w, const struct config *c, const struct policy *p, const char *path)
{
	CLEANUP(buf_close) struct buf real = BUF_MAX(PATH_MAX + 256);

	resolve(w, path, &real);
	if (!lets_out(p, buf_str(&real)))
		warn_of(c, path);
}

static void warn_of_unit(const struct config *c, const struct policy *p, const char *unit)
{
	CLEANUP(mem_close) char *what = mem_printf("journald:%s", unit);

	if (!lets_out(p, what))
		warn_of(c, what);
}

static void warn_of_logs(struct world *w, const struct config *c, const struct policy *p)
{
	for (size_t i = 0; p->present && i < c->logs_n; i++) {
		if (c->logs[i].path != NULL)
			warn_of_file(w, c, p, c->logs[i].path);
		for (size_t k = 0; k < c->logs[i].units_n; k++)
			warn_of_unit(c, p, c->logs[i].units[k]);
	}
}

/* The daemon would start, and nothing would leave. */
static bool check_hmac_key(struct world *w, const struct config *c, const struct policy *p)
{
	CLEANUP(secret_close) struct secret key = { 0 };
	struct err e = { 0 };

	if (!p->present || !hmac_key_is_wanted(&p->export))
		return true;
	if (hmac_key_read(w, c->hmac_key_file, &p->export, &key, &e) == 0 && !secret_empty(&key))
		return true;
	fprintf(stderr, "reeve: %s: %s: %s has rules with action: hmac, so no telemetry would leave\n", c->path,
		c->hmac_key_file == NULL ? "telemetry.hmac_key_file is not given" : err_text(&e), c->policy_path);
	return false;
}

/* The daemon would start, and the customer's receiver would get nothing. */
static bool check_auth_file(struct world *w, const struct config *c)
{
	struct export_proof p;
	struct err e = { 0 };
	int rc = c->customer.auth_file != NULL ? auth_file_read(w, c->customer.auth_file, &p, &e) : 0;

	secret_wipe(&p, sizeof(p));
	if (rc == 0)
		return true;
	fprintf(stderr, "reeve: %s: telemetry.customer.auth_file: %s\n", c->path, err_text(&e));
	return false;
}

/* What does not depend on the other file, where that one is wrong. */
static bool check_policy(struct world *w, const char *path, bool is_judged, struct policy *ret)
{
	struct faults f = { 0 };

	policy_check(w, path, is_judged, ret, &f);
	return print_policy(ret, &f, path);
}

static bool check_config(struct world *w, const struct config *c, bool is_whole)
{
	bool is_good = check_ca_file(w, c) && is_whole;

	if (!is_whole)
		return false; /* which keys it would have, nobody can tell */
	if (is_good)
		page_line(0, "%s: ok, installation %s of %s%s%s, %zu trusted keys", c->path, c->installation, c->vendor_url,
			  c->proxy.place != NULL ? " by the proxy " : "", c->proxy.place != NULL ? c->proxy.place : "", c->trust.n);
	warn_of_keys(c);
	warn_of_region(c);
	return is_good;
}

/* 1: something is wrong, and was said. */
static int check(struct world *w, const char *path)
{
	const char *slash = strrchr(path, '/');
	CLEANUP(mem_close)
	char *policy_path = mem_printf("%.*spolicy.yaml", slash != NULL ? (int)(slash + 1 - path) : 0, path);
	struct faults f = { 0 };
	struct config c = { 0 };
	struct policy p;
	bool is_policy_good, is_config_good, is_judged;

	config_check(w, path, &c, &f); /* before we may become another user */
	print_faults(&f, path);
	is_judged = become_service(policy_path);
	is_config_good = check_config(w, &c, f.all == 0);
	is_policy_good = check_policy(w, policy_path, is_judged, &p);
	warn_of_logs(w, &c, &p);
	is_config_good = (f.all > 0 || check_hmac_key(w, &c, &p)) && is_config_good;
	is_config_good = (f.all > 0 || check_auth_file(w, &c)) && is_config_good;
	policy_close(&p);
	config_close(&c);
	return is_config_good && is_policy_good ? 0 : 1;
}

static int run(int argc, char **argv)
{
	const char *path;
	struct err e = { 0 };
	struct world *w;
	int rc;

	if (cli_config_path(&argc, argv, &path) != 0 || cli_no_more(argc, argv, 1) != 0)
		return 2;
	if (argc > 1 && !str_eq(path, CONFIG_PATH))
		return cli_usage("check-config takes one file: \"%s\" or \"%s\"", path, argv[1]);
	w = world_uv_new(&e);
	if (w == NULL)
		return cli_fail(&e);
	rc = check(w, argc > 1 ? argv[1] : path);
	world_uv_free(w);
	return rc;
}

const struct cli_command cli_check_config = {
	.name = "check-config",
	.about = "is reeve.yaml right, and policy.yaml beside it?",
	.usage = "[FILE]",
	.page =
	    "  FILE, -c FILE  the configuration (" CONFIG_PATH "); policy.yaml beside it is read too\n"
	    "\n"
	    "All that is wrong with the file is told on stderr, each with its line. It opens vendor.ca_file and the key of HMACs,\n"
	    "and judges as the service's user who may read and write. A warning is what the daemon starts with and people wonder "
	    "about: no\n"
	    "policy, no key of a role, a region that this version does not know, a log that the policy lets not out.\n"
	    "\n"
	    "exit status\n"
	    "  0  right, or with warnings\n"
	    "  1  something is wrong\n"
	    "  2  it was asked wrongly\n"
	    "\n"
	    "examples\n"
	    "  reeve check-config\n"
	    "  reeve check-config ./reeve.yaml && mv reeve.yaml /etc/reeve/\n",
	.run = run,
};

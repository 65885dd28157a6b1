/* diag_files.c - see diag_files.h. */
#include "agent/daemon/diag_files.h"

#include <stdio.h>
#include <string.h>

#include "agent/base/buf.h"
#include "agent/base/mem.h"
#include "agent/base/str.h"
#include "agent/daemon/diag_bundle.h"

#define NAME_LEN (DIGEST_HEX_LEN - 1)

char *diag_path(const char *dir, const struct digest *d, const char *ending)
{
	char hex[DIGEST_HEX_LEN];

	return mem_printf("%s/%s%s", dir, digest_hex(d, hex), ending);
}

static void add_texts(struct buf *to, const char *kind, char *const *v, size_t n)
{
	for (size_t i = 0; i < n; i++)
		buf_addf(to, "%s %zu %s\n", kind, strlen(v[i]), v[i]);
}

struct digest diag_rules_digest(const struct telemetry_rules *r)
{
	CLEANUP(buf_close) struct buf text = BUF_MAX(1u << 20);

	add_texts(&text, "metrics", r->metrics, r->metrics_n);
	add_texts(&text, "logs", r->logs, r->logs_n);
	add_texts(&text, "drop", r->drop, r->drop_n);
	for (size_t i = 0; i < r->redact_n; i++)
		buf_addf(&text, "redact %zu %s %s %d\n", strlen(r->redact[i].name), r->redact[i].name, r->redact[i].pattern,
			 (int)r->redact[i].action);
	for (size_t i = 0; i < TELEMETRY_DETECTORS; i++)
		if (r->detect[i].is_on)
			buf_addf(&text, "detect %zu %d\n", i, (int)r->detect[i].action);
	return digest_of(buf_str(&text), text.len);
}

static int check_rules(struct world *w, const char *dir, const struct digest *d, const struct telemetry_rules *now, struct err *e)
{
	CLEANUP(mem_close) char *path = diag_path(dir, d, ".rules");
	CLEANUP(buf_close) struct buf made = BUF_MAX(DIGEST_HEX_LEN);
	struct digest want = diag_rules_digest(now);
	char hex[DIGEST_HEX_LEN];

	if (disk_read_all(w, path, &made, e) == 0 && str_eq(buf_str(&made), digest_hex(&want, hex)))
		return 0;
	return err_set(e, ERR_DENIED,
		       "the policy's export rules are others than those that the bundle was made under: collect again");
}

int diag_read(struct world *w, const char *dir, const struct digest *d, const struct telemetry_rules *now, struct buf *to,
	      struct err *e)
{
	CLEANUP(mem_close) char *path = diag_path(dir, d, ".gz");
	char hex[DIGEST_HEX_LEN];
	struct digest is;
	int rc = disk_read_all(w, path, to, e);

	if (rc == -ERR_NOTFOUND)
		return err_set(e, ERR_NOTFOUND, "there is no bundle %s here (the newest %d are kept): collect again",
			       digest_hex(d, hex), DIAG_KEPT);
	TRY(rc);
	is = digest_of(to->data, to->len);
	if (!digest_eq(&is, d))
		return err_set(e, ERR_CORRUPT, "%s has other bytes than its name says: collect again", path);
	return check_rules(w, dir, d, now, e);
}

/* ---- the newest few ---- */

struct looking {
	struct world *w;
	const char *dir;
	char stray[128], oldest[128];
	int64_t oldest_ms;
	unsigned bundles;
};

static bool has_bundle(const struct looking *l, const char *name)
{
	CLEANUP(mem_close) char *path = mem_printf("%s/%.64s.gz", l->dir, name);

	return disk_exists(l->w, path);
}

static bool is_bundle(const char *name)
{
	return strlen(name) == NAME_LEN + 3 && str_ends(name, ".gz") && strspn(name, "0123456789abcdef") == NAME_LEN;
}

static int on_name(void *ctx, const char *name)
{
	struct looking *l = ctx;
	CLEANUP(mem_close) char *path = mem_printf("%s/%s", l->dir, name);
	struct disk_stat st = { 0 };

	if (strlen(name) >= sizeof(l->stray))
		return 0;
	if (!is_bundle(name)) {
		if (str_ends(name, ".tmp") || (str_ends(name, ".rules") && !has_bundle(l, name)))
			snprintf(l->stray, sizeof(l->stray), "%s", name);
		return 0;
	}
	err_ignore(l->w->disk_stat(l->w, path, &st, NULL), "one that cannot be looked at counts as the oldest");
	if (l->bundles++ > 0 && st.mtime_ms >= l->oldest_ms)
		return 0;
	l->oldest_ms = st.mtime_ms;
	snprintf(l->oldest, sizeof(l->oldest), "%s", name);
	return 0;
}

char *diag_next_to_go(struct world *w, const char *dir)
{
	struct looking l = { .w = w, .dir = dir };

	if (w->disk_list(w, dir, on_name, &l, NULL) != 0)
		return NULL;
	if (l.stray[0] != '\0')
		return mem_printf("%s/%s", dir, l.stray);
	return l.bundles > DIAG_KEPT ? mem_printf("%s/%s", dir, l.oldest) : NULL;
}

/* faults.c - see faults.h. */
#include "agent/base/faults.h"

void faults_hear(struct faults *f, int rc)
{
	/* A getter that fails without a sentence has met a value that was refused while the text was read. That was told then,
	 * so it is no new fault, but still a value that cannot be used. */
	bool is_new = rc != 0 && f->now.code != 0;

	if (is_new && f->n < FAULTS_MAX)
		f->v[f->n++] = f->now;
	f->all += is_new;
	f->missed += rc != 0;
	f->now = (struct err){ 0 };
}

static void hear(void *ctx, const struct err *e)
{
	struct faults *f = ctx;

	f->now = *e;
	faults_hear(f, -e->code);
}

struct yaml *faults_read(struct faults *f, const char *file, const char *text, size_t len)
{
	return yaml_read(file, text, len, hear, f);
}

bool faults_enter(struct faults *f, const struct yaml_node *map, const char *const *keys)
{
	const struct yaml_node *stranger = NULL;

	if (!yaml_is_map(map)) {
		/* Of a mapping that is not there yaml_map says nothing: then nothing is heard, and all keys have their defaults. */
		faults_hear(f, yaml_map(map, keys, &f->now));
		return map == NULL;
	}
	while ((stranger = yaml_stranger(map, stranger, keys, &f->now)) != NULL)
		faults_hear(f, -f->now.code);
	return true;
}

bool faults_need(struct faults *f, const struct yaml_node *map, const char *key, const char *expected)
{
	if (yaml_get(map, key) != NULL)
		return true;
	if (yaml_is_cut(map))
		f->missed++;
	else
		faults_hear(f, yaml_missing(map, key, expected, &f->now));
	return false;
}

int faults_first(const struct faults *f, struct err *e)
{
	if (f->all == 0)
		return 0;
	if (f->all == 1)
		return err_set(e, f->v[0].code, "%s", f->v[0].text);
	/* 440 bytes leave room in ERR_TEXT_MAX for the count, which a person needs more than the end of a long sentence. */
	return err_set(e, f->v[0].code, "%.440s (and %zu more: see reeve check-config)", f->v[0].text, f->all - 1);
}

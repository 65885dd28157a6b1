/* customer_tags.c - see customer_tags.h. */
#include "agent/ops/customer_tags.h"

#include "agent/base/faults.h"
#include "agent/base/json.h"
#include "agent/base/mem.h"
#include "agent/ops/steps/field.h"

static int get_field(struct yaml_node *n, int (*check)(const char *s, const char *what, struct err *e), const char *expected,
		     const char **ret, struct err *e)
{
	struct err why = { 0 };

	TRY(yaml_str(n, ret, e));
	if (check(*ret, "it", &why) != 0) {
		CLEANUP(mem_close) char *text = mem_printf("%s (%s)", expected, why.text);

		return yaml_wrong(n, text, e);
	}
	return 0;
}

static json_t *trimmed(const char *s)
{
	size_t n;
	const char *at = field_trim(s, &n);

	return json_stringn(at, n);
}

static void add(json_t *to, struct yaml_node *n, const char *key, const char *value, struct faults *f)
{
	CLEANUP(json_close) json_t *k = trimmed(key);

	if (json_object_get(to, json_string_value(k)) != NULL)
		faults_hear(f, yaml_wrong(n, "a key that does not stand there twice", &f->now));
	else
		json_object_set_new(to, json_string_value(k), trimmed(value));
}

static void read_one(json_t *to, struct yaml_node *n, struct faults *f)
{
	const char *key = NULL, *value = NULL;
	size_t before = f->missed;

	if (!faults_enter(f, n, YAML_KEYS("key", "value")))
		return;
	if (faults_need(f, n, "key", "key and value"))
		faults_hear(f, get_field(yaml_get(n, "key"), field_tag_key, "a tag key that AWS takes and that is not ours", &key,
					 &f->now));
	if (faults_need(f, n, "value", "key and value"))
		faults_hear(f, get_field(yaml_get(n, "value"), field_tag_value, "a tag value that AWS takes", &value, &f->now));
	if (f->missed == before)
		add(to, yaml_get(n, "key"), key, value, f);
}

json_t *customer_tags_read(struct yaml_node *list, struct faults *f)
{
	json_t *tags = json_object();
	int rc = yaml_list(list, CUSTOMER_TAGS_MAX, &f->now);

	faults_hear(f, rc);
	for (struct yaml_node *n = rc == 0 ? yaml_first(list) : NULL; n != NULL; n = yaml_next(n))
		read_one(tags, n, f);
	if (json_object_size(tags) > 0)
		return tags;
	json_decref(tags);
	return NULL;
}

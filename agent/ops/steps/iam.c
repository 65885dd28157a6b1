/* iam.c - the IAM documents, of the step kinds' statements as iam_table.c has merged them: names put in, lists spread, what names
 * nothing left out. */
#include "agent/ops/steps/iam.h"

#include <assert.h>
#include <jansson.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "agent/base/json.h"
#include "agent/base/mem.h"
#include "agent/base/str.h"
#include "agent/ops/steps/catalogue.h"
#include "agent/ops/steps/iam_table.h"
#include "agent/ops/steps/reads.h"

/* One document that is being made. */
struct making {
	const struct iam_args *a;
	struct iam_lists open;
	const struct iam_lists *lists; /* the given ones, or &open */
	size_t bytes[BOUNDS_MAX];      /* that the members of each bound's list take in it */
};

/* ---- writing ---- */

static const char * or (const char *given, const char *placeholder)
{
	return given != NULL ? given : placeholder;
}

static void expand_one(const struct iam_args *a, char letter, struct buf *b)
{
	const char *vendor = or (a->vendor, "${Vendor}"), *installation = or (a->installation, "${Installation}");

	switch (letter) {
	case 'P':
		buf_adds(b, or (a->partition, "${AWS::Partition}"));
		break;
	case 'R':
		buf_adds(b, or (a->region, "${AWS::Region}"));
		break;
	case 'S':
		buf_adds(b, or (a->suffix, "${AWS::URLSuffix}"));
		break;
	case 'A':
		buf_adds(b, or (a->account, "${AWS::AccountId}"));
		break;
	case 'W':
		buf_adds(b, or (a->vpc, "${VpcId}"));
		break;
	case 'V':
		buf_adds(b, vendor);
		break;
	case 'I':
		buf_adds(b, installation);
		break;
	default:
		if (a->role != NULL)
			buf_adds(b, a->role);
		else
			buf_addf(b, "%s-role-%s", vendor, installation);
	}
}

/* ---- the list that a text names: "...%<kms_keys>", or "...%<owner:images>" for those that are told apart ---- */

struct listed {
	const struct bound *of; /* NULL: none is named */
	bool is_apart;
};

static struct listed list_in(const char *text)
{
	const char *name = strstr(text, "%<");

	for (const struct bound *const *b = catalogue_bounds(); name != NULL && *b != NULL; b++) {
		size_t apart = (*b)->apart != NULL && str_starts(name + 2, (*b)->apart) ? strlen((*b)->apart) : 0;
		const char *key = name + 2 + apart;

		if (str_starts(key, (*b)->key) && key[strlen((*b)->key)] == '>')
			return (struct listed){ *b, apart > 0 };
	}
	assert(name == NULL); /* a statement that names a bound which the catalogue does not */
	return (struct listed){ 0 };
}

static const struct iam_texts *texts_of(const struct making *m, struct listed l)
{
	return &(l.is_apart ? m->lists->apart : m->lists->of)[catalogue_place_of(l.of)];
}

static void expand(const struct making *m, const char *text, const char *member, struct buf *b);

/* What comes from a policy stands as it is: only what is written in this program has letters to expand. */
/* NOLINTNEXTLINE(misc-no-recursion): member has no letters: one level */
static void expand_list(const struct making *m, const char *member, struct buf *b)
{
	assert(member != NULL); /* who names a list gives a member of it */
	if (m->lists->is_cut)
		buf_adds(b, member);
	else
		expand(m, member, NULL, b);
}

/* NOLINTNEXTLINE(misc-no-recursion): by expand_list alone */
static void expand(const struct making *m, const char *text, const char *member, struct buf *b)
{
	for (const char *c = text; *c != '\0'; c++)
		if (*c != '%')
			buf_addc(b, *c);
		else if (*++c != '<')
			expand_one(m->a, *c, b);
		else {
			expand_list(m, member, b);
			c += strcspn(c, ">");
		}
}

/* Two spellings of one name (that of all partitions, and with this one's suffix) may be the same. */
static void append(struct making *m, const char *text, const char *member, json_t *to)
{
	CLEANUP(buf_close) struct buf b = BUF_MAX(2048);
	struct listed l = list_in(text);

	expand(m, text, member, &b);
	if (json_has_text(to, buf_str(&b)))
		return;
	json_array_append_new(to, json_string(buf_str(&b)));
	if (l.of != NULL)
		m->bytes[catalogue_place_of(l.of)] += b.len + strlen("\"\",");
}

static void append_each(struct making *m, const char *text, json_t *to)
{
	struct listed l = list_in(text);

	if (l.of == NULL)
		append(m, text, NULL, to);
	else
		for (size_t i = 0; i < texts_of(m, l)->n; i++)
			append(m, text, texts_of(m, l)->v[i], to);
}

/* IAM takes one text or a list of them. */
static json_t *one_or_many(json_t *list)
{
	json_t *one;

	if (json_array_size(list) != 1)
		return list;
	one = json_incref(json_array_get(list, 0));
	json_decref(list);
	return one;
}

static json_t *texts(struct making *m, const char *const *all)
{
	json_t *list = json_array();

	for (; *all != NULL; all++)
		append_each(m, *all, list);
	return one_or_many(list);
}

static json_t *words(struct making *m, const char *text)
{
	CLEANUP(mem_close) char *copy = mem_str(text);
	json_t *list = json_array();
	char *rest = NULL;

	for (char *w = strtok_r(copy, " ", &rest); w != NULL; w = strtok_r(NULL, " ", &rest))
		append_each(m, w, list);
	return one_or_many(list);
}

static void add_condition(struct making *m, const struct iam_condition *c, json_t *to)
{
	json_t *test = json_object_get(to, c->test);

	if (test == NULL) {
		test = json_object();
		json_object_set_new(to, c->test, test);
	}
	assert(json_object_get(test, c->key) == NULL); /* one would take the place of the other */
	json_object_set_new(test, c->key, words(m, c->value));
}

static bool is_open(const struct making *m, const char *text)
{
	struct listed l = list_in(text);

	return l.of != NULL && texts_of(m, l)->is_open;
}

static void add_conditions(struct making *m, const struct iam_condition *c, unsigned flags, json_t *to)
{
	for (; c->test != NULL; c++)
		if ((flags & c->when) && !is_open(m, c->value))
			add_condition(m, c, to);
}

static const struct iam_texts *of_bound(const struct making *m, const struct bound *b)
{
	return texts_of(m, (struct listed){ b, false });
}

static unsigned flags_of(const struct making *m, const struct iam_statement *s)
{
	unsigned flags = s->when;

	if (flags & IAM_AS_NODE)
		flags |= of_bound(m, &bound_instance_profiles)->n > 0 ? IAM_WITH_PROFILE : IAM_NO_PROFILE;
	if ((flags & IAM_INTERNAL) && !of_bound(m, &bound_subnets)->is_open)
		flags |= IAM_IN_SUBNETS;
	return flags;
}

static json_t *conditions_json(struct making *m, const struct iam_statement *s)
{
	json_t *when = json_object();
	unsigned flags = flags_of(m, s);

	add_conditions(m, iam_table_conditions, flags, when);
	if (flags & IAM_ANY_OWN)
		add_conditions(m, iam_table_own(s), flags, when);
	return when;
}

/* IAM's key for the creating call is the service's own: "ec2:CreateAction". */
static void add_creates(const char *const *creates, json_t *when)
{
	json_t *test = json_object_get(when, "StringEquals"), *calls = json_array();
	size_t service = strcspn(creates[0], ":");
	char key[64];

	snprintf(key, sizeof(key), "%.*s:CreateAction", (int)service, creates[0]);
	for (const char *const *c = creates; *c != NULL; c++)
		json_array_append_new(calls, json_string(*c + service + 1));
	if (test == NULL) {
		test = json_object();
		json_object_set_new(when, "StringEquals", test);
	}
	json_object_set_new(test, key, one_or_many(calls));
}

static void append_statement(struct making *m, const struct iam_statement *s, json_t *to)
{
	json_t *j = json_pack("{s:s, s:s, s:o, s:o}", "Sid", s->sid, "Effect", "Allow", "Action",
			      texts(m, s->actions != NULL ? s->actions : reads_all()), "Resource", texts(m, s->resources));
	json_t *when = conditions_json(m, s);

	if (s->when & IAM_BY_CREATING)
		add_creates(iam_table_creates(s), when);
	if (json_object_size(when) > 0)
		json_object_set(j, "Condition", when);
	json_decref(when);
	json_array_append_new(to, j);
}

/* A text that stands once for each member of a list, and the list has none. */
static bool names_nothing(const struct making *m, const char *text)
{
	struct listed l = list_in(text);

	return l.of != NULL && texts_of(m, l)->n == 0;
}

static bool some_names_nothing(const struct making *m, const struct iam_condition *c, unsigned flags)
{
	/* A list among other words still leaves those: only a value that is nothing but the list is empty with it. */
	for (; c->test != NULL; c++)
		if ((flags & c->when) && strchr(c->value, ' ') == NULL && !is_open(m, c->value) && names_nothing(m, c->value))
			return true;
	return false;
}

static bool is_bounded_away(const struct making *m, const struct iam_statement *s)
{
	const struct bound *b = iam_table_bound(s);

	return b != NULL && m->lists->is_none[catalogue_place_of(b)];
}

/* A statement about a list that names nothing, as its resource or in a condition, would be broken in IAM's eyes, or wide open. It
 * is not made, nor is one for things of which the policy allows none. */
static bool is_made(const struct making *m, const struct iam_statement *s)
{
	unsigned flags = flags_of(m, s);

	return !names_nothing(m, s->resources[0]) && !some_names_nothing(m, iam_table_conditions, flags) &&
	       ((flags & IAM_ANY_OWN) == 0 || !some_names_nothing(m, iam_table_own(s), flags)) && !is_bounded_away(m, s);
}

static json_t *document(struct making *m, const struct iam_statement *s, enum iam_power p)
{
	json_t *list = json_array();

	for (; s->sid != NULL; s++)
		if (s->power == p && is_made(m, s))
			append_statement(m, s, list);
	return json_pack("{s:s, s:o}", "Version", "2012-10-17", "Statement", list);
}

/* ---- how long ---- */

static int too_long(const struct making *m, const char *name, size_t n, struct err *e)
{
	const struct bound *most_of;
	size_t most = 0;

	for (size_t i = 1; i < BOUNDS_MAX; i++)
		if (m->bytes[i] > m->bytes[most])
			most = i;
	most_of = catalogue_bounds()[most];
	if (m->bytes[most] == 0)
		return err_set(e, ERR_LIMIT, "the document %s has %zu bytes, and %d is the most: its names are too long", name, n,
			       IAM_DOCUMENT_MAX);
	return err_set(e, ERR_LIMIT, "the document %s has %zu bytes, and %d is the most: bounds.%s takes %zu of them; %s", name, n,
		       IAM_DOCUMENT_MAX, most_of->key, m->bytes[most],
		       most_of->shorter != NULL ? most_of->shorter
						: "name fewer, or run what needs them in an installation of its own");
}

static int check_size(const struct making *m, const char *name, const json_t *document, struct err *e)
{
	size_t n = json_dumpb(document, NULL, 0, JSON_COMPACT);

	return n <= IAM_DOCUMENT_MAX ? 0 : too_long(m, name, n, e);
}

static int print(json_t *j, struct buf *to, struct err *e)
{
	char *text = json_dumps(j, JSON_INDENT(2));

	buf_adds(to, text);
	buf_addc(to, '\n');
	free(text);
	return buf_check(to, "the IAM document", e);
}

/* ---- the documents ---- */

static int make(struct making *m, const char *name, const struct iam_statement *s, enum iam_power p, json_t **ret, struct err *e)
{
	json_t *j = document(m, s, p);
	int rc = check_size(m, name, j, e);

	if (rc != 0)
		json_decref(j);
	else
		*ret = j;
	return rc;
}

static int make_power(const struct iam_args *a, enum iam_power p, json_t **ret, struct err *e)
{
	struct making m = { .a = a };
	const char *name = iam_lists_power(p);
	int rc;

	TRY(iam_table_check(e));
	iam_lists_open(&m.open);
	m.lists = a->lists != NULL ? a->lists : &m.open;
	if (m.lists->why_not[p][0] != '\0')
		rc = err_set(e, ERR_DENIED, "the policy leaves nothing of the power %s: %s", name, m.lists->why_not[p]);
	else
		rc = make(&m, name, iam_table_operate(), p, ret, e);
	iam_lists_close(&m.open);
	return rc;
}

static int print_and_free(json_t *j, struct buf *to, struct err *e)
{
	int rc = print(j, to, e);

	json_decref(j);
	return rc;
}

int iam_agent(const struct iam_args *a, struct buf *to, struct err *e)
{
	struct making m = { .a = a };
	json_t *j;

	m.lists = &m.open; /* the instance role's reads know no list */
	TRY(make(&m, "agent", iam_table_agent, IAM_POWERS, &j, e));
	return print_and_free(j, to, e);
}

int iam_power(const struct iam_args *a, enum iam_power p, struct buf *to, struct err *e)
{
	json_t *j;

	TRY(make_power(a, p, &j, e));
	return print_and_free(j, to, e);
}

int iam_operate(const struct iam_args *a, struct buf *to, struct err *e)
{
	json_t *all = json_object();
	int rc = 0;

	for (enum iam_power p = 0; p < IAM_POWERS && rc == 0; p++) {
		json_t *j = NULL;

		rc = make_power(a, p, &j, e);
		if (rc == 0)
			json_object_set_new(all, iam_lists_power(p), j);
		else if (rc == -ERR_DENIED)
			rc = 0;
	}
	if (rc == 0)
		rc = print(all, to, e);
	json_decref(all);
	return rc;
}

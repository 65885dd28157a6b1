/* sts.c - see sts.h. */
#include "agent/aws/sts.h"

#include <string.h>

#include "agent/base/str.h"

#define VERSION "2011-06-15"
#define CHAINED_S 3600 /* more is a ValidationError for a role assumed by a role */

const struct aws_service sts_service = { .name = "sts" };

void sts_get_caller_identity(struct request *req)
{
	request_query(req, &sts_service, "GetCallerIdentity", VERSION);
}

/* The next part of `s` up to `stop`, or all of it when stop is NUL; moves s behind it. */
static int part(const char **s, char stop, char *to, size_t size)
{
	const char *end = stop != '\0' ? strchr(*s, stop) : *s + strlen(*s);
	size_t len = end != NULL ? (size_t)(end - *s) : 0;

	if (len == 0 || len >= size)
		return -ERR_INVALID;
	memcpy(to, *s, len);
	to[len] = '\0';
	*s = end + (stop != '\0');
	return 0;
}

static bool is_account(const char *s)
{
	return strlen(s) == 12 && strspn(s, "0123456789") == 12;
}

/* arn:<partition>:sts::<account>:assumed-role/<role>/<session> */
static int parse_arn(struct sts_identity *id)
{
	const char *s = id->arn;
	char word[32], account[13];

	TRY(part(&s, ':', word, sizeof(word)));
	if (!str_eq(word, "arn"))
		return -ERR_INVALID;
	TRY(part(&s, ':', id->partition, sizeof(id->partition)));
	/* Keys of a user or of the account itself have iam in this place, and the agent runs with a role alone. The region is
	 * empty. */
	if (!str_starts(s, "sts::"))
		return -ERR_INVALID;
	s += strlen("sts::");
	TRY(part(&s, ':', account, sizeof(account)));
	TRY(part(&s, '/', word, sizeof(word)));
	if (!str_eq(word, "assumed-role") || !str_eq(account, id->account))
		return -ERR_INVALID;
	TRY(part(&s, '/', id->role, sizeof(id->role)));
	return part(&s, '\0', id->session, sizeof(id->session));
}

/* AROA...:<session>; the session must be the one of the ARN. */
static int parse_user_id(struct sts_identity *id, const char *user)
{
	TRY(part(&user, ':', id->role_id, sizeof(id->role_id)));
	return str_eq(user, id->session) ? 0 : -ERR_INVALID;
}

int sts_read_identity(const struct xml_node *root, struct sts_identity *ret, struct err *e)
{
	const struct xml_node *r = xml_find(root, "GetCallerIdentityResult");
	struct sts_identity id = { 0 };

	if (str_copy(id.account, sizeof(id.account), xml_get(r, "Account")) != 0 || !is_account(id.account))
		return err_set(e, ERR_INVALID, "GetCallerIdentity names no account");
	if (str_copy(id.arn, sizeof(id.arn), xml_get(r, "Arn")) != 0 || parse_arn(&id) != 0 ||
	    parse_user_id(&id, xml_get(r, "UserId")) != 0)
		return err_set(e, ERR_INVALID, "not an assumed role: %.200s", xml_get(r, "Arn"));
	*ret = id;
	return 0;
}

void sts_assume_role(struct request *req, const char *role_arn, const char *session, const char *source_identity)
{
	request_query(req, &sts_service, "AssumeRole", VERSION);
	request_add(req, role_arn, "RoleArn");
	request_add(req, session, "RoleSessionName");
	request_add(req, source_identity, "SourceIdentity");
	request_add_u(req, CHAINED_S, "DurationSeconds");
}

int sts_read_keys(const struct xml_node *root, struct keys *ret, struct err *e)
{
	const struct xml_node *c = xml_find(root, "AssumeRoleResult/Credentials");
	int rc = keys_set(ret, xml_get(c, "AccessKeyId"), xml_get(c, "SecretAccessKey"), xml_get(c, "SessionToken"),
			  xml_get(c, "Expiration"), e);

	return rc == 0 ? 0 : err_wrap(e, rc, "AssumeRole");
}

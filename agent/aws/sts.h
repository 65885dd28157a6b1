/* sts.h - STS 2011-06-15 (awsQuery): who am I, and the operate role. */
#pragma once
#include "agent/aws/request.h"
#include "agent/aws/keys.h"
#include "agent/base/xml.h"

extern const struct aws_service sts_service;

/* arn:aws:sts::123456789012:assumed-role/<role>/<session>; user id AROA...:<session> */
struct sts_identity {
	char account[13], arn[256];
	char partition[24], role[65], role_id[129], session[65];
};

void sts_get_caller_identity(struct request *req);
int sts_read_identity(const struct xml_node *root, struct sts_identity *ret, struct err *e); /* an assumed role, or an error */
/* 3600 s: role chaining allows no more. */
void sts_assume_role(struct request *req, const char *role_arn, const char *session, const char *source_identity);
int sts_read_keys(const struct xml_node *root, struct keys *ret, struct err *e);

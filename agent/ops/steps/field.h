/* field.h - what EC2, ELB and IAM take in a text or a number of a specification, as their references publish it, so that nothing
 * is signed that would be refused in the middle of a plan. Pure. Each sentence says what was found and what is taken.
 *
 * AWS drops blanks at the ends of a text. What is sent is therefore without them, and so is what is checked. */
#pragma once
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "agent/base/err.h"

const char *field_trim(const char *s, size_t *ret_len);
int field_text(const char *s, size_t max, const char *what, struct err *e); /* any UTF-8 that a person can read, max in bytes */
int field_description(const char *s, const char *what, struct err *e);      /* of a group or a rule */
int field_tag_key(const char *s, const char *what, struct err *e);          /* also: not one of ours, not one of AWS's */
int field_tag_value(const char *s, const char *what, struct err *e);        /* may be empty */
int field_instance_type(const char *s, const char *what, struct err *e);
int field_profile(const char *s, const char *what, struct err *e); /* the name of an instance profile */
int field_kms_key(const char *s, const char *what, struct err *e);
/* Of a data volume: /dev/sdb to /dev/sdz, /dev/xvdb and so on; not that of the root. */
int field_device(const char *s, const char *what, struct err *e);
const char *field_device_letters(const char *device);   /* behind /dev/sd and /dev/xvd, which the same device may have; else "" */
bool field_is_one_device(const char *a, const char *b); /* /dev/sdf and /dev/xvdf are one under some kernels */
/* gp3; 0: AWS's default. */
int field_gp3(uint32_t size_gib, uint32_t iops, uint32_t throughput, struct err *e);
#define NODE_PATH_MAX 256
int field_node_path(const char *s, const char *what, struct err *e); /* of a NodeEndpoint */
/* Type and code, -1 for all of them. */
int field_icmp(int32_t type, int32_t code, struct err *e);

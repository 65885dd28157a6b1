/* imds.h - the metadata service, version 2 only (EC2 User Guide, "Use the Instance Metadata Service").
 *
 * One connection, one question at a time, never through a proxy. A 401 drops the session token and asks once more; 404 of
 * the keys' path reads the role's name again (a profile was swapped); 503 and a hang are retried with full jitter, four
 * attempts in all; then the error names what the metadata service did.
 *
 * It has two addresses, and a machine in an IPv6-only subnet reaches the second alone (EC2 User Guide, "Access instance metadata
 * for an EC2 instance"). Until one has answered, each attempt asks both, IPv4 first: that costs a second where IPv4 is silent and
 * nothing where there is no route. The one that answered is asked from then on, until it stays silent for a whole question. */
#pragma once
#include <stdint.h>

#include "agent/aws/keys.h"
#include "agent/base/err.h"
#include "agent/io/world.h"

#define IMDS_IPV4 "http://169.254.169.254"
#define IMDS_IPV6 "http://[fd00:ec2::254]"

struct imds;

struct imds_identity {
	char account[13], region[32], az[32], instance_id[32], instance_type[32], image_id[32], arch[16];
};

struct imds_req;
typedef void imds_cb(struct imds_req *req, int rc);

enum imds_what { IMDS_WHAT_KEYS, IMDS_WHAT_IDENTITY, IMDS_WHAT_DOMAIN };

/* One question, zero at birth; the asker's until cb, which never comes from inside imds_get. */
struct imds_req {
	struct list link;
	enum imds_what what;
	imds_cb *cb;
	struct imds *im;
	struct keys keys;              /* KEYS; the asker closes it */
	char role[65];                 /* KEYS: the role's name */
	struct imds_identity identity; /* IDENTITY */
	char domain[64];               /* DOMAIN: "amazonaws.com" */
	struct err err;
};

/* Copies; an endpoint of NULL stands for IMDS_IPV4 and IMDS_IPV6. */
struct imds *imds_new(struct world *w, const char *endpoint);
bool imds_is_ipv6(const struct imds *im); /* the address that is asked, or that has answered, is one of IPv6 */
/* It has answered over IPv6, and over IPv4 there was no way to it. One that was only silent there may just have been slow. */
bool imds_lacks_ipv4(const struct imds *im);
/* The next question tries both addresses again, IPv4 first: the network may have come since. One that was given stays. */
void imds_look_again(struct imds *im);
void imds_get(struct imds *im, struct imds_req *req, enum imds_what what, imds_cb *cb);
void imds_cancel(struct imds_req *req); /* cb follows, with -ERR_CANCELED; harmless when idle */
/* Cancels what waits and what is asked until done, which comes later. Its users are closed before that, or in the same event. */
void imds_close(struct imds *im, void (*done)(void *ctx), void *ctx);

/* channel.h - logged in at the vendor: a session token bound to a key that lives as long as the session, and the proof of
 * possession that every request carries (docs/wire.md sections 4 and 5).
 *
 * Login: challenge -> sign sts:GetCallerIdentity with audience, challenge and the hash of the ephemeral key as signed headers ->
 * token. It begins when somebody wants to sign, is done again ahead of the token's end and after a 401. The back-off starts over
 * when a token was accepted by a request, not when it was handed out; a busy vendor (429, 503) is left alone for its
 * Retry-After. */
#pragma once
#include <stdbool.h>

#include "agent/aws/call.h"
#include "agent/base/sign.h"
#include "agent/control/trouble.h"
#include "agent/io/world.h"

#define CHANNEL_CAPS ((struct backoff_caps){ .most_ms = 15ull * 60 * 1000 }) /* no vendor makes us wait for longer */

struct channel;

struct channel_config {
	const char *url;  /* of the vendor, without a slash at the end */
	const char *host; /* the audience: the url's host, lower case, no port */
	const char *installation;
	const char *ca_file, *connect_to; /* or NULL */
	const struct http_proxy *proxy;   /* or NULL */
	struct aws *aws;                  /* for the regional STS host */
	struct creds *instance;           /* whose identity is proved */
	struct sign_public journal_key;
	void *ctx;
	void (*ready)(void *ctx); /* logged in: what waited may go */
};

/* Texts of two headers; they stay with the request until its callback. */
struct channel_proof {
	char authorization[600]; /* Authorization */
	char proof[200];         /* Reeve-Proof */
};

struct channel *channel_new(struct world *w, const struct channel_config *cfg); /* texts of cfg must stay */
/* Fills in the two headers, over method, path and body as they will be sent. Each attempt is signed anew.
 * -ERR_NOTYET: not logged in, and why; `ready` will come. */
int channel_sign(struct channel *c, const struct http_req *r, struct channel_proof *p, struct err *e);
/* What the vendor answered to a request that bore this Authorization: 200, or 401. An answer to an earlier login's request
 * (a poll that was held over a renewal) says nothing of the token in hand and changes nothing. */
void channel_authorized(struct channel *c, const char *authorization);
void channel_unauthorized(struct channel *c, const char *authorization);
bool channel_is_in(const struct channel *c); /* logged in: there is a token */
/* Why the last login failed (status, URL and the vendor's words where it answered), until one goes well; never NULL. */
const struct trouble *channel_trouble(const struct channel *c);
/* Signs nothing from then on. Its users (session, telemetry) are closed before, or in the same event. */
void channel_close(struct channel *c, void (*done)(void *ctx), void *ctx);

/* The signed STS request as JSON {host, headers, body}; pure but for its arguments. For channel.c and its test. */
int channel_sts_json(const struct keys *k, const char *region, const char *host, const char *audience, const char *challenge,
		     const struct sign_public *channel_key, int64_t time_ms, struct buf *ret, struct err *e);

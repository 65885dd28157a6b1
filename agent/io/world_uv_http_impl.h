/* world_uv_http_impl.h - what world_uv_http.c, which runs transfers, and world_uv_http_rules.c, which tells curl how, know of each
 * other. */
#pragma once
#include <curl/curl.h>

#include "agent/io/world_uv_impl.h"

/* One request on its way. */
struct transfer {
	struct world_uv *u;
	struct http_req *r;
	CURL *easy;
	struct curl_slist *headers, *connect_to, *resolve;
	struct curl_slist *to_proxy; /* wiped: it says who we are there */
	struct trust_ask trust;      /* idle and without a store where the connection is plain */
	struct name_ask ask;         /* host: a name that is ours to look up; NULL: an address or a unix socket */
	char *host;                  /* what we connect to: the url's, connect_to's, or the proxy */
	unsigned port, epoch;        /* epoch: of the host's addresses when they were handed to curl */
	uint64_t started_ms;
	struct timer patience; /* runs until curl has the request and looks at the time itself */
	struct timer later;    /* runs when rc is known without curl */
	int rc;
	bool head_done; /* what comes behind the final head's blank line are trailers: dropped */
	bool over;      /* the answer did not fit */
	bool is_sent;   /* or is about to be: curl may begin with it only once */
	bool is_lost;   /* curl would have sent it again */
	char why[CURL_ERROR_SIZE];
};

/* Before the first use of curl: what it and OpenSSL would take from the environment. */
void world_uv_http_deaf(void);
/* What is asked, and each of curl's defaults that could widen it. */
int world_uv_http_rules(struct transfer *t);
/* The connection is judged by certificates. */
bool world_uv_http_is_tls(const struct transfer *t);
/* Where to connect: fills host and port from the request; host stays NULL for what needs no resolver. */
int world_uv_http_aim(struct transfer *t);
/* The certificates and the host's addresses are known, or there are none to know: to be called right before the transfer begins. */
void world_uv_http_route(struct transfer *t);

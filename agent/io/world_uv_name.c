/* world_uv_name.c - names of hosts and their addresses, asked by requests of our own.
 *
 * curl's resolver is not used: it joins its thread when a transfer is removed, and a name server that does not answer would hold
 * the loop for a minute. Here a lookup is a piece of work for the loop's threads; who asks waits for it as long as its own timeout
 * allows, and the lookup goes on without it. libuv gives lookups half of its threads at most (world_uv.c says how many there are),
 * so that a dark resolver leaves the other half to the disk; the lookups of one host are one.
 *
 * Happy path: asked -> looked up -> known. Known addresses are handed out at once; when they are older than FRESH_MS, or a
 * connection by them failed, they are asked anew beside that. A lookup that fails leaves them as they are: an outage of the name
 * server stops no request to a host that is known. When an address that a connection was made to is no longer among them, the
 * host's addresses are of a new epoch, and the alias, which holds the epoch, keeps curl from using the old connections. Closing
 * forgets who waits; a lookup that a thread has begun cannot be called back, and world_uv_name_is_busy tells of it. */
#include "agent/io/world_uv_impl.h"

#include <arpa/inet.h>
#include <assert.h>
#include <netdb.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>

#include "agent/base/log.h"
#include "agent/base/str.h"

#define FRESH_MS 15000
#define ADDRESSES_MAX 32
#define NAMES_MAX 64

struct name {
	struct list link;
	struct world_uv *u; /* NULL: the world is closed, and only a thread still has this */
	char *host;
	uv_getaddrinfo_t lookup;
	bool is_asking;
	struct list waiters;
	char addresses[ADDRESSES_MAX][INET6_ADDRSTRLEN], used[ADDRESSES_MAX][INET6_ADDRSTRLEN];
	size_t addresses_n, used_n; /* used: connected to in this epoch */
	unsigned epoch;
	bool is_doubted; /* a connection failed since the last lookup */
	uint64_t asked_ms;
};

static struct name *find(struct world_uv *u, const char *host)
{
	list_each(n, &u->names) {
		struct name *nm = list_entry(n, struct name, link);

		if (str_eq(nm->host, host))
			return nm;
	}
	return NULL;
}

static void forget(struct name *nm)
{
	list_del(&nm->link);
	mem_free(nm->host);
	mem_free(nm);
}

/* The name that was asked for longest ago is forgotten; not one that has waiters, or is in use by a thread. */
static void make_room(struct world_uv *u)
{
	struct name *oldest = NULL;
	size_t n = 0;

	list_each(at, &u->names) {
		struct name *nm = list_entry(at, struct name, link);

		n++;
		if (!nm->is_asking && list_empty(&nm->waiters) && (oldest == NULL || nm->asked_ms < oldest->asked_ms))
			oldest = nm;
	}
	/* Where all are in use the list grows beyond NAMES_MAX: a request is not refused for that. */
	if (n >= NAMES_MAX && oldest != NULL)
		forget(oldest);
}

/* Hosts come from the configuration and are few, so this limit is only a safeguard. */
static struct name *find_or_make(struct world_uv *u, const char *host)
{
	struct name *nm = find(u, host);

	if (nm != NULL)
		return nm;
	make_room(u);
	nm = mem_new(struct name);
	nm->u = u;
	nm->host = mem_str(host);
	nm->epoch = ++u->name_epochs;
	list_init(&nm->waiters);
	list_add(&u->names, &nm->link);
	return nm;
}

/* ---- addresses ------------------------------------------------------------------------------------------------------ */

static bool has(char v[][INET6_ADDRSTRLEN], size_t n, const char *address)
{
	for (size_t i = 0; i < n; i++)
		if (str_eq(v[i], address))
			return true;
	return false;
}

/* As text, or false: another family, or one that means something on one link alone. */
static bool to_text(const struct addrinfo *a, char to[INET6_ADDRSTRLEN])
{
	const struct sockaddr_in *v4 = (const struct sockaddr_in *)(const void *)a->ai_addr;
	const struct sockaddr_in6 *v6 = (const struct sockaddr_in6 *)(const void *)a->ai_addr;

	if (a->ai_family == AF_INET)
		return inet_ntop(AF_INET, &v4->sin_addr, to, INET6_ADDRSTRLEN) != NULL;
	return a->ai_family == AF_INET6 && v6->sin6_scope_id == 0 &&
	       inet_ntop(AF_INET6, &v6->sin6_addr, to, INET6_ADDRSTRLEN) != NULL;
}

static void new_epoch_if_moved(struct name *nm)
{
	for (size_t i = 0; i < nm->used_n; i++)
		if (!has(nm->addresses, nm->addresses_n, nm->used[i])) {
			log_debug("net.name.moved", "host=%s from=%s to=%s effect=\"new requests connect anew\"", nm->host,
				  nm->used[i], nm->addresses[0]);
			nm->epoch = ++nm->u->name_epochs; /* never one that a forgotten name had */
			nm->used_n = 0;
			return;
		}
}

/* Resolvers hand out the best first and may turn the rest: the order is kept, and says nothing about a move. */
static void take(struct name *nm, const struct addrinfo *res)
{
	char text[INET6_ADDRSTRLEN];
	size_t n = 0, left_out = 0;

	for (const struct addrinfo *a = res; a != NULL; a = a->ai_next) {
		if (!to_text(a, text) || has(nm->addresses, n, text))
			continue;
		if (n < ADDRESSES_MAX)
			memcpy(nm->addresses[n++], text, sizeof(text));
		else
			left_out++;
	}
	if (left_out > 0)
		log_warn("net.name.cut", "host=%s kept=%zu left_out=%zu", nm->host, n, left_out);
	/* An answer without any address that we can use takes none away that we know. */
	if (n == 0)
		return;
	nm->addresses_n = n;
	new_epoch_if_moved(nm);
}

/* ---- asking --------------------------------------------------------------------------------------------------------- */

static void tell_all(struct name *nm, int rc, const char *why)
{
	struct list now, *n;

	list_init(&now);
	list_move(&now, &nm->waiters);
	while ((n = list_pop(&now)) != NULL) {
		struct name_ask *a = list_entry(n, struct name_ask, link);

		if (rc != 0)
			err_set(&a->err, -rc, "the name %s: %s", a->host, why);
		a->name = NULL;
		a->cb(a, rc);
	}
}

static void on_looked_up(uv_getaddrinfo_t *lookup, int status, struct addrinfo *res)
{
	struct name *nm = container_of(lookup, struct name, lookup);
	bool answered = status == 0 && res != NULL;

	/* Before anybody is told: the callback may ask for this host again. */
	nm->is_asking = false;
	if (nm->u == NULL) {
		forget(nm);
	} else {
		if (answered)
			take(nm, res);
		else
			log_debug("net.name.failed", "host=%s err=%s known=%zu", nm->host, uv_strerror(status), nm->addresses_n);
		if (nm->addresses_n > 0)
			tell_all(nm, 0, NULL);
		else
			tell_all(nm, -ERR_NET, answered ? "it has no address" : uv_strerror(status));
	}
	uv_freeaddrinfo(res);
}

/* 0 also when a lookup is on its way already. */
static int look_up(struct name *nm)
{
	const struct addrinfo hints = { .ai_family = AF_UNSPEC, .ai_socktype = SOCK_STREAM };
	int rc;

	if (nm->is_asking)
		return 0;
	/* The hint of a socket type has each address come once, instead of once a type (getaddrinfo(3)). */
	rc = uv_getaddrinfo(&nm->u->loop, &nm->lookup, on_looked_up, nm->host, NULL, &hints);
	nm->is_asking = rc == 0;
	/* Also when it could not be started: the next asker tries again where no address is known, else when they are stale
	 * again. */
	nm->asked_ms = world_now_ms(&nm->u->w);
	nm->is_doubted = false;
	return rc;
}

static bool is_stale(const struct name *nm)
{
	return nm->is_doubted || world_now_ms(&nm->u->w) - nm->asked_ms >= FRESH_MS;
}

int world_uv_name_ask(struct world_uv *u, struct name_ask *a, name_cb *cb)
{
	struct name *nm = find_or_make(u, a->host);
	int rc = nm->addresses_n == 0 || is_stale(nm) ? look_up(nm) : 0;

	assert(a->name == NULL);
	/* Known addresses are handed out whatever became of the new lookup. */
	if (nm->addresses_n > 0)
		return 1;
	if (rc != 0)
		return err_set(&a->err, ERR_NET, "the name %s: %s", a->host, uv_strerror(rc));
	a->cb = cb;
	a->name = nm;
	list_add(&nm->waiters, &a->link);
	return 0;
}

void world_uv_name_drop(struct name_ask *a)
{
	if (a->name == NULL)
		return;
	list_del(&a->link);
	a->name = NULL;
}

/* ---- what curl is told, and tells ------------------------------------------------------------------------------------ */

unsigned world_uv_name_place(struct world_uv *u, const char *host, unsigned port, struct buf *alias, struct buf *resolve)
{
	struct name *nm = find(u, host);

	assert(nm != NULL && nm->addresses_n > 0);
	buf_addf(alias, "e%x.%s", nm->epoch, host);
	buf_addf(resolve, "+%s:%u:", buf_str(alias), port);
	for (size_t i = 0; i < nm->addresses_n; i++)
		buf_addf(resolve, strchr(nm->addresses[i], ':') != NULL ? "%s[%s]" : "%s%s", i > 0 ? "," : "", nm->addresses[i]);
	return nm->epoch;
}

void world_uv_name_used(struct world_uv *u, const char *host, unsigned epoch, const char *address)
{
	struct name *nm = find(u, host);

	/* A connection of an earlier epoch tells nothing of the addresses of now. */
	if (nm == NULL || nm->epoch != epoch || has(nm->used, nm->used_n, address) || strlen(address) >= INET6_ADDRSTRLEN)
		return;
	if (nm->used_n == ADDRESSES_MAX)
		nm->used_n = 0; /* they all still counted: the last lookup would have begun a new epoch */
	snprintf(nm->used[nm->used_n++], INET6_ADDRSTRLEN, "%s", address);
	new_epoch_if_moved(nm);
}

void world_uv_name_doubt(struct world_uv *u, const char *host)
{
	struct name *nm = find(u, host);

	if (nm == NULL)
		return;
	nm->is_doubted = true;
	if (look_up(nm) != 0)
		log_debug("net.name.unasked", "host=%s err=\"no lookup can be started\" known=%zu", host, nm->addresses_n);
}

/* ---- the world's ---------------------------------------------------------------------------------------------------- */

void world_uv_name_init(struct world_uv *u)
{
	list_init(&u->names);
}

bool world_uv_name_is_busy(const struct world_uv *u)
{
	return !list_empty(&u->names);
}

/* All waiters have been dropped by their owners before. What is left after this is in use by a thread. */
void world_uv_name_close(struct world_uv *u)
{
	list_each_safe(n, &u->names) {
		struct name *nm = list_entry(n, struct name, link);

		assert(list_empty(&nm->waiters));
		nm->u = NULL;
		/* A lookup that no thread has begun can be called off: on_looked_up still comes, and frees the name. */
		if (!nm->is_asking)
			forget(nm);
		else if (uv_cancel((uv_req_t *)&nm->lookup) != 0)
			log_debug("net.name.held", "host=%s", nm->host);
	}
}

/* vendor_sim.h - a pretend vendor: login, OpAMP with signed commands, OTLP; in virtual time and in real bytes.
 *
 * It repeats, shuffles, delays and loses; it forgets its sessions; it withholds one command and sends the next. What it never
 * forgets is what the agent told it, and it holds the agent to that: a result is told once with one content, what was accepted
 * stays accepted, the journal only grows. */
#pragma once
#include "agent/base/sign.h"
#include "agent/base/uuid.h"
#include "proto/control.pb-c.h"
#include "tests/sim/aws_sim.h"

#define VENDOR_HOST "control.velodb.example"
#define VENDOR_URL "https://" VENDOR_HOST
#define VENDOR_NAME "velodb"
#define VENDOR_INSTALLATION "inst-1"
#define VENDOR_COMMANDS_MAX 64

enum vendor_flaw { FLAW_NONE, FLAW_SIGNATURE, FLAW_KEY, FLAW_BINDING, FLAW_EPOCH };

/* What is to be signed. */
struct vendor_order {
	int verb; /* Reeve__Control__V1__Verb */
	const void *args;
	size_t args_len;
	const char *target;
	bool two_keys, plan_only;
	int64_t lives_ms; /* until it expires; negative: it has */
	uint32_t deadline_s;
	enum vendor_flaw flaw; /* such a command must never be taken; it uses up no sequence number */
};

struct vendor_command {
	uint8_t id[UUID_LEN];
	char id_text[UUID_TEXT_LEN];
	uint64_t epoch, seq;
	enum vendor_flaw flaw;
	uint64_t shown_ms; /* withheld until then */
	struct digest body;
	struct buf packed, with_release; /* the Signed; the same with both signatures, for one that is called too old */
	bool is_old;                     /* it was, so it has both */
	bool cancelled;
	int verb;
	char target[40];
	bool plan_only, has_changed; /* has_changed: a call that changes something has come by it */
	/* what the agent said */
	bool seen, is_told; /* is_told: in the newest report */
	Reeve__Control__V1__State state;
	int error_class;
	struct buf result; /* the Status that told the end; empty: none yet */
	char note[512], error[512];
};

struct vendor_sim;

struct vendor_sim *vendor_sim_new(struct world *w, struct odds *odds, struct aws_sim *aws);
void vendor_sim_free(struct vendor_sim *v);
bool vendor_sim_is_for(const char *url);
void vendor_sim_request(struct vendor_sim *v, struct sim_http *x);

struct vendor_command *vendor_issue(struct vendor_sim *v, const struct vendor_order *o);
void vendor_cancel(struct vendor_sim *v, struct vendor_command *c);
/* The next command is number 1 of a higher epoch. It must bear both keys, and only then may it be: what the agent had not
 * accepted of the old epoch would be void. */
bool vendor_may_raise_epoch(const struct vendor_sim *v);
void vendor_raise_epoch(struct vendor_sim *v);
bool vendor_has_result(const struct vendor_command *c);
bool vendor_has_all(const struct vendor_sim *v);        /* every command that is to have a result has one, and the agent knows */
uint64_t vendor_bundles(const struct vendor_sim *v);    /* that came */
bool vendor_is_told(const struct vendor_sim *v);        /* does the agent still report a command? */
const char *vendor_at_work(const struct vendor_sim *v); /* a warehouse that the newest report calls at no rest; "": none */
const char *vendor_state_name(Reeve__Control__V1__State state);
/* "command", "release", "head": the public half, base64 */
const char *vendor_public(const struct vendor_sim *v, const char *role, char to[64]);

/* op_env.h - what an operation is given: the world it acts in, what all operations share, and whom it asks.
 *
 * The list (ops.h) makes one, and it outlives every operation. An operation knows nothing else of the list. */
#pragma once
#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>

#include "agent/io/journal.h"
#include "agent/ops/account/inventory.h"
#include "agent/ops/account/recent.h"
#include "agent/ops/fates.h"
#include "agent/ops/gone.h"
#include "agent/ops/outputs.h"
#include "agent/ops/policy.h"
#include "agent/ops/proved.h"
#include "agent/ops/spent.h"
#include "agent/ops/steps/changed.h"
#include "agent/ops/wanted.h"
#include "agent/ops/steady.h"

struct op;
struct deed_diag;

/* What operations share, and hand on to later ones. */
struct op_shared {
	struct recent recent;   /* what was changed a moment ago */
	struct proved proved;   /* user data that a release key stood for */
	struct spent spent;     /* of the policy's rates */
	struct gone gone;       /* nodes ended of late */
	struct changed changed; /* volumes changed of late */
	struct wanted wanted;   /* what each warehouse is to be like */
	struct fates fates;     /* of those of which no spec stands */
	struct steady time;     /* that spent.h, gone.h and changed.h are asked with */
	uint64_t starts;        /* operations that have begun to start in this life, plus one: a plan is made from what was seen
				  * after the last of them */
	bool has_role_worked;   /* once a change was made with the operate role, what it is denied was taken away from it */
	json_t *refused;        /* the last step.outcome with an encoded authorization message; NULL: none */
};

struct op_env {
	struct world *w;
	struct aws *aws;          /* this, the keys and the owner are known once the identity is: before any operation begins */
	struct creds *instance;   /* the instance role: looks */
	const char *operate_role; /* ARN: changes */
	struct owner owner;
	struct journal *journal; /* NULL before the start, and when it is damaged: then no operation begins */
	struct op_shared *shared;
	struct deed_diag *diag;        /* what diag.collect and diag.send are done by */
	const struct outputs *outputs; /* where what is found lies until the vendor has it */
	void *ctx;
	/* ---- the customer's ---- */
	const struct policy *(*policy)(void *ctx);      /* the one that counts */
	const struct policy *(*policy_read)(void *ctx); /* looks, and answers with the one that counts */
	/* True while the policy cannot be read, or has changed a moment ago: then the operation waits, and is neither refused nor
	 * started. */
	bool (*policy_waits)(void *ctx, const char **why);
	bool (*is_stopped)(void *ctx, const char **why); /* STOP file, mode off, no policy, read-only, tight journal */
	/* ---- the vendor's ---- */
	bool (*head_is_fresh)(void *ctx);
	bool (*is_release_signed)(void *ctx, const void *signed_bytes, size_t len); /* does a release key sign it too? */
	/* ---- the list's ---- */
	/* The open one that it waits for, of the same warehouse; NULL: it is its turn. */
	const struct op *(*ahead_of)(void *ctx, const struct op *op);
	bool (*has_room_for_plan)(void *ctx, const struct op *op, size_t bytes); /* room_of_plan */
	void (*each)(void *ctx, void (*visit)(void *visit_ctx, struct op *op), void *visit_ctx);
	void (*changed)(void *ctx);                      /* there is something to report */
	void (*ended)(void *ctx, const struct op *op);   /* it has: the account may be another */
	void (*creds_close)(void *ctx, struct creds *c); /* its keys are done with */
};

/* Unix ms by steady.h. */
static inline int64_t op_env_rates_now(const struct op_env *env)
{
	return steady_now(&env->shared->time, world_wall_ms(env->w), world_now_ms(env->w));
}

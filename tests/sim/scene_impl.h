/* scene_impl.h - what the files of a scene know of each other. */
#pragma once
#include <string.h>

#include "agent/daemon/agent.h"
#include "agent/base/mem.h"
#include "agent/base/str.h"
#include "tests/sim/fault.h"
#include "tests/sim/scene.h"
#include "tests/sim/vendor_sim.h"
#include "tests/sim/want.h"

#define SCENE_ORDERS_MAX 48
#define SCENE_LOOKS_MAX 6
#define SCENE_TROUBLES_MAX 12
#define SCENE_HANDS_MAX 16 /* two of each kind, and one that comes while the agent is held up */
#define SCENE_POLICY "/etc/reeve/policy.yaml"
#define SCENE_STOP "/etc/reeve/STOP"
#define SCENE_NODES_TOTAL 24 /* more than all commands together ever want */
#define SCENE_HOLD_S 30
#define SCENE_JOURNAL "/var/lib/reeve/journal"

/* A node that served, and was taken out of a target group. */
struct scene_out {
	char node[64];
	struct aws_tg *tg;
};

/* One command that the script issues, and what became of it. */
struct scene_order {
	struct vendor_command *cmd; /* NULL: not issued yet */
	struct want want, before;   /* before: what the last command that succeeded left */
	bool is_delete, two_keys, plan_only, expired, unknown_verb, cancel, hurried;
	uint64_t issued_ms, lives_ms;
	uint64_t began_ms; /* 0: the vendor has not heard yet that it runs */
	uint64_t first_ms; /* of the first call that changes something; 0: none yet */
	bool must_be_denied, judged;
	struct buf at_first;     /* its warehouse at its first mutation; empty: none yet */
	struct buf at_last;      /* and when the next command began before the vendor had heard of its end */
	const char *reboot;      /* the cluster, of a cluster.reboot; or NULL */
	unsigned batch, reboots; /* reboots: calls that named a node */
	bool asks_nodes;         /* the reboot says how its cluster is asked for its health, and drained */
	const char *replace;     /* the cluster, of a nodes.replace; or NULL */
	char replaced[2][32];    /* its nodes, as they were there when it was issued */
	size_t replaced_n;
	bool is_upgrade; /* a warehouse.upgrade: `batch` of `order` first */
	const char *order[2];
	size_t order_n;
	struct scene_out outs[32];
	size_t outs_n;
	unsigned mutations;
};

/* What comes from outside at its time and goes again. */
enum trouble_kind {
	TROUBLE_STOP,
	TROUBLE_TIGHT,
	TROUBLE_BROKEN,
	TROUBLE_FULL,
	TROUBLE_DISK,
	TROUBLE_CLOCK,
	TROUBLE_RESTART,
	TROUBLE_ROLE,
	TROUBLE_KINDS
};
struct trouble {
	enum trouble_kind kind;
	uint64_t from_ms, to_ms;
	bool begun, over;
};

/* Somebody's hand on one thing, for a while. */
struct scene_hand {
	enum tally_kind kind;
	uint64_t at_mutation, lasts_ms, begun_ms, ended_ms; /* 0: not yet */
	const char *call; /* it takes hold of a node that this call names, as it arrives; NULL: at that mutation */
	struct aws_thing *thing;
	char warehouse[64];
};

/* The agent is kept from its calls for a while, in which a node dies (scene_held.c). */
struct scene_held {
	bool is_wanted, is_of_rolling, has_struck, has_restarted, is_over;
	const char *call;                /* it begins behind this one, or (NULL) any ... */
	uint64_t passes;                 /* ... when so many have passed */
	enum tally_kind how;             /* by what */
	uint64_t dies_in_ms, lasts_ms;   /* from begun_ms on */
	uint64_t begun_ms;               /* 0: not yet */
	const struct scene_order *order; /* that was at work then */
};

/* A node that somebody ends when all commands have ended (scene_heal.c). */
struct scene_heal {
	bool is_wanted, without_vendor, is_over;
	bool sickens;  /* before it, another falls sick, and may be left standing */
	bool is_early; /* it comes at once, before the patrol has seen who is there */
	const struct aws_instance *sick;
	uint64_t armed_ms, sick_ms, made_up_ms, struck_ms, healed_ms; /* 0: not yet */
	const struct scene_order *order;                              /* that has laid down what stands */
	const char *cluster;
	unsigned wanted;
	size_t instances_n;           /* before it */
	unsigned left;                /* volumes that no node of it had before */
	const struct aws_volume *own; /* that it has left; NULL: none, or it is not known whose it was */
	const struct aws_instance *struck;
};

/* The spec that last succeeded, sent once more in the end (scene_close.c). */
struct scene_close {
	bool is_wanted, is_done; /* is_done: it stands, and is asked for again */
	size_t at;               /* of scene.have */
	struct want model;
	const struct scene_order *order; /* that was sent; NULL: none yet */
	unsigned rounds;
};

/* A command beside the orders that changes nothing in AWS. */
struct scene_look {
	int verb;
	bool two_keys;
	struct vendor_command *cmd;
};

struct scene {
	struct world *w;
	struct odds odds;
	struct aws_sim *aws;
	struct vendor_sim *vendor;
	struct config cfg;
	char *cfg_text;
	struct agent *agent;
	bool closing, exited, over, restart, verbose;
	uint64_t start_ms; /* when the agent is to be started; 0: it runs */
	/* the script */
	struct scene_order orders[SCENE_ORDERS_MAX];
	size_t orders_n, issued;
	uint64_t next_issue_ms, over_ms;
	struct scene_look looks[SCENE_LOOKS_MAX];
	struct digest bundle; /* that was made last; */
	bool has_bundle;      /* and not sent */
	size_t looks_wanted, looks_n, looks_judged;
	uint64_t next_look_ms;
	struct want have[2]; /* what was last brought about, a warehouse each */
	struct trouble troubles[SCENE_TROUBLES_MAX];
	size_t troubles_n;
	struct scene_hand hands[SCENE_HANDS_MAX];
	size_t hands_n;
	uint64_t stop_since_ms;      /* 0: no STOP file stands */
	uint64_t off_since_ms;       /* since when the policy allows nothing; 0: it does */
	uint64_t none_since_ms;      /* since when its bounds allow no node */
	unsigned nodes_total;        /* of the policy */
	unsigned mutations_per_hour; /* the rate of the policy */
	bool policy_changed, role_was_gone, capacity_short, clock_stepped, died;
	struct scene_held held;
	struct scene_heal heal;
	struct scene_close close;
	/* death */
	unsigned deaths_left;
	unsigned death_where; /* of "before", "inside", "after", "request", "answer" */
	uint64_t death_count; /* so many of them pass */
	uint64_t seen_effects;
};

void scene_script_make(struct scene *s);
void scene_look_make(struct scene *s);
void scene_look_tick(struct scene *s);
void scene_close_make(struct scene *s);
bool scene_close_tick(struct scene *s); /* true: nothing of it is ahead */
void scene_heal_make(struct scene *s);
bool scene_heal_tick(struct scene *s); /* true: nothing of it is ahead */
bool scene_heal_is_on(const struct scene *s);
bool scene_heal_is_vendor_away(const struct scene *s);
void scene_hands_make(struct scene *s);
void scene_hands_see(struct scene *s, const struct aws_entry *e); /* a call, before it acts */
void scene_hands_move(struct scene *s);                           /* after every event */
void scene_hand_ends(struct scene *s, struct aws_instance *in);   /* one more hand, on this node */
void scene_held_make(struct scene *s);
void scene_held_asks(struct scene *s, const struct sim_http *x);
bool scene_held_is_down(const struct scene *s);
void scene_held_see(struct scene *s, const struct scene_order *o, const struct aws_entry *e);      /* a call, before it acts */
void scene_held_move(struct scene *s);                                                             /* after every event */
void scene_held_call(struct scene *s, struct scene_order *o, const struct aws_entry *e);           /* what is promised of it */
bool scene_is_touched(const struct scene *s, const char *warehouse, uint64_t since_ms);            /* since then, or still */
bool scene_is_touched_after(const struct scene *s, const char *warehouse, uint64_t ms);            /* begun or ended since then */
void scene_promise_call(struct scene *s, struct scene_order *o, const struct aws_entry *e);        /* before it acts */
void scene_given_call(struct scene *s, const struct scene_order *o, const struct form_sim *f);     /* a launch, before it acts */
unsigned scene_left_volumes(const struct scene *s, const char *warehouse, const char *cluster);    /* that no node has */
unsigned scene_leaving_volumes(const struct scene *s, const char *warehouse, const char *cluster); /* an ended one has it still */
void scene_promise_result(struct scene *s, struct scene_order *o);
bool scene_has_nothing_to_reboot(const struct scene_order *o); /* says its error */
/* A nodes.replace or a warehouse.upgrade that found something else than what it was told: so says its error, and it has changed
 * nothing. */
bool scene_is_overtaken(const struct scene_order *o);
bool scene_wants_an_upgrade(const struct scene_order *o); /* an apply that met another image: so says its error, likewise */
bool scene_takes_the_last(const struct scene_order *o);   /* an apply of the last cluster with nodes: refused */
void scene_promise_close(struct scene *s);
unsigned scene_causes(const struct scene *s); /* the error classes that what came may have, a bit each; 0: nothing came */
bool scene_may_be_short(const struct scene *s);
void scene_script_tick(struct scene *s); /* each virtual second */
void scene_watch(void *ctx, const struct aws_entry *e);
void scene_check(struct scene *s); /* after every event */
void scene_check_journal(struct scene *s);
void scene_judge(struct scene *s, struct scene_order *o); /* its result is at the vendor */
struct scene_order *scene_order_of(struct scene *s, const char *command);
enum scene_policy { SCENE_OPEN, SCENE_PLAN_ONLY, SCENE_NO_NODES, SCENE_HEALS };
void scene_policy_write(struct scene *s, enum scene_policy p);

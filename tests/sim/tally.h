/* tally.h - what went wrong on purpose, and how often. Every fault and every event that a seed may bring has one name here;
 * a run of many seeds ends with the table, and a kind that never happened was not tested. */
#pragma once
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

/* clang-format off */
#define TALLY_KINDS(X)                                              \
	X(AWS_THROTTLE,      "aws: throttled")                      \
	X(AWS_QUOTA,         "aws: a limit of the account is reached") \
	X(AWS_RETRY_AFTER,   "aws: throttled, with a hint when to come back") \
	X(AWS_SLOW,          "aws: an answer that takes seconds")   \
	X(AWS_ERROR_BEFORE,  "aws: 500, nothing was done")          \
	X(AWS_ERROR_AFTER,   "aws: 500, it was done")               \
	X(AWS_LOST_BEFORE,   "aws: connection lost, nothing was done") \
	X(AWS_LOST_AFTER,    "aws: connection lost, it was done")   \
	X(AWS_GARBAGE,       "aws: a page that no AWS service wrote") \
	X(AWS_TORN_XML,      "aws: half an answer with a 200")      \
	X(AWS_EMPTY_PAGE,    "aws: an empty page, more follow")     \
	X(AWS_PAGES,         "aws: a list in several pages")        \
	X(AWS_REVOKED,       "aws: keys that expire early")         \
	X(AWS_EXPIRED,       "aws: keys refused as expired")        \
	X(AWS_SKEW,          "aws: a request refused for its time") \
	X(AWS_HIDDEN,        "aws: a new thing that Describe does not show yet") \
	X(AWS_NOT_YET,       "aws: a new thing that another call does not know yet") \
	X(AWS_CAPACITY,      "aws: no capacity")                    \
	X(AWS_SHORT,         "aws: fewer nodes than asked for")     \
	X(AWS_STILLBORN,     "aws: a node that dies while it comes up") \
	X(AWS_TOKEN_AGAIN,   "aws: a ClientToken seen before")      \
	X(AWS_DUPLICATE,     "aws: there is one of that name")      \
	X(AWS_IN_USE,        "aws: something still hangs on it")    \
	X(AWS_ROLE_GONE,     "aws: the operate role taken away")    \
	X(AWS_STOPPED,       "aws: a node stopped by somebody")     \
	X(AWS_ENDED,         "aws: a node ended by somebody")       \
	X(AWS_VANISHED,      "aws: an ended node that nobody describes any more") \
	X(AWS_RETAGGED,      "aws: a node tagged otherwise by somebody") \
	X(AWS_PROTECTED,     "aws: a node protected from its end")  \
	X(AWS_PART_DONE,     "aws: refused, and done in another zone") \
	X(AWS_LB_PROTECTED,  "aws: a balancer protected from its deletion") \
	X(AWS_BAD_MEMBER,    "aws: a batch refused for some of it") \
	X(AWS_BAD_TARGET,    "aws: a target that cannot be taken out") \
	X(AWS_RULES_FULL,    "aws: a group without room for a rule") \
	X(AWS_GROUPS_FULL,   "aws: an interface without room for a group") \
	X(AWS_LISTENERS_FULL, "aws: a balancer without room for a listener") \
	X(AWS_TGS_FULL,      "aws: a balancer without room for a target group") \
	X(AWS_DELAY,         "aws: a deregistration delay that is not the default") \
	X(AWS_UNHEALTHY,     "aws: a target unhealthy for a while")  \
	X(AWS_UNAVAILABLE,   "aws: a target whose health is unavailable") \
	X(AWS_STALE,         "aws: a node shown in the state of a moment ago") \
	X(AWS_IMPAIRED,      "aws: a node whose status check fails for a while") \
	X(AWS_NO_CHECK,      "aws: a node of which no status check tells yet") \
	X(AWS_ROW_TWICE,     "aws: a row on two pages")             \
	X(AWS_ROW_MISSED,    "aws: a young row on no page")         \
	X(AWS_DEAD_KMS,      "aws: a node that dies of its key")    \
	X(AWS_DEAD_CLIENT,   "aws: a node that dies of a client error") \
	X(AWS_DEAD_VOLUMES,  "aws: a node that dies of the volume limit") \
	X(AWS_DEAD_CAPACITY, "aws: a node that dies of no capacity") \
	X(AWS_LB_SLOW,       "aws: a balancer that takes minutes")  \
	X(AWS_LINGERS,       "aws: an interface that lingers")      \
	X(AWS_HELD,          "aws: a group held by somebody else")  \
	X(AWS_CHANGING,      "aws: a volume that is still being changed") \
	X(AWS_CHANGES_FULL,  "aws: a volume changed four times in a day") \
	X(AWS_VOLUME_HELD,   "aws: a volume that still hangs on a node") \
	X(AWS_VOLUME_BUSY,   "aws: a volume that cannot be attached yet") \
	X(AWS_PROFILE_NEW,   "aws: a profile not known everywhere yet") \
	X(AWS_ROLE_NEW,      "aws: a role not known everywhere yet") \
	X(HELD_UP,           "hand: a node ended while the agent is kept from its calls") \
	X(HELD_STOP,         "hand: and kept by STOP")              \
	X(HELD_MODE,         "hand: and kept by the policy, which is off") \
	X(HELD_KEYS,         "hand: and kept by keys that do not come") \
	X(HELD_DOWN,         "hand: and the agent is stopped meanwhile") \
	X(NODE_SICK,         "node: not healthy for a while")       \
	X(NODE_REDIRECT,     "node: an answer that leads to the metadata service") \
	X(NODE_SLOW,         "node: an answer that comes too late")  \
	X(NODE_HUGE,         "node: a body that is too large")       \
	X(NODE_REFUSES,      "node: it does not drain")              \
	X(NODE_STAYS,        "node: it drains for too long")         \
	X(CHECK_SERVES, "promise tested: a failure after something that served was taken out") \
	X(CHECK_LEFT, "promise tested: who serves is replaced") \
	X(CHECK_WANTED, "promise tested: nodes are ended") \
	X(CHECK_HELD_UP, "promise tested: a node goes, or is to come back, while others may have died") \
	X(CHECK_GIVEN, "promise tested: a new node beside a volume that another has left") \
	X(CHECK_DRAINED, "promise tested: a node that served is ended") \
	X(CHECK_READY, "promise tested: a node that was launched is let in") \
	X(CHECK_LET_GO, "promise tested: a node that is to drain is stopped or ended") \
	X(CHECK_UNDONE, "promise tested: something is ROLLED_BACK") \
	X(CHECK_TOLD, "promise tested: something is told as created or deleted") \
	X(CHECK_CLASS, "promise tested: a failure has its cause in the scene") \
	X(CHECK_RESOURCE, "promise tested: a step that failed names what it is about") \
	X(CHECK_STATUS, "promise tested: a warehouse is told as what is done to it") \
	X(IMDS_ERROR,        "imds: 503")                           \
	X(IMDS_HANG,         "imds: no answer")                     \
	X(IMDS_TOKEN_LOST,   "imds: session token forgotten")       \
	X(VENDOR_503,        "vendor: 503 with Retry-After")        \
	X(VENDOR_429,        "vendor: 429")                         \
	X(VENDOR_RESET,      "vendor: connection lost, nothing was taken") \
	X(VENDOR_LOST,       "vendor: answer lost after it was taken") \
	X(VENDOR_RESTART,    "vendor: restarted, sessions forgotten") \
	X(VENDOR_STALE,      "vendor: an old intent again")         \
	X(VENDOR_SHUFFLED,   "vendor: commands in the wrong order") \
	X(VENDOR_TWICE,      "vendor: a command twice in an intent") \
	X(VENDOR_HELD,       "vendor: a poll held")                 \
	X(VENDOR_LATE,       "vendor: an intent that comes late")   \
	X(VENDOR_GARBAGE,    "vendor: an answer that is no protobuf") \
	X(VENDOR_ERROR,      "vendor: an OpAMP error with RetryInfo") \
	X(VENDOR_NO_LOGIN,   "vendor: login refused")               \
	X(VENDOR_NO_HEAD,    "vendor: no fresh head for a while")   \
	X(BAD_SIGNATURE,     "command: bad signature")              \
	X(BAD_KEY,           "command: signed by a stranger")       \
	X(BAD_BINDING,       "command: for another installation")   \
	X(BAD_EPOCH,         "command: a higher epoch without the release key") \
	X(BAD_SPEC,          "command: a spec that breaks its format") \
	X(BAD_VERB,          "command: an unknown verb")            \
	X(EPOCH,             "command: the first of a higher epoch") \
	X(EPOCH_RESULT,      "command: a result when its epoch was over") \
	X(WANT_PROFILE,      "command: nodes with a profile and user data") \
	X(WANT_GROUPS,       "command: nodes in two groups")        \
	X(WANT_FULL,         "command: a group of as many rules as there may be") \
	X(WANT_GROWN,        "command: volumes that are to be larger") \
	X(WANT_KEPT,         "command: volumes that outlive their nodes") \
	X(WANT_HEALTH,       "command: nodes with a health endpoint") \
	X(WANT_DRAIN,        "command: nodes that are drained before they go") \
	X(WANT_MOVED,        "command: a listener that leads elsewhere") \
	X(WANT_LAUNCH,       "command: nodes that are to be of another launch") \
	X(WANT_PAUSED,       "command: a cluster paused, or running again") \
	X(WANT_TYPE,         "command: nodes of another type")      \
	X(WANT_REBOOT,       "command: a cluster rebooted")         \
	X(WANT_REPLACE,      "command: nodes that others take the place of") \
	X(WANT_LOOK,         "command: an inventory is asked for")  \
	X(WANT_DIAG,         "command: a bundle is put together") \
	X(DIAG_SENT,         "command: a bundle has gone to the vendor") \
	X(LOOK_WHOLE,        "command: an inventory has come, whole") \
	X(WANT_UPGRADE,      "command: clusters of another image")  \
	X(WANT_MANY,         "command: many, of every kind, one upon the other") \
	X(CLOSE_ASKED,       "model: in the end the spec that last succeeded is sent again") \
	X(CLOSE_STOOD,       "model: and stands, and once more changes nothing") \
	X(CLOSE_UPGRADED,    "model: and needs an upgrade first")    \
	X(CLOSE_DELETED,     "model: or the warehouse is deleted")   \
	X(HEAL_ASKED,        "command: a warehouse is to heal itself") \
	X(HEAL_STRUCK,       "hand: a node ended, which the agent replaces by itself") \
	X(HEAL_ALONE,        "hand: and the vendor is gone meanwhile") \
	X(HEAL_EARLY,        "hand: before anybody has looked who is there") \
	X(HEAL_LEFT,         "hand: beside one that fell sick, was replaced, and stands") \
	X(WANT_MEMBERS,      "command: a target group of other clusters") \
	X(WANT_SUBNETS,      "command: a balancer in other subnets") \
	X(WANT_TAGS,         "command: other tags")                 \
	X(GAP,               "command: a gap in the sequence")      \
	X(EXPIRED,           "command: expired before it came")     \
	X(ONE_KEY,           "command: high risk with one key")     \
	X(CANCEL,            "command: cancelled")                  \
	X(PLAN_MODE,         "command: plan only")                  \
	X(STOP_FILE,         "customer: STOP file put and removed") \
	X(POLICY_TIGHT,      "customer: policy tightened")          \
	X(POLICY_BROKEN,     "customer: policy broken, then mended") \
	X(DISK_FULL,         "machine: disk full")                  \
	X(DISK_ERROR,        "machine: disk error")                 \
	X(CLOCK_STEP,        "machine: clock stepped")              \
	X(RESTART,           "machine: agent stopped and started")  \
	X(DIE_BEFORE,        "death: before a durable write")       \
	X(DIE_INSIDE,        "death: inside a durable write")       \
	X(DIE_AFTER,         "death: after a durable write")        \
	X(DIE_REQUEST,       "death: as a request arrives")         \
	X(DIE_ANSWER,        "death: as an answer comes back")      \
	X(POWER,             "death: by power failure")             \
	X(KILL,              "death: by kill -9")
/* clang-format on */

enum tally_kind {
#define TALLY_ENUM(name, text) TALLY_##name,
	TALLY_KINDS(TALLY_ENUM)
#undef TALLY_ENUM
	    TALLY_COUNT
};

void tally(enum tally_kind kind);
const char *tally_name(enum tally_kind kind);       /* "AWS_THROTTLE" */
void tally_is_off(enum tally_kind kind, bool off);  /* such a kind need not happen */
void tally_add(const uint64_t counts[TALLY_COUNT]); /* of another process */
const uint64_t *tally_counts(void);
unsigned tally_print(FILE *to); /* how many kinds never happened */

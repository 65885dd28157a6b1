/* stack_signal.h - tells the CloudFormation stack that made this machine, once, that the agent has logged in.
 *
 * The first boot writes the handle into a file beside reeve.yaml: not into that, which the vendor is shown. The stack waits for it
 * (AWS::CloudFormation::WaitCondition), so that it is complete when the agent works and not when its package was installed. Its
 * handle is a URL of S3 that is signed already: who has it may say "success", and no key of ours is used. That it was said is kept
 * in the state folder, so that a restart does not say it again; another handle, of another stack, is told anew. Failure is told by
 * the first boot's script, whose machine the agent may not have reached. */
#pragma once
#include "agent/io/world.h"

struct stack_signal;

struct stack_signal_config {
	const char *handle_path; /* the file with the handle of the WaitCondition */
	const char *state_dir;   /* where it is kept that it was told */
	const char *unique_id;   /* of this signal among those for one handle: the instance's id */
};

/* cfg is copied, its texts stay the caller's until the close. NULL: no stack waits, for there is no such file, or none that can be
 * used, which is logged. */
struct stack_signal *stack_signal_new(struct world *w, const struct stack_signal_config *cfg);
void stack_signal_send(struct stack_signal *s); /* the agent has logged in; may be said again and again */
void stack_signal_close(struct stack_signal *s, void (*done)(void *ctx), void *ctx);

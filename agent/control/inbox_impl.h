/* inbox_impl.h - what the files of the inbox share: inbox.c (the intent and its commands: who may, and in which order),
 * inbox_head.c (the head), inbox_command.c (what a command says). Nobody else includes this. */
#pragma once
#include "agent/control/inbox.h"

typedef Reeve__Control__V1__Intent intent_t;
typedef Reeve__Control__V1__Signed signed_t;
typedef Reeve__Control__V1__Command command_t;

/* inbox.c */
/* Into the report, and once each into the journal and the log. */
void inbox_refuse(struct inbox *in, const struct digest *body, const char *reason);
/* Into the report alone, in place of an older one with this reason. */
void inbox_refuse_quietly(struct inbox *in, const struct digest *body, const char *reason);

/* inbox_head.c */
void inbox_head_take(struct inbox *in, const signed_t *s);
bool inbox_head_calls_off(const struct inbox *in, const uint8_t id[16]);

/* inbox_command.c */
/* A legal command that is not carried out: the terminal state, and why. 0: it is carried out. */
int inbox_command_judge(const struct inbox *in, const command_t *c, struct err *e);

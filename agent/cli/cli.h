/* cli.h - the commands of the one binary, and what they share. Each stands in a file of its own with its page of help.
 *
 * Exit status: 0 well, 1 it failed, 2 it was asked wrongly; `reeve status` and `reeve inventory` have more. What went wrong goes to
 * stderr, answers to stdout. */
#pragma once
#include "agent/base/buf.h"
#include "agent/base/err.h"
#include "agent/io/world.h"

#define CLI_ANSWER_MAX (4u << 20) /* of the daemon */
#define CLI_NO_DAEMON 6           /* exit status of `reeve status` and `reeve inventory` */

struct cli_command {
	const char *name;                  /* its words: "journal show" */
	const char *about;                 /* one line */
	const char *usage;                 /* what follows its name */
	const char *page;                  /* options, exit status, examples */
	int (*run)(int argc, char **argv); /* argv[0] is its last word */
};

extern const struct cli_command cli_run; /* cli.c */
extern const struct cli_command cli_status, cli_inventory, cli_plan_show, cli_journal_show, cli_journal_verify, cli_iam_agent,
    cli_iam_operate, cli_check_config, cli_export_show, cli_export_sample, cli_version;

/* `daemon` is one that this folder does not know: given the path of reeve.yaml, it returns the exit status. */
int cli_main(int argc, char **argv, int (*daemon)(const char *config_path));

int cli_fail(const struct err *e);                                         /* "reeve: sentence", returns 1 */
int cli_usage(const char *fmt, ...) __attribute__((format(printf, 1, 2))); /* returns 2 */
/* Takes an option and its value ("-n 5", "--op ID", "--op=ID") out of the arguments; *ret stays when it is not there. -1: wrong
 * usage, said. */
int cli_take(int *argc, char **argv, const char *option, const char **ret);
bool cli_take_flag(int *argc, char **argv, const char *flag);
/* Takes -c FILE out of the arguments: its value, or the default. -1: wrong usage, said. */
int cli_config_path(int *argc, char **argv, const char **ret);
/* At most this many arguments are left, and none that is empty or looks like an option. -1: wrong usage, said. */
int cli_no_more(int argc, char **argv, int most);

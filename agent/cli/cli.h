/* cli.h - the commands of the one binary. Each gets its own arguments (argv[0] is its name) and returns the exit status:
 * 0 well, 1 it failed, 2 it was asked wrongly. What a person must read goes to stderr, answers to stdout. */
#pragma once
#include "agent/base/err.h"
#include "agent/io/world.h"

/* `run` is the daemon, which this folder does not know: given the path of reeve.yaml, it returns the exit status. */
int cli_main(int argc, char **argv, int (*run)(const char *config_path));

int cmd_status(int argc, char **argv);
int cmd_plan(int argc, char **argv);
int cmd_journal(int argc, char **argv);
int cmd_iam(int argc, char **argv);
int cmd_check_config(int argc, char **argv);

int cli_fail(const struct err *e);                                         /* "reeve: sentence", returns 1 */
int cli_usage(const char *fmt, ...) __attribute__((format(printf, 1, 2))); /* returns 2 */
/* Takes an option and its value out of the arguments; *ret stays when it is not there. -1: wrong usage, said. */
int cli_take(int *argc, char **argv, const char *option, const char **ret);
/* Takes -c FILE out of the arguments: its value, or the default. -1: wrong usage, said. */
int cli_config_path(int *argc, char **argv, const char **ret);
/* GET from the running daemon over the local socket; the body in `to`, the status in *ret_status. */
int cli_get(const char *config_path, const char *path, int *ret_status, struct buf *to, struct err *e);

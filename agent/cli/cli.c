/* cli.c - which command, and what they share. */
#include "agent/cli/cli.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "agent/base/str.h"
#include "agent/config.h"
#include "agent/io/world_uv.h"

static const char help[] =
    "reeve - the vendor's agent in the customer's account\n"
    "\n"
    "  reeve run -c FILE              the daemon\n"
    "  reeve status [-c FILE]         how it stands: mode, vendor, operations, journal, telemetry\n"
    "  reeve plan show ID [-c FILE]   what a command does, call by call\n"
    "  reeve journal verify DIR       is the record whole? (offline; needs no daemon)\n"
    "  reeve journal show DIR         the record, a line each\n"
    "  reeve iam agent [-c FILE]      the IAM policy of the instance role\n"
    "  reeve iam operate [POWER] [--policy FILE] [--vpc ID] [-c FILE]\n"
    "                                 those of the operate role, one a power: launch, delete, groups, balancers;\n"
    "                                 --policy cuts them to the bounds of a policy.yaml, --vpc to its VPC\n"
    "  reeve check-config [-c FILE]   is reeve.yaml right, and policy.yaml beside it?\n"
    "  reeve version\n"
    "\n"
    "FILE is " CONFIG_PATH " unless given; policy.yaml and STOP lie beside it.\n"
    "To stop every change at once: touch /etc/reeve/STOP\n";

static int (*run_daemon)(const char *config_path);

static int cmd_run(int argc, char **argv)
{
	const char *path;

	if (cli_config_path(&argc, argv, &path) != 0)
		return 2;
	if (argc > 1)
		return cli_usage("run: \"%s\" is not expected", argv[1]);
	return run_daemon(path);
}

static int cmd_version(int argc, char **argv)
{
	(void)argv;
	if (argc > 1)
		return cli_usage("version takes no arguments");
	puts("reeve " REEVE_VERSION);
	return 0;
}

static int cmd_help(int argc, char **argv)
{
	(void)argc;
	(void)argv;
	fputs(help, stdout);
	return 0;
}

static const struct {
	const char *name;
	int (*run)(int argc, char **argv);
} commands[] = {
	{ "run", cmd_run },         { "status", cmd_status },     { "plan", cmd_plan },
	{ "journal", cmd_journal }, { "iam", cmd_iam },           { "check-config", cmd_check_config },
	{ "version", cmd_version }, { "--version", cmd_version }, { "--help", cmd_help },
	{ "-h", cmd_help },         { "help", cmd_help },
};

static bool wants_help(int argc, char **argv)
{
	for (int i = 1; i < argc; i++)
		if (str_eq(argv[i], "--help") || str_eq(argv[i], "-h"))
			return true;
	return false;
}

static int run_command(int argc, char **argv)
{
	for (size_t i = 0; i < sizeof(commands) / sizeof(commands[0]); i++)
		if (str_eq(argv[1], commands[i].name))
			return commands[i].run(argc - 1, argv + 1);
	return cli_usage("\"%s\" is not a command", argv[1]);
}

/* What could not be written was not said: a pipe that is full must not look like success. */
static int said(int rc)
{
	if (fflush(stdout) == 0 && !ferror(stdout))
		return rc;
	fprintf(stderr, "reeve: the output could not be written: %s\n", strerror(errno));
	return 1;
}

int cli_main(int argc, char **argv, int (*run)(const char *config_path))
{
	run_daemon = run;
	if (argc < 2) {
		fputs(help, stderr);
		return 2;
	}
	return said(wants_help(argc, argv) ? cmd_help(argc, argv) : run_command(argc, argv));
}

int cli_fail(const struct err *e)
{
	fprintf(stderr, "reeve: %s\n", err_text(e));
	return 1;
}

int cli_usage(const char *fmt, ...)
{
	va_list ap;

	fputs("reeve: ", stderr);
	va_start(ap, fmt);
	vfprintf(stderr, fmt, ap);
	va_end(ap);
	fputs("; see reeve --help\n", stderr);
	return 2;
}

int cli_take(int *argc, char **argv, const char *option, const char **ret)
{
	for (int i = 1; i < *argc; i++) {
		if (!str_eq(argv[i], option))
			continue;
		if (i + 1 == *argc) {
			cli_usage("%s wants a value", option);
			return -1;
		}
		*ret = argv[i + 1];
		memmove(&argv[i], &argv[i + 2], (size_t)(*argc - i - 2) * sizeof(*argv));
		*argc -= 2;
		return 0;
	}
	return 0;
}

int cli_config_path(int *argc, char **argv, const char **ret)
{
	*ret = CONFIG_PATH;
	return cli_take(argc, argv, "-c", ret);
}

/* ---- asking the daemon ---- */

struct asking {
	struct world *w;
	struct http_req http;
	int rc;
};

static void on_answer(struct http_req *r, int rc)
{
	struct asking *a = container_of(r, struct asking, http);

	a->rc = rc;
	world_uv_stop(a->w);
}

static int ask(struct world *w, const char *socket, const char *path, int *ret_status, struct buf *to, struct err *e)
{
	char url[512];
	struct asking a = { .w = w,
			    .http = { .method = "GET",
				      .unix_socket = socket,
				      .total_ms = 10000,
				      .body = BUF_MAX(2u << 20),
				      .head = BUF_MAX(65536) } };

	snprintf(url, sizeof(url), "http://localhost%s", path);
	a.http.url = url;
	http_start(w, &a.http, on_answer);
	world_uv_run(w);
	if (a.rc != 0)
		err_set(e, a.http.err.code, "no daemon answers on %s (%s); is it running, and may you read that socket?", socket,
			err_text(&a.http.err));
	else
		buf_add(to, buf_str(&a.http.body), a.http.body.len);
	*ret_status = a.http.status;
	http_req_close(&a.http);
	return a.rc;
}

int cli_get(const char *config_path, const char *path, int *ret_status, struct buf *to, struct err *e)
{
	struct world *w = world_uv_new(e);
	struct config c = { 0 };
	int rc;

	if (w == NULL)
		return -e->code;
	rc = config_load(w, config_path, &c, e);
	if (rc == 0)
		rc = ask(w, c.socket, path, ret_status, to, e);
	config_close(&c);
	world_uv_free(w);
	return rc;
}

/* cli.c - which command, its page of help, and what commands share. */
#include "agent/cli/cli.h"

#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "agent/base/mem.h"
#include "agent/base/str.h"
#include "agent/cli/page.h"
#include "agent/config.h"

static const struct cli_command *const commands[] = {
	&cli_run,         &cli_status,        &cli_inventory,    &cli_plan_show, &cli_journal_show, &cli_journal_verify,
	&cli_export_show, &cli_export_sample, &cli_check_config, &cli_iam_agent, &cli_iam_operate,  &cli_version,
};

/* ---- run ---- */

static int (*run_daemon)(const char *config_path);
static const struct cli_command *asked; /* the command whose page helps; NULL: none is known */

static int run(int argc, char **argv)
{
	const char *path;

	if (cli_config_path(&argc, argv, &path) != 0 || cli_no_more(argc, argv, 0) != 0)
		return 2;
	return run_daemon(path);
}

const struct cli_command cli_run = {
	.name = "run",
	.about = "the daemon",
	.usage = "[-c FILE]",
	.page = "  -c FILE  its configuration (" CONFIG_PATH "); policy.yaml and STOP lie beside it\n"
		"\n"
		"It stays in the foreground and logs to stderr; deploy/systemd/reeve.service starts it. SIGTERM ends it\n"
		"where it stands, and the next start goes on from there. It takes no key from its environment.\n"
		"\n"
		"exit status\n"
		"  0  it was told to end\n"
		"  1  it cannot run here, and the last line says why\n"
		"  2  it was asked wrongly\n"
		"\n"
		"examples\n"
		"  reeve check-config && reeve run\n"
		"  systemctl restart reeve\n",
	.run = run,
};

/* ---- help ---- */

#define HELP_MAX 16384

static void add_overview(struct buf *to)
{
	buf_adds(to, "reeve - the vendor's agent in the customer's account\n\n");
	for (size_t i = 0; i < ARRAY_LEN(commands); i++)
		buf_addf(to, "  reeve %-16s %s\n", commands[i]->name, commands[i]->about);
	buf_adds(to, "\n"
		     "reeve COMMAND --help is a page of its own, with exit status and examples.\n"
		     "The configuration is " CONFIG_PATH " unless -c FILE is given; policy.yaml and STOP lie beside it.\n"
		     "To stop every change at once: touch /etc/reeve/STOP\n");
}

static void overview(void)
{
	CLEANUP(buf_close) struct buf text = BUF_MAX(HELP_MAX);

	add_overview(&text);
	page_lines(buf_str(&text));
}

static void page_of(const struct cli_command *c)
{
	CLEANUP(buf_close) struct buf text = BUF_MAX(HELP_MAX);

	buf_addf(&text, "reeve %s - %s\n\nusage: reeve %s%s%s\n\n%s", c->name, c->about, c->name, *c->usage != '\0' ? " " : "",
		 c->usage, c->page);
	page_lines(buf_str(&text));
}

/* Is `word` the first of two, as in "journal show"? */
static bool is_group(const struct cli_command *c, const char *word)
{
	size_t len = strlen(word);

	/* NOLINTNEXTLINE(clang-analyzer-core.NullDereference): it takes a command of the table for NULL */
	return strncmp(c->name, word, len) == 0 && c->name[len] == ' ';
}

/* How many of the words name this command; 0: they do not. */
static int words_of(const struct cli_command *c, int argc, char **argv)
{
	if (argc > 0 && str_eq(argv[0], c->name))
		return 1;
	return argc > 1 && is_group(c, argv[0]) && str_eq(argv[1], strchr(c->name, ' ') + 1) ? 2 : 0;
}

static const struct cli_command *find(int argc, char **argv, int *ret_words)
{
	for (size_t i = 0; i < ARRAY_LEN(commands); i++) {
		*ret_words = words_of(commands[i], argc, argv);
		if (*ret_words > 0)
			return commands[i];
	}
	return NULL;
}

static bool is_help(const char *arg)
{
	return str_eq(arg, "--help") || str_eq(arg, "-h");
}

static bool wants_help(int argc, char **argv)
{
	for (int i = 0; i < argc; i++)
		if (is_help(argv[i]))
			return true;
	return false;
}

/* The pages of all commands that begin with the word; false: none does. */
static bool group_pages(const char *word)
{
	bool any = false;

	for (size_t i = 0; i < ARRAY_LEN(commands); i++)
		if (is_group(commands[i], word)) {
			page_text(any ? "\n\n" : "");
			page_of(commands[i]);
			any = true;
		}
	return any;
}

/* "journal" alone, or with a word that it does not know. */
static int unknown(const char *word)
{
	CLEANUP(buf_close) struct buf wants = BUF_MAX(256);

	for (size_t i = 0; i < ARRAY_LEN(commands); i++)
		if (is_group(commands[i], word))
			buf_addf(&wants, "%s%s", wants.len > 0 ? ", or " : "", strchr(commands[i]->name, ' ') + 1);
	if (wants.len > 0)
		return cli_usage("%s wants: %s", word, buf_str(&wants));
	return cli_usage("\"%s\" is not a command", word);
}

static int help(int argc, char **argv)
{
	const struct cli_command *c;
	int words, at = 0;

	while (at < argc && is_help(argv[at]))
		at++;
	c = find(argc - at, argv + at, &words);
	/* The pages of a whole group are for its word alone. With a second word that names no command, that one is wrong. */
	if (c != NULL)
		page_of(c);
	else if (at == argc)
		overview();
	else if ((argc - at > 1 && !is_help(argv[at + 1])) || !group_pages(argv[at]))
		return unknown(argv[at]);
	return 0;
}

/* ---- which ---- */

static int run_command(int argc, char **argv)
{
	int words;
	const struct cli_command *c = asked = find(argc, argv, &words);

	if (str_eq(argv[0], "help"))
		return help(argc - 1, argv + 1);
	/* Anywhere in the line: whoever writes --help behind "run" wants to read, and no daemon may start instead. */
	if (wants_help(argc, argv))
		return help(argc, argv);
	if (str_eq(argv[0], "--version"))
		return cli_version.run(argc, argv);
	return c != NULL ? c->run(argc - words + 1, argv + words - 1) : unknown(argv[0]);
}

int cli_main(int argc, char **argv, int (*daemon)(const char *config_path))
{
	run_daemon = daemon;
	signal(SIGPIPE, SIG_IGN); /* a reader that goes is heard of where we write */
	/* No word at all is a wrong question, so the overview goes to stderr: a pipe is given nothing. */
	if (argc < 2) {
		CLEANUP(buf_close) struct buf text = BUF_MAX(HELP_MAX);

		add_overview(&text);
		fputs(buf_str(&text), stderr);
		return 2;
	}
	return page_end(run_command(argc - 1, argv + 1));
}

/* ---- what commands share ---- */

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
	fprintf(stderr, "; see reeve %s%s--help\n", asked != NULL ? asked->name : "", asked != NULL ? " " : "");
	return 2;
}

static void take_out(int *argc, char **argv, int at, int n)
{
	memmove(&argv[at], &argv[at + n], (size_t)(*argc - at - n) * sizeof(*argv));
	*argc -= n;
}

/* An option in place of a value was meant as one; what begins with a digit behind its dash is a number, and judged as such. */
static bool is_value(const char *text)
{
	return *text != '\0' && (*text != '-' || (text[1] >= '0' && text[1] <= '9'));
}

static int wants_value(const char *option, const char *found)
{
	if (*found == '\0')
		cli_usage("%s wants a value", option);
	else
		cli_usage("%s wants a value, not %s", option, found);
	return -1;
}

int cli_take(int *argc, char **argv, const char *option, const char **ret)
{
	size_t len = strlen(option);

	for (int i = 1; i < *argc; i++) {
		bool is_joined = str_starts(option, "--") && str_starts(argv[i], option) && argv[i][len] == '=';

		if (!str_eq(argv[i], option) && !is_joined)
			continue;
		if (!is_joined && i + 1 == *argc)
			return wants_value(option, "");
		*ret = is_joined ? argv[i] + len + 1 : argv[i + 1];
		if (!is_value(*ret))
			return wants_value(option, *ret);
		take_out(argc, argv, i, is_joined ? 1 : 2);
		return 0;
	}
	return 0;
}

bool cli_take_flag(int *argc, char **argv, const char *flag)
{
	for (int i = 1; i < *argc; i++)
		if (str_eq(argv[i], flag)) {
			take_out(argc, argv, i, 1);
			return true;
		}
	return false;
}

int cli_config_path(int *argc, char **argv, const char **ret)
{
	*ret = CONFIG_PATH;
	return cli_take(argc, argv, "-c", ret);
}

int cli_no_more(int argc, char **argv, int most)
{
	for (int i = 1; i < argc; i++)
		if (i > most || argv[i][0] == '-' || argv[i][0] == '\0') {
			cli_usage("\"%s\" is not expected", argv[i]);
			return -1;
		}
	return 0;
}

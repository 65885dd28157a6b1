/* err.c - codes and sentences. Nothing here allocates, so an error can always be told. */
#include "agent/base/err.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "agent/base/log.h"
#include "agent/base/str.h"

static const char *const names[ERR_CODES] = {
	[ERR_OK] = "ok",
	[ERR_CANCELED] = "canceled",
	[ERR_TIMEOUT] = "timeout",
	[ERR_IO] = "io",
	[ERR_NOSPACE] = "nospace",
	[ERR_NET] = "net",
	[ERR_NOTFOUND] = "notfound",
	[ERR_EXISTS] = "exists",
	[ERR_DENIED] = "denied",
	[ERR_CORRUPT] = "corrupt",
	[ERR_INVALID] = "invalid",
	[ERR_LIMIT] = "limit",
	[ERR_UNSUPPORTED] = "unsupported",
	[ERR_AGAIN] = "again",
	[ERR_NOTYET] = "notyet",
	[ERR_SERVICE] = "service",
};

const char *err_name(int rc)
{
	int code = rc < 0 ? -rc : rc;

	return code < ERR_CODES ? names[code] : "unknown";
}

const char *err_text(const struct err *e)
{
	return e->text[0] != '\0' ? e->text : err_name(e->code);
}

/* A sentence that does not fit ends in dots, so that nobody takes it for whole; they stand between two characters. */
static void mark_cut(char *text)
{
	size_t at = ERR_TEXT_MAX - 4;

	for (int i = 0; i < 3 && (text[at] & 0xc0) == 0x80; i++)
		at--;
	memcpy(text + at, "...", 4);
}

/* What a sentence quotes may be bytes from anywhere, cut anywhere by its format; it goes into log lines, records and reports,
 * which take one line of UTF-8 and nothing else. `len`: of the whole sentence, had it fitted. */
static void finish(char *text, int len)
{
	if (len >= ERR_TEXT_MAX)
		mark_cut(text);
	str_one_line(text);
}

int err_set(struct err *e, int code, const char *fmt, ...)
{
	va_list ap;
	int n;

	if (e == NULL)
		return -code;
	e->code = code;
	va_start(ap, fmt);
	n = vsnprintf(e->text, sizeof(e->text), fmt, ap);
	va_end(ap);
	finish(e->text, n);
	return -code;
}

int err_wrap(struct err *e, int rc, const char *fmt, ...)
{
	char front[ERR_TEXT_MAX], back[ERR_TEXT_MAX];
	va_list ap;
	int n;

	if (e == NULL)
		return rc;
	/* Who set the first code knew best what happened; rc fills in where nobody has set one. */
	if (e->code == 0)
		e->code = -rc;
	va_start(ap, fmt);
	vsnprintf(front, sizeof(front), fmt, ap);
	va_end(ap);
	/* snprintf must not write over what it reads, so the sentence is moved away first. */
	memcpy(back, err_text(e), strlen(err_text(e)) + 1);
	n = snprintf(e->text, sizeof(e->text), "%s: %s", front, back);
	finish(e->text, n);
	return rc;
}

static int code_of_errno(int errnum)
{
	switch (errnum) {
	case ENOENT:
		return ERR_NOTFOUND;
	case EEXIST:
		return ERR_EXISTS;
	case EACCES:
	case EPERM:
	case EROFS:
		return ERR_DENIED;
	case ENOSPC:
	case EDQUOT: /* a quota: the journal gives up its reserve for this, too */
		return ERR_NOSPACE;
	case ETIMEDOUT:
		return ERR_TIMEOUT;
	case EFBIG:
	case ENAMETOOLONG:
	case E2BIG:
		return ERR_LIMIT;
	case ELOOP:
	case ENOTDIR:
		return ERR_INVALID;
	case ECONNREFUSED:
	case ECONNRESET:
	case EPIPE:
	case ENETUNREACH:
	case EHOSTUNREACH:
		return ERR_NET;
	default:
		return ERR_IO;
	}
}

int err_errno(struct err *e, int errnum, const char *fmt, ...)
{
	char what[ERR_TEXT_MAX];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(what, sizeof(what), fmt, ap);
	va_end(ap);
	return err_set(e, code_of_errno(errnum), "%s: %s", what, strerror(errnum));
}

void err_ignore(int rc, const char *why)
{
	if (rc != 0)
		log_debug("err.ignored", "err=%s why=%s", err_name(rc), why);
}

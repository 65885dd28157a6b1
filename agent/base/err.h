/* err.h - an error is a code for programs and a sentence for people.
 *
 * A function that can fail returns 0 or -ERR_...; if the world outside can make it fail it takes `struct err *e` last,
 * and the first to know sets the sentence. A caller that knows more puts it in front. Only the top of a flow logs. */
#pragma once
#include <stddef.h>

enum err_code {
	ERR_OK,
	ERR_CANCELED,    /* the asker took the question back, or the loop closes */
	ERR_TIMEOUT,     /* a deadline of ours ran out */
	ERR_IO,          /* the disk or the kernel said no */
	ERR_NOSPACE,     /* the disk is full */
	ERR_NET,         /* no answer: refused, reset, name or TLS failure */
	ERR_NOTFOUND,    /* the named thing is not there */
	ERR_EXISTS,      /* the named thing is there already */
	ERR_DENIED,      /* AWS, the kernel, the vendor or the policy does not allow it */
	ERR_CORRUPT,     /* bytes that were once good are not */
	ERR_INVALID,     /* input that breaks its format */
	ERR_LIMIT,       /* larger than we allow */
	ERR_UNSUPPORTED, /* well formed, but not for this version */
	ERR_AGAIN,       /* nothing wrong; ask again later */
	ERR_NOTYET,      /* not now: something else must come first */
	ERR_SERVICE,     /* a service answered with an error of its own */
	ERR_CODES
};

#define ERR_TEXT_MAX 512

struct err {
	int code;                /* an enum err_code */
	char text[ERR_TEXT_MAX]; /* one line of UTF-8, always terminated, cut with "..." */
};

/* Sets code and sentence, returns -code. `e` may be NULL. */
int err_set(struct err *e, int code, const char *fmt, ...) __attribute__((format(printf, 3, 4)));
/* Puts a sentence and ": " in front of the one that is there; returns rc. */
int err_wrap(struct err *e, int rc, const char *fmt, ...) __attribute__((format(printf, 3, 4)));
/* From errno; returns -ERR_NOTFOUND, -ERR_NOSPACE, ... as fits. A path that can lead nowhere (a file in place of a folder, links in
 * a circle) is -ERR_INVALID: -ERR_NOTFOUND would say that it may be there tomorrow. */
int err_errno(struct err *e, int errnum, const char *fmt, ...) __attribute__((format(printf, 3, 4)));
/* "timeout" for -ERR_TIMEOUT and for ERR_TIMEOUT. */
const char *err_name(int rc);
/* The sentence if there is one, else the name of the code. */
const char *err_text(const struct err *e);
/* For an error that needs no action: it is logged at debug, with the reason why that is right. */
void err_ignore(int rc, const char *why);

#define TRY(call)                                                                                                                  \
	do {                                                                                                                       \
		int try_rc = (call);                                                                                               \
		if (try_rc != 0)                                                                                                   \
			return try_rc;                                                                                             \
	} while (0)

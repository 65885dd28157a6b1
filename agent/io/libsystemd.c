/* libsystemd.c - see libsystemd.h. */
#include "agent/io/libsystemd.h"

#include <dlfcn.h>
#include <string.h>

#include "agent/base/mem.h"

#define FUNCTION(name) "sd_journal_" #name, offsetof(struct libsystemd, name)

static const struct {
	const char *name;
	size_t at;
} functions[] = {
	{ FUNCTION(open) },
	{ FUNCTION(open_directory) },
	{ FUNCTION(close) },
	{ FUNCTION(set_data_threshold) },
	{ FUNCTION(get_usage) },
	{ FUNCTION(get_fd) },
	{ FUNCTION(process) },
	{ FUNCTION(add_match) },
	{ FUNCTION(add_disjunction) },
	{ FUNCTION(seek_head) },
	{ FUNCTION(seek_tail) },
	{ FUNCTION(seek_cursor) },
	{ FUNCTION(seek_realtime_usec) },
	{ FUNCTION(next) },
	{ FUNCTION(previous) },
	{ FUNCTION(test_cursor) },
	{ FUNCTION(get_cursor) },
	{ FUNCTION(get_realtime_usec) },
	{ FUNCTION(get_cutoff_realtime_usec) },
	{ FUNCTION(restart_data) },
	{ FUNCTION(enumerate_available_data) },
};

_Static_assert(ARRAY_LEN(functions) * sizeof(void *) == sizeof(struct libsystemd), "each is looked up");

int libsystemd_open(const char *file, struct libsystemd *ret, struct err *e)
{
	void *lib = dlopen(file, RTLD_NOW | RTLD_LOCAL);
	struct libsystemd l;

	if (lib == NULL)
		return err_set(e, ERR_NOTFOUND, "the machine's library for journald's files is not there: %s", dlerror());
	for (size_t i = 0; i < ARRAY_LEN(functions); i++) {
		void *at = dlsym(lib, functions[i].name);

		if (at == NULL)
			return err_set(e, ERR_NOTFOUND, "%s has no %s, expected that of systemd 246 or newer", file,
				       functions[i].name);
		memcpy((char *)&l + functions[i].at, &at, sizeof(at));
	}
	*ret = l;
	return 0;
}

/* secret_file.c - see secret_file.h. */
#include "agent/io/secret_file.h"

#include "agent/base/buf.h"
#include "agent/base/mem.h"

static int check_mode(struct world *w, const char *path, struct err *e)
{
	struct disk_stat st;

	TRY(w->disk_stat(w, path, &st, e));
	if ((st.mode & 077) != 0)
		return err_set(e, ERR_DENIED, "%s is open to others than its owner (mode %04o); let it be 0600", path,
			       st.mode & 07777);
	return 0;
}

int secret_file_read(struct world *w, const char *path, struct secret *ret, struct err *e)
{
	CLEANUP(buf_close) struct buf b = BUF_MAX(SECRET_FILE_MAX);
	int rc;

	TRY(check_mode(w, path, e));
	rc = disk_read_all(w, path, &b, e);
	if (rc == 0)
		secret_set(ret, buf_str(&b), b.len);
	secret_wipe(b.data, b.cap);
	return rc;
}

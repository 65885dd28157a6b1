/* tail_awake.c - which files have something to read: of thousands that are followed only these are looked at.
 *
 * A write that inotify tells of wakes the file that bears the name. What may have been missed the poll finds, which wakes all of
 * them, and a scan that finds a file larger than it was. Files that wait for time to pass (a record that may go on, a rotated file,
 * one that could not be read, one whose predecessor was not read to its end) are read again TAIL_LATER_MS later. */
#include "collectors/tail_impl.h"

#include "agent/base/mem.h"

static struct tail_file *entry(struct list *n)
{
	return list_entry(n, struct tail_file, awake);
}

void tail_awake(struct tail_file *tf)
{
	if (tf->is_awake)
		return;
	list_del(&tf->awake);
	list_add(&tf->src->t->awake, &tf->awake);
	tf->is_awake = true;
}

void tail_awake_later(struct tail_file *tf)
{
	struct tail *t = tf->src->t;

	if (list_empty(&t->later))
		t->later_ms = world_now_ms(t->w) + TAIL_LATER_MS;
	list_del(&tf->awake);
	list_add(&t->later, &tf->awake);
	tf->is_awake = false;
}

void tail_awake_all(struct tail *t)
{
	list_each(n, &t->files)
		tail_awake(list_entry(n, struct tail_file, link));
}

/* A name that no file bears may be the new one of a file that was rotated away, whose writer still has it open. */
void tail_awake_due(struct tail *t)
{
	bool is_time = world_now_ms(t->w) >= t->later_ms;

	if (is_time || t->strangers)
		list_each_safe(n, &t->later)
			if (is_time || entry(n)->rotated)
				tail_awake(entry(n));
	t->strangers = false;
}

void tail_awake_written(struct tail_folder *f, const char *name)
{
	CLEANUP(mem_close) char *path = mem_printf("%s/%s", f->dir[1] == '\0' ? "" : f->dir, name);
	struct tail_file *tf = tail_table_by_name(f->t, f, name), *real = tail_table_by_path(f->t, path);

	if (tf != NULL)
		tail_awake(tf);
	if (real != NULL) /* a link may be the name that it is known by */
		tail_awake(real);
	if (tf != NULL || real != NULL)
		return;
	f->t->strangers = true;
	/* One that should be followed, and is not: refused when it was last looked at, or not seen yet. */
	if (tail_folder_source(f, name) != NULL)
		tail_folder_again(f);
}

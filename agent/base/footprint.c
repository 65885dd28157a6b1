/* footprint.c - see footprint.h. */
#include "agent/base/footprint.h"

#include <link.h>
#include <malloc.h>
#include <stdint.h>
#include <sys/mman.h>
#include <unistd.h>

#define MMAP_FROM (128 << 10) /* bytes; what is larger has pages of its own, which go back when it is freed */

void footprint_begin(void)
{
	mallopt(M_ARENA_MAX, 1);
	mallopt(M_MMAP_THRESHOLD, MMAP_FROM); /* else it grows with the largest piece that was freed */
}

/* The pages of a segment that nothing ever writes to are those of its file. One that can be written holds what the loader has put
 * there: it is left alone. A piece that cannot be dropped (the kernel's own) stays. */
static int drop_pages(struct dl_phdr_info *info, size_t size, void *ctx)
{
	uintptr_t page = (uintptr_t)sysconf(_SC_PAGESIZE);

	(void)size;
	(void)ctx;
	for (size_t i = 0; i < info->dlpi_phnum; i++) {
		const ElfW(Phdr) *p = &info->dlpi_phdr[i];
		uintptr_t start = info->dlpi_addr + p->p_vaddr, before = start & (page - 1);

		/* madvise(2) wants the beginning of a page. What stands before the segment in its first page was mapped from the
		 * same file with it, so it may be dropped as well. */
		if (p->p_type == PT_LOAD && (p->p_flags & PF_W) == 0)
			/* NOLINTNEXTLINE(performance-no-int-to-ptr): the loader tells addresses as numbers */
			madvise((void *)(start - before), p->p_memsz + before, MADV_DONTNEED);
	}
	return 0;
}

void footprint_shrink(void)
{
	malloc_trim(0);
	dl_iterate_phdr(drop_pages, NULL);
}

/* tail.h - reads log files as they grow: through renames, restarts and truncation, without loss and without repeats.
 *
 * A file is known by (dev, ino) and, against a reused inode, by a fingerprint of its first bytes and an offset that is not
 * beyond its end. The tail keeps nothing on disk: positions (positions.h) are what the shipper committed, and what it finds
 * committed at the next start. When the sink answers false the tail stops reading and asks again; the file is the buffer.
 *
 * What leaves is judged by the path of a line's file (export.logs), so that path is the real one, asked of the open file: a
 * name under the pattern that is a symbolic link is resolved, and its lines bear the path it led to. A rotated file's lines
 * bear the path it had before, so its new name must be no link: else it is refused. (A hard link cannot be told from a
 * file; the kernel's fs.protected_hardlinks forbids one to a file that its maker may not write.)
 *
 * Only UTF-8 text is read, since the customer's rules look at text: a file is judged by its first bytes before a line of it is
 * handed over, again as it grows, and again when it begins anew; an archive, another encoding or a binary file is refused and
 * counted. NULs are left out, in front of a line (the hole that copytruncate leaves) as inside; 64 in a row end a line; a line
 * that is a quarter of characters that no text has is left out whole. All of it is counted.
 *
 * The last line of a file to which nobody adds is handed over without its LF after a minute (a rotated one: 5 s), also when the
 * agent was restarted meanwhile, marked reeve.log.unfinished. Should it go on after all, the rest is handed over with the beginning
 * in front of it, for the rules look at whole lines (telemetry_line.begun says how much went before); what leaves is the rest
 * alone, marked reeve.log.continuation. What lies beyond the limit of the whole line is cut.
 *
 * Where lines are joined (framing.h) a record is what is said here of a line: it is handed over when the beginning of the next one
 * is seen, or when nobody has added to the file for two seconds; what comes later begins another one. It stays in the file until
 * then, so a restart reads it anew. It has at most as many bytes as a line, and FRAMING_LINES_MAX lines; beyond that another record
 * begins, with the line that would be too much.
 *
 * A position keeps a fingerprint of the first bytes and one of the bytes before it: a file that was rewritten in place is read
 * from its start, also when both versions begin with the same long banner.
 *
 * At most files_max files are followed, those with a position and the oldest first; the rest is counted as refused and told once.
 * Renamed files are looked for in the folder of the pattern, not in that of a link's target. Each restored position is kept
 * until its file is followed; of the files that were read to their end and let go 4096 are remembered, and those go first that
 * are no longer in their folder, then the oldest.
 *
 * A path is a file, or has globs in its components: `*` and `?`, which match no slash, so that `**` is a `*`. Folders that come and
 * go are seen by what changes above them, and by the poll; what was in one that is gone is read to its end. At most 1024 are looked
 * at, those on the way to others with them. Not lossless, for any reader: copytruncate (what was
 * written between our last look and the cut), and a file that is made, renamed out of the pattern and never seen. */
#pragma once
#include <stddef.h>
#include <stdint.h>

#include "agent/base/telemetry.h"
#include "agent/io/world.h"
#include "collectors/framing.h"
#include "collectors/positions.h"

struct tail;

struct tail_path {
	const char *path, *service;
	struct framing_config framing; /* zero: each line is a record; its patterns were compiled before, and are right */
	int32_t utc_offset_s;          /* of the times that its records begin with */
	bool starts_at_end;            /* what stands in its files when they are first seen is passed over: tail_pass.c */
	const char *pieces;            /* path_pieces.h, of the path without links: attributes of its lines; NULL: none */
	uint64_t ignore_older_ms;      /* so is a file that was last written longer ago; 0: none is */
};

struct tail_config {
	const struct tail_path *paths; /* copied */
	size_t paths_n;
	uint32_t line_max;           /* bytes; 0: 64 KiB; what is longer is cut there */
	uint32_t files_max;          /* followed at once; 0: 10,240 */
	struct positions *positions; /* of all that was ever followed; they outlive the tail */
};

struct tail_stats {
	uint64_t lines, bytes;               /* handed over */
	uint64_t truncated_lines;            /* longer than line_max */
	uint64_t unfinished_lines;           /* handed over without an LF, a minute after their writer fell silent */
	uint64_t no_text_lines;              /* not handed over: NULs between the letters, or the like */
	uint64_t joined_lines;               /* lines of records but for the first one of each */
	uint64_t foreign_lines;              /* not written as their source's format says: handed over as they are */
	uint64_t nul_bytes;                  /* left out: they are no text, and would part the letters of what a rule looks for */
	uint64_t passed_files, passed_bytes; /* not read, as the configuration wants: of start_at and ignore_older */
	uint64_t truncated_files;            /* cut to nothing, or their content replaced */
	uint64_t read_errors;
	uint64_t large_folders;     /* looks at a folder of which only a part of the names could be listed */
	uint64_t positions_dropped; /* of files let go that may still be there: read again if they come back under a pattern */
	uint64_t folders, refused_folders; /* looked at now; those that globs lead to and that are too many */
	uint64_t unwatched_folders;        /* of those looked at: inotify tells nothing of them (its limits), the poll alone does */
	uint64_t files, rotated;           /* followed now; of them no longer found by the path */
	uint64_t refused; /* files under a pattern that are not followed now, as the last scan found them: the sum of the next */
	uint64_t refused_compressed, refused_limit;
	uint64_t refused_old;     /* ignore_older */
	uint64_t refused_no_text; /* another encoding than UTF-8, or binary */
	uint64_t refused_links;   /* also what is no regular file, a path that is too long, a pattern's folder that is none */
	uint64_t refused_denied;  /* we may not open it, or not enter the folder that a link leads to, or the pattern's */
};

struct tail *tail_new(struct world *w, const struct tail_config *c, const struct telemetry_sink *sink);
void tail_start(struct tail *t); /* the positions are known by now */
struct tail_stats tail_stats(const struct tail *t);
void tail_close(struct tail *t, void (*done)(void *ctx), void *ctx); /* done comes later, not from inside */

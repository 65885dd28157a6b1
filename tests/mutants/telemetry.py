"""telemetry.py - mutants of the way of a log line: how records are joined and told apart, and what must not leave twice."""

from mutant import Mutant

RECORD, FRAMING, CALENDAR, WRAPPED = (
    f"collectors/{n}.c" for n in ("tail_record", "framing", "calendar", "tail_wrapped")
)
TAIL, FRAMES, HEADS, WRAPS = (
    f"build/tests/unit/collectors/test_{n}" for n in ("tail_record", "framing", "record_head", "tail_wrapped")
)
PASSES = "build/tests/unit/collectors/test_tail_pass"
AWAKE = "build/tests/unit/collectors/test_tail_awake"
FINDS = "build/tests/unit/collectors/test_tail_find"
CLEAR, BAD = "shippers/exporter_clear.c", "build/tests/unit/shippers/test_shipper_bad"
WRITE, SPOOL = "shippers/spool_write.c", "build/tests/unit/shippers/test_shipper_spool"
DEST, DESTS = "shippers/spool_dest.c", "build/tests/unit/shippers/test_spool_dest"
RECODE, ZSTD = "shippers/exporter_recode.c", "build/tests/unit/shippers/test_shipper_zstd"
EXPORTER, CATCH_UP = "shippers/exporter.c", "build/tests/unit/shippers/test_shipper_catch_up"
CRASH = "build/tests/unit/shippers/test_crash"

MUTANTS = [
    Mutant(
        "a 400 always blamed on zstd",
        RECODE,
        "(status == 400 && !l->x->zstd_taken)",
        "status == 400",
        ZSTD,
    ),
    Mutant(
        "zstd refused, and new bodies are zstd still",
        RECODE,
        "	spool_pack_as(l->x->s, PACK_GZIP);\n",
        "",
        ZSTD,
    ),
    Mutant(
        "zstd in the spool sent to a receiver that takes none",
        EXPORTER,
        "	x->no_zstd = c->no_zstd;\n",
        "",
        ZSTD,
    ),
    Mutant(
        "a backlog that goes all at once",
        EXPORTER,
        "		pace_spend(&l->x->pace, l->body.len);\n",
        "		pace_spend(&l->x->pace, 0);\n",
        CATCH_UP,
    ),
    Mutant(
        "what comes new taken from the backlog's rate",
        "shippers/pace.c",
        "	earn(p, came - p->came);\n",
        "",
        CATCH_UP,
    ),
    Mutant(
        "a body that goes with the first of two destinations",
        "shippers/spool_ending.c",
        "	if (!spool_is_wanted_by_others(en, dest) && end->lost.counts_n == 0) {",
        "	if (end->lost.counts_n == 0) {",
        DESTS,
    ),
    Mutant(
        "a body that is lost unsent gone before the log says so",
        "shippers/spool_dest.c",
        "	if (en->wanted == 0)\n		spool_entry_free(en);",
        "	if (en->wanted == 0)\n		spool_drop_entry(en);",
        CRASH,
    ),
    Mutant(
        "a loss counted again by the next start",
        "shippers/spool_compact.c",
        "	s->commits_unsure = false;\n	spool_loss_said(s);",
        "	s->commits_unsure = false;",
        "build/tests/unit/shippers/test_crash",
        CRASH,
    ),
    Mutant(
        "what waits in the spool sent although the policy is off",
        "shippers/exporter.c",
        "	x->lanes[kind].is_held = holds;",
        "	x->lanes[kind].is_held = holds && x == NULL;",
        "build/tests/unit/shippers/test_off",
    ),
    Mutant(
        "a budget that is noted behind what it lets out",
        "shippers/budget.c",
        "		if (b->limit > 0)\n			return false;\n	}\n	d->spent",
        "	}\n	d->spent",
        "build/tests/unit/shippers/test_budget",
    ),
    Mutant(
        "a body gone before its line of the ledger",
        "shippers/exporter_clear.c",
        "	if (l->x->ledger != NULL)\n		ledger_after(",
        "	if (false)\n		ledger_after(",
        "build/tests/unit/shippers/test_ledger",
    ),
    Mutant(
        "what a destination has had forgotten by a start",
        DEST,
        "if (str_eq(s->dests[i].name, t->by) && ",
        "if (!str_eq(s->dests[i].name, t->by) && ",
        DESTS,
        CRASH,
    ),
    Mutant(
        "what a destination has had left out of a log that is written anew",
        "shippers/spool_compact.c",
        "			if (t.seq > 0)",
        "			if (t.seq > 99999)",
        DESTS,
    ),
    Mutant(
        "the quota of one that is away holds up the other",
        DEST,
        "		if (!is_full(s, i, kind))\n			return true;\n	return false;",
        "		if (is_full(s, i, kind))\n			return false;\n	return true;",
        DESTS,
    ),
    Mutant(
        "logs dropped although both could wait",
        DEST,
        "(kind == TELEMETRY_METRIC || has_any_room(s, kind))",
        "(kind == TELEMETRY_METRIC || true || has_any_room(s, kind))",
        DESTS,
    ),
    Mutant(
        "what one refused is not kept",
        "shippers/spool_ending.c",
        "	if (how > en->how)\n",
        "	if (false && how > en->how)\n",
        DESTS,
    ),
    Mutant(
        "a record that ends where the bytes do",
        RECORD,
        "return is_final ? lf : NULL;",
        "return is_final || lf != NULL ? lf : NULL;",
        TAIL,
    ),
    Mutant("a record without a largest number of lines", RECORD, " || *ret_joined + 1 >= FRAMING_LINES_MAX", "", TAIL),
    Mutant(
        "a record without a largest size",
        RECORD,
        "(size_t)(to - at) > most || ",
        "(size_t)(to - at) > 99 * most || ",
        TAIL,
    ),
    Mutant(
        "the last record of a file left there",
        "collectors/tail.c",
        "	if (tf->is_open && since >= TAIL_RECORD_MS)\n",
        "	if (tf->is_open && since >= 99999 * TAIL_RECORD_MS)\n",
        TAIL,
    ),
    Mutant(
        "half of a beginning taken for none",
        FRAMING,
        "return is_whole ? FRAMING_GOES_ON : FRAMING_UNKNOWN;",
        "return is_whole ? FRAMING_GOES_ON : FRAMING_GOES_ON;",
        FRAMES,
    ),
    Mutant(
        "a pattern that runs away joins lines for ever",
        FRAMING,
        "	if (rc < 0 && rc != PCRE2_ERROR_NOMATCH)\n		return FRAMING_BEGINS;",
        "	if (rc < 0 && rc != PCRE2_ERROR_NOMATCH)\n		return FRAMING_GOES_ON;",
        FRAMES,
    ),
    Mutant(
        "times of another zone taken for UTC", CALENDAR, " - utc_offset_s) * 1000", " - 0 * utc_offset_s) * 1000", HEADS
    ),
    Mutant(
        "a day that no calendar has believed",
        CALENDAR,
        "t->day > days_in(t->year, t->month)",
        "t->day > days_in(t->year, t->month) + 3",
        HEADS,
    ),
    Mutant(
        "a group of records of which a restart repeats the first ones",
        WRAPPED,
        "	for (size_t n = from; n < g->records; n++) {",
        "	for (size_t n = 0 * from; n < g->records; n++) {",
        WRAPS,
    ),
    Mutant(
        "a record that ends where the read did",
        WRAPPED,
        "(!is_full && !is_final) ? TAIL_END : TAIL_MORE",
        "(!is_full && is_final) ? TAIL_END : TAIL_MORE",
        WRAPS,
    ),
    Mutant(
        "what is cut of a long record not told",
        WRAPPED,
        "		run->more += wrapped_text(&w, NULL);",
        "		run->more += 0 * wrapped_text(&w, NULL);",
        WRAPS,
    ),
    Mutant(
        "files of a folder that is gone kept for ever",
        "collectors/tail_pattern.c",
        "		if (is_gone && src->files_n > 0)\n			rotate_all(t, src);",
        "		if (is_gone && src->files_n > 99999)\n			rotate_all(t, src);",
        FINDS,
    ),
    Mutant(
        "files let go because their folder could not be listed",
        "collectors/tail_find.c",
        "		t->patterns[f->pattern].is_partial = true;\n	if (rc != 0 && rc != -ERR_LIMIT)",
        "		t->patterns[f->pattern].is_partial = false;\n	if (rc != 0 && rc != -ERR_LIMIT)",
        FINDS,
    ),
    Mutant(
        "every folder listed for a change in one",
        "collectors/tail_scan.c",
        "(!f->is_dirty && !t->scan.is_whole)",
        "(!f->is_dirty && false)",
        FINDS,
    ),
    Mutant(
        "a new folder seen by the next poll alone",
        "collectors/tail_folder.c",
        "	f->t->whole_wanted |= f->has_folders;\n",
        "",
        FINDS,
    ),
    Mutant(
        "more folders looked at than may be",
        "collectors/tail_folder.c",
        "	if (t->folders_n >= TAIL_FOLDERS_MAX)",
        "	if (t->folders_n >= 9 * TAIL_FOLDERS_MAX)",
        FINDS,
    ),
    Mutant(
        "files that came while we were away passed over",
        "collectors/tail_pass.c",
        "if (pos->is_left && str_glob(t->patterns[i].path, pos->left.path))",
        "if (pos->is_left && pos->left.to == 99999)",
        PASSES,
    ),
    Mutant(
        "an old file passed over although a position names it",
        "collectors/tail_scan.c",
        "	if (k == NULL && c->src != NULL && tail_pass_old(t, c, path))",
        "	if (c->src != NULL && tail_pass_old(t, c, path))",
        PASSES,
    ),
    Mutant(
        "a file that is passed over told of by each look",
        "collectors/tail_pass.c",
        "	tail_archive_add(t, c, TAIL_OLD);",
        "	known -= known > 0;",
        PASSES,
    ),
    Mutant(
        "a piece of a path that ends at the last place it may",
        "collectors/path_pieces.c",
        "	return memmem(at, (size_t)(end - at), literal, len);",
        "	return memmem(at + (len > 0 && at + len < end), (size_t)(end - at) - (len > 0 && at + len < end), literal, len);",
        "build/tests/unit/collectors/test_path_pieces",
    ),
    Mutant(
        "the limit of inotify told at each poll",
        "collectors/tail_folder.c",
        "	t->unwatched_told = true;",
        "	t->unwatched_told = false;",
        FINDS,
    ),
    Mutant(
        "a folder that could not be watched never watched",
        "collectors/tail_folder.c",
        "	f->watched = rc == 0;",
        "	f->watched = rc == 0 || rc != -ERR_NOTFOUND;",
        FINDS,
    ),
    Mutant(
        "a new file read before the one that had its name",
        "collectors/tail.c",
        "		if (!o->at_end)",
        "		if (o->rotated && !o->at_end)",
        AWAKE,
    ),
    Mutant(
        "a renamed file not looked at once more",
        "collectors/tail_scan.c",
        "		tail_table_name(tf, c->name);\n		tf->at_end = false;",
        "		tail_table_name(tf, c->name);",
        AWAKE,
    ),
    Mutant(
        "a folder listed for each write in it",
        "collectors/tail_folder.c",
        "	if (names || name == NULL) {",
        "	if (names || name != NULL) {",
        AWAKE,
    ),
    Mutant(
        "every file looked at for each write",
        "collectors/tail_awake.c",
        "	if (tf != NULL)\n		tail_awake(tf);",
        "	if (tf != NULL)\n		tail_awake_all(f->t);",
        AWAKE,
    ),
    Mutant(
        "a refused file that is written to waits for the poll",
        "collectors/tail_awake.c",
        "	if (tail_folder_source(f, name) != NULL)\n		tail_folder_again(f);",
        "",
        AWAKE,
    ),
    Mutant(
        "a write behind a link waits for the poll",
        "collectors/tail_awake.c",
        "	if (real != NULL) /* a link may be the name that it is known by */\n		tail_awake(real);",
        "",
        AWAKE,
    ),
    Mutant(
        "pieces of the path forgotten",
        "collectors/tail_file.c",
        "	if (src->of->pieces != NULL)\n",
        "	if (src->of->pieces != NULL && src->files_n > 9999)\n",
        FINDS,
    ),
    Mutant(
        "ranges counted, and not weighed",
        "shippers/batch.c",
        " || b->ranges_bytes > (BATCH_RANGES_ANY - 1ul) * BATCH_RANGE_MOST",
        "",
        "build/tests/unit/shippers/test_batch",
    ),
    Mutant(
        "bodies sent on while one cannot be removed",
        CLEAR,
        "return l->clearings_n < CLEARINGS_MAX && l->stuck_n == 0;",
        "return l->clearings_n < 9 * CLEARINGS_MAX;",
        BAD,
    ),
    Mutant(
        "bodies of a refusing disk forgotten",
        WRITE,
        "	sm_move(&s->sm, WRITE_IDLE);\n	spool_bodies_again(s);\n	begin(s);\n}\n\n/* What has been",
        "	sm_move(&s->sm, WRITE_IDLE);\n	begin(s);\n}\n\n/* What has been",
        SPOOL,
    ),
    Mutant(
        "what the old rules said of a file kept under new ones",
        "shippers/origins.c",
        "	for (size_t i = 0; i < ORIGINS_PLACES; i++)\n		forget(&o->v[i]);",
        "	(void)o;",
        "build/tests/unit/shippers/test_origins",
    ),
]

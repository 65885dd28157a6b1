"""journal.py - mutants of how the machine's journal is read: what is lost, repeated, told wrongly or never."""

from mutant import Mutant

READER, PLACE, RECORD, READS = (
    "agent/io/journald_reader.c",
    "collectors/journald_place.c",
    "collectors/journald_record.c",
    "collectors/journald.c",
)
REAL, WORLD = "build/tests/unit/io/test_journald_reader", "build/tests/unit/io/test_world_uv_journald"
PLACES, RECORDS, SOURCES = (f"build/tests/unit/collectors/test_journald{n}" for n in ("_place", "_record", ""))
CRASH, COMMIT, BATCH = (f"build/tests/unit/shippers/test_{n}" for n in ("crash", "commit", "batch"))
POSITIONS, GONE = (f"build/tests/unit/collectors/test_positions{n}" for n in ("", "_gone"))
STATUS = "build/tests/unit/daemon/test_telemetry_path"

MUTANTS = [
    Mutant(
        "what anyone says of a unit counts as what systemd says",
        READER,
        'match(jr, "_PID=1", NULL, "UNIT", unit)',
        'match(jr, NULL, NULL, "UNIT", unit)',
        REAL,
    ),
    Mutant(
        "behind a cursor that is gone an entry is skipped unread",
        READER,
        "	jr->stands = r > 0;\n",
        "	jr->stands = false;\n",
        REAL,
    ),
    Mutant(
        "the entry of the cursor comes twice",
        READER,
        "	if (r > 0) /* the one that was read last */\n		jr->stands = false;",
        "",
        REAL,
    ),
    Mutant(
        "the end without a look at the last entry",
        READER,
        "		r = jr->lib.previous(jr->j); /*",
        "		r = 0; /*",
        REAL,
    ),
    Mutant(
        "a vacuum while the journal is open goes unseen",
        READER,
        "	return r == INVALIDATE ? seek(jr, q) : 0;",
        "	return 0;",
        REAL,
    ),
    Mutant(
        "a damaged file goes without a word",
        READER,
        "		q->is_damaged = has_dropped_a_file(jr);",
        "		q->is_damaged = false && has_dropped_a_file(jr);",
        REAL,
    ),
    Mutant("a file that is cut ends the agent", READER, "	sigbus_zeros();\n", "", REAL),
    Mutant(
        "a fault of our own reads as zeros",
        "agent/io/sigbus.c",
        "	reads_zeros = false;",
        "	reads_zeros = true;",
        "build/tests/unit/io/test_sigbus",
    ),
    Mutant(
        "a slice that was full is the last",
        READER,
        "			q->is_more = true;\n			return 0;",
        "			return 0;",
        REAL,
    ),
    Mutant(
        "nothing wakes a reader that waits",
        "agent/io/world_uv_journald.c",
        "	if (j->rc == 0 && !r->is_more)\n",
        "	if (false && !r->is_more)\n",
        WORLD,
    ),
    Mutant(
        "a second value of a field takes the place of the first",
        "agent/io/journald_entry.c",
        " || (*seen & 1u << i) != 0",
        "",
        "build/tests/unit/io/test_journald_entry",
    ),
    Mutant(
        "a commit record without the cursor",
        "shippers/commit.c",
        "	if (s->cursor != NULL)\n",
        "	if (false && s->cursor != NULL)\n",
        COMMIT,
        CRASH,
    ),
    Mutant(
        "a batch keeps its first cursor",
        "shippers/batch.c",
        "		if (s->cursor != NULL) {",
        "		if (false) {",
        BATCH,
        CRASH,
    ),
    Mutant(
        "a place in the journal is looked for among files",
        "collectors/positions.c",
        "pos->is_left || pos->durable.cursor != NULL)",
        "pos->is_left)",
        POSITIONS,
    ),
    Mutant(
        "many files push out a place in the journal",
        "collectors/positions.c",
        "!pos->is_durable || pos->durable.cursor != NULL || ",
        "!pos->is_durable || ",
        POSITIONS,
    ),
    Mutant(
        "a place in the journal is a file that is gone",
        "collectors/positions_gone.c",
        "	if (s->cursor != NULL) /* no file */\n		return;\n",
        "",
        GONE,
    ),
    Mutant(
        "a record with the cursor of the one before",
        RECORD,
        "	place = journald_place_to(s, r->cursor, r->to_ms);",
        "	place = journald_place_to(s, s->cursor, r->to_ms);",
        PLACES,
        CRASH,
    ),
    Mutant(
        "each cursor that is gone is a gap",
        PLACE,
        "	if (to_ms <= s->seen_ms)\n		return;\n",
        "",
        PLACES,
    ),
    Mutant("a gap is never one", PLACE, "	if (to_ms <= s->seen_ms)", "	if (true)", PLACES, STATUS),
    Mutant(
        "up to where a quiet source was read is never kept",
        PLACE,
        "	if (s->has_place && s->seen_ms > s->told_ms + TELL_MS)",
        "	if (false)",
        PLACES,
    ),
    Mutant(
        "up to where a quiet source was read is not known",
        PLACE,
        "	if (s->asked_wall_ms - LATE_MS > s->seen_ms)",
        "	if (false)",
        PLACES,
    ),
    Mutant(
        "the same entry of two files comes twice",
        PLACE,
        "	return last != NULL && now != NULL && str_eq(last, now);",
        "	return false && last != NULL && now != NULL;",
        PLACES,
    ),
    Mutant(
        "what cannot be read is never passed over",
        PLACE,
        "++s->fruitless < PATIENCE)",
        "++s->fruitless < 1000000)",
        PLACES,
    ),
    Mutant(
        "what cannot be read for a moment is passed over", PLACE, "#define PATIENCE 10 ", "#define PATIENCE 1 ", SOURCES
    ),
    Mutant(
        "a file that stays damaged is a gap each time",
        PLACE,
        "	bool is_known = s->req.is_sought && s->was_damaged;",
        "	bool is_known = false;",
        PLACES,
    ),
    Mutant(
        "start_at: end at each start",
        PLACE,
        "s->c->starts_at_end && !s->has_place ?",
        "s->c->starts_at_end ?",
        SOURCES,
    ),
    Mutant(
        "the end is forgotten until something comes",
        PLACE,
        "		s->seen_ms = s->asked_wall_ms;\n		tell(s);",
        "		s->seen_ms = s->asked_wall_ms;",
        SOURCES,
    ),
    Mutant(
        "a full sink holds deleted files open",
        READS,
        "	if (world_now_ms(w) - s->held_ms > LET_GO_MS)\n",
        "	if (false)\n",
        SOURCES,
    ),
    Mutant(
        "a journal that tells nothing stays as it is",
        READS,
        "	if (++s->quiet_polls == QUIET_POLLS) {",
        "	if (false) {",
        SOURCES,
    ),
    Mutant(
        "a record in hand outlives the place that it was read from",
        READS,
        "		journald_record_drop(&s->record); /* it is read again */\n",
        "",
        RECORDS,
    ),
    Mutant(
        "lines of two processes are joined",
        RECORD,
        " && r->pid == number_of(&en->v[JOURNALD_PID])",
        " && en != NULL",
        RECORDS,
    ),
    Mutant(
        "lines of two units are joined",
        RECORD,
        "!r->is_due && r->unit == unit && ",
        "!r->is_due && unit < 99 && ",
        RECORDS,
    ),
    Mutant(
        "a binary message leaves", RECORD, "cut == 0 || !tail_head_is_text(v->text, cut, false)", "cut == 0", RECORDS
    ),
    Mutant(
        "what is no text is read again behind each rotation",
        RECORD,
        "&s->stats.no_text_entries) += 1;\n		journald_place_pass(s, en->cursor);",
        "&s->stats.no_text_entries) += 1;",
        RECORDS,
    ),
    Mutant(
        "a time that anyone may write counts",
        "agent/io/journald_entry.c",
        '{ "_SOURCE_REALTIME',
        '{ "SOURCE_REALTIME',
        RECORDS,
    ),
    Mutant(
        "a gap is no loss", "agent/daemon/telemetry_status.c", " + lost_entries(t);", " + 0 * lost_entries(t);", STATUS
    ),
    Mutant(
        "a journal that cannot be read is no trouble",
        "agent/daemon/telemetry_path.c",
        "		trouble = journald_stats(t->journald, i).trouble;",
        "		trouble = NULL;",
        STATUS,
    ),
]

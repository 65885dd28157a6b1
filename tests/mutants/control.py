"""control.py - mutants of what stands below and above the operations: intents, the journal, the disk, the calls to AWS."""

from mutant import Mutant

MUTANTS = [
    Mutant(
        "a cancel that is forgotten before its command comes",
        "agent/control/inbox_command.c",
        "	if (inbox_head_calls_off(in, c->command_id.data)) {",
        "	if (false && inbox_head_calls_off(in, c->command_id.data)) {",
        "build/tests/unit/control/test_inbox_head",
    ),
    Mutant(
        "a cancel in a head that is not fresh left out",
        "agent/control/inbox_head.c",
        "	cancel(in, &h, &d);\n	stale = stale_because(in, &h);",
        "	stale = stale_because(in, &h);\n	if (stale == NULL)\n		cancel(in, &h, &d);",
        "build/tests/unit/control/test_inbox_head",
    ),
    Mutant(
        "an old command taken by a young agent",
        "agent/control/inbox.c",
        "	if (epoch == 0 && is_of_another_life(in, s, d, c))",
        "	if (epoch == 0 && is_of_another_life(in, s, d, c) && c->seq == 0)",
        "build/tests/unit/control/test_inbox",
    ),
    Mutant(
        "a segment forgotten although its file stays",
        "agent/io/journal_segment.c",
        "	if (rc == 0) {\n		memmove(j->sealed.v",
        "	if (rc == 0 || j->w != NULL) {\n		memmove(j->sealed.v",
        "build/tests/unit/io/test_journal_segment",
    ),
    Mutant(
        "a text that turns its direction taken as signed",
        "agent/base/pbguard.c",
        "	if (str_turns_direction(s, len))",
        "	if (len > (1u << 30))",
        "build/tests/unit/control/test_inbox",
    ),
    Mutant(
        "an id forgotten with its command",
        "agent/control/inbox.c",
        "	if (known_by_id(all, c->command_id.data) != NULL)\n		return",
        "	if (ops_find(in->ops, c->command_id.data) != NULL)\n		return",
        "build/tests/unit/control/test_inbox",
    ),
    Mutant(
        "the sync removed",
        "agent/io/world_uv_disk.c",
        'return fdatasync(fd) == 0 ? 0 : err_errno(e, errno, "%s: fdatasync", path);',
        "return 0;",
        "build/tests/unit/io/test_world_uv_sync",
    ),
    Mutant(
        "a record that calls back before it is durable",
        "agent/io/journal.c",
        "	list_add(&j->queue, &a->link);\n	if (j->sm.now == J_IDLE && j->timer.cb == NULL)",
        '	list_add(&j->queue, &a->link);\n	if (strcmp(type, "step.intent") == 0) {\n		list_del(&a->link);\n'
        "		a->waiting = false;\n		json_decref(members);\n		cb(a);\n		return;\n	}\n"
        "	if (j->sm.now == J_IDLE && j->timer.cb == NULL)",
    ),
    Mutant(
        "a signature that always fits",
        "agent/control/trust.c",
        "sign_verify(&k->pub, domain, body, sig->sig.data);",
        "(domain != NULL || body != NULL);",
    ),
    Mutant(
        "a stranger's key",
        "agent/control/trust.c",
        "			if (t->keys[k].role == role && signed_by(&t->keys[k], domain, body, s->sigs[i], &tries[k]))",
        "			if (signed_by(&t->keys[k], domain, body, s->sigs[i], &tries[k]) || t->keys[k].role == role)",
    ),
    Mutant(
        "the binding not looked at",
        "agent/control/inbox.c",
        "return b != NULL && str_eq(b->installation, in->binding.installation)",
        "return b != NULL && in != NULL && str_eq(b->installation, b->installation)",
    ),
    Mutant(
        "the sequence not looked at",
        "agent/control/inbox.c",
        "	} else if (c->seq == next && ops_has_room_for(",
        "	} else if (c->seq >= next && ops_has_room_for(",
    ),
    Mutant(
        "a command taken again",
        "agent/control/inbox.c",
        "	if (c->epoch == ops_epoch(in->ops) && c->seq <= ops_accepted(in->ops)) {",
        "	if (c->seq == 0 && c->epoch == ops_epoch(in->ops) && c->seq <= ops_accepted(in->ops)) {",
        "build/tests/unit/control/test_inbox",
    ),
    Mutant(
        "a root volume that nobody says is encrypted",
        "agent/aws/ec2.c",
        "	add_root(f, a);",
        "	(void)add_root;",
        "build/tests/unit/aws/test_ec2",
    ),
    Mutant(
        "a torn last line taken for damage",
        "agent/io/journal_read.c",
        "		if (rc != 0 && last && (number > 1",
        "		if (rc != 0 && !last && (number > 1",
    ),
    Mutant(
        "a torn checkpoint believed",
        "agent/io/journal_open.c",
        '		more = json_is_true(json_object_get(line, "more"));',
        '		more = json_is_true(json_object_get(line, "even more"));',
        "build/tests/unit/io/test_journal_segment",
    ),
    Mutant(
        "a proof that does not cover the body",
        "agent/control/channel.c",
        "struct digest b = digest_of(r->send, r->send_len)",
        "struct digest b = digest_of(r->url, 0)",
    ),
    Mutant(
        "keys that are never renewed",
        "agent/aws/call.c",
        "	if (act != CODE_KEYS || c->attempt->renewed)",
        "	if (act == CODE_KEYS || c->attempt->renewed)",
    ),
    Mutant(
        "certificates that are kept though the file has changed",
        "agent/io/world_uv_trust.c",
        " && str_eq(l->known->path, l->seen.path) &&\n	       is_same_file(&l->known->file, &l->seen.file);",
        ";",
        "build/tests/unit/io/test_world_uv_trust",
    ),
    Mutant(
        "a file of certificates trusted by its time while it is young",
        "agent/io/world_uv_trust.c",
        " && !is_young(l->w, &after);",
        " && (is_young(l->w, &after) || true);",
        "build/tests/unit/io/test_world_uv_trust",
    ),
    Mutant(
        "an old file's certificates for who asks behind its change",
        "agent/io/world_uv_trust.c",
        "	rc = begin_look(t);\n	if (rc != 0)\n		tell_all(t, &t->waiters, rc);",
        "	rc = 0;\n	tell_all(t, &t->waiters, rc);",
        "build/tests/unit/io/test_world_uv_trust",
    ),
    Mutant(
        "a look at the local socket while it closes",
        "agent/local.c",
        "	timer_stop(l->w, &l->look); /* a look that is due",
        "	/* a look that is due",
        "build/tests/unit/agent/test_local",
    ),
]

"""redaction.py - mutants of what must not leave: the sieve that stands before the rules, the detectors, HMACs and their key."""

from mutant import Mutant

CLUE, SIEVE, RULES = (f"build/tests/unit/shippers/test_{name}" for name in ("clue", "sieve", "rules"))

MUTANTS = [
    Mutant(
        "a caseless k taken for one byte",
        "shippers/clue_parse.c",
        "	if (byteset_has(b, 's') || byteset_has(b, 'k'))\n",
        "	if (byteset_has(b, 0x80))\n",
        CLUE,
    ),
    Mutant(
        "what a pattern may do without taken for what it must find",
        "shippers/clue_parse.c",
        "		*least = *p->s == '+';\n",
        "		*least = 1;\n",
        CLUE,
    ),
    Mutant(
        "two sides of a gap taken for neighbours",
        "shippers/clue.c",
        "		w.n = 0;\n",
        "",
        CLUE,
    ),
    Mutant(
        "a set turned round that leaves characters of several bytes out",
        "shippers/clue_parse.c",
        "		byteset_invert(&b);\n		byteset_add_range(&b, MANY_BYTES, 0xff);\n	}\n	item",
        "		byteset_invert(&b);\n		b.w[2] = b.w[3] = 0;\n	}\n	item",
        CLUE,
    ),
    Mutant(
        "a gram at the end of a text overlooked",
        "shippers/sieve.c",
        "	return hits | look_at_last(v, s + len - (SIEVE_WIDTH - 1), SIEVE_WIDTH - 1);",
        "	return hits;",
        SIEVE,
    ),
    Mutant(
        "a run overlooked where it is cut by two looks",
        "shippers/streak.c",
        "in_a_row(before >> LANES_LOOK / 2 | bits",
        "in_a_row(before >> (LANES_LOOK - 1) | bits",
        "build/tests/unit/shippers/test_streak",
    ),
    Mutant(
        "what a mask has made hidden from the rules behind it",
        "shippers/rules_mask.c",
        "		if (!rules_look(r, *text, *len, &hits))",
        "		if (*len == 0 && !rules_look(r, *text, *len, &hits))",
        RULES,
    ),
    Mutant(
        "a line that holds the loop for as long as it likes",
        "shippers/matcher.h",
        "#define MATCHER_COST (INT64_C(5) << 20)",
        "#define MATCHER_COST (INT64_C(5) << 27)",
        RULES,
    ),
    Mutant(
        "an HMAC under no key",
        "shippers/rules.c",
        "	if (!rule->is_hmac || !secret_empty(&r->key))",
        "	if (!rule->is_hmac || r->n > 0)",
        RULES,
    ),
    Mutant(
        "a key that the group may read",
        "agent/io/secret_file.c",
        "	if ((st.mode & 077) != 0)",
        "	if ((st.mode & 007) != 0)",
        "build/tests/unit/ops/test_hmac_key",
    ),
    Mutant(
        "a card number that is wrong by Luhn",
        "shippers/detect_card.c",
        "(l->digits % 2 == 0 ? l->odd : l->even) % 10 == 0;",
        "(l->digits % 2 == 0 ? l->odd : l->even) % 5 == 0;",
        "build/tests/unit/shippers/test_detect_card",
    ),
    Mutant(
        "a private key without its end that leaves",
        "shippers/detect_pem.c",
        "	if (end == NULL)\n		return d->len;",
        "	if (end == NULL)\n		return at;",
        "build/tests/unit/shippers/test_detect_pem",
    ),
    Mutant(
        "a doubled quote that ends a string of SQL",
        "shippers/detect_sql.c",
        "d->s[at] == quote && !detect_has(d, at + 1, quote))",
        "d->s[at] == quote)",
        "build/tests/unit/shippers/test_detect_sql",
    ),
    Mutant(
        "a bundle that leaves under other detectors",
        "agent/daemon/diag_files.c",
        "		if (r->detect[i].is_on)",
        "		if (r->detect[i].is_on && text.over)",
        "build/tests/unit/daemon/test_diag_files",
    ),
]

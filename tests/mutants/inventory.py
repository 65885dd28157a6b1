"""inventory.py - mutants of what the account is told to hold: ours alone, once for all askers, and within its limit."""

from mutant import Mutant

JSON, TAKE = "agent/ops/steps/inventory_json.c", "agent/daemon/stocktake.c"
TOLD = "build/tests/unit/ops/steps/test_inventory_json"
TAKEN = "build/tests/unit/daemon/test_stocktake"

MUTANTS = [
    Mutant("an inventory without a limit", JSON, "	if (size > l->room)\n", "	if (false)\n", TOLD),
    Mutant(
        "what was left out not counted",
        JSON,
        "		count_out(l, kind);\n",
        '		count_out(l, kind != NULL ? "volumes" : kind);\n',
        TOLD,
    ),
    Mutant(
        "the agent's own tags told for the vendor's",
        JSON,
        'if (!str_starts(key, "reeve:") && ',
        "if (",
        TOLD,
    ),
    Mutant(
        "a volume of somebody else's machine left out of the orphans",
        JSON,
        "	if (i == NULL || (is_kept",
        "	if (*v->instance == '\\0' || (i != NULL && is_kept",
        TOLD,
    ),
    Mutant(
        "an inventory of all owners",
        "agent/ops/account/inventory_reads.c",
        "		if (inventory_is_ours(p->owner, (const struct ec2_tags *)(row + tags_at)))",
        "		if (p != NULL || inventory_is_ours(p->owner, (const struct ec2_tags *)(row + tags_at)))",
        TAKEN,
    ),
    Mutant(
        "a taking for each asker",
        TAKE,
        "s->ended_ms + STOCKTAKE_FRESH_MS >= since_ms",
        "s->ended_ms > since_ms + 1",
        TAKEN,
    ),
    Mutant(
        "one who waits for an inventory never let go",
        "agent/io/http_server.c",
        "(c->sm.now == ARRIVING || c->sm.now == WAITING)",
        "c->sm.now == ARRIVING",
        "build/tests/unit/io/test_http_server",
    ),
]

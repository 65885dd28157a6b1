"""volumes.py - mutants of volumes: what is changed where it stands, how often, and what outlives its node."""

from mutant import Mutant

PLANNER, KINDS, SEEN = (f"agent/ops/{n}.c" for n in ("plan/planner_volume", "steps/kinds_volume", "steps/volumes"))
PLANS = "build/tests/unit/ops/plan/test_planner_volume"
STEPS = "build/tests/unit/ops/steps/test_kinds_volume"
LIFE = "build/tests/unit/ops/test_volume_life"

MUTANTS = [
    Mutant("a volume that shrinks", PLANNER, "	if (have.size_gib > to.size_gib)\n", "	if (false)\n", PLANS),
    Mutant("a change planned beside another", PLANNER, "	if (volumes_is_changing(m))\n", "	if (false)\n", PLANS),
    Mutant("a fifth change planned", PLANNER, "	else if (from_ms != 0)\n", "	else if (false)\n", PLANS),
    Mutant("changes of a volume counted by our own clock", SEEN, "inv->aws_ms ? start", "inv->taken_ms ? start", LIFE),
    Mutant(
        "a change that EC2 has taken not counted",
        SEEN,
        "	if (!volumes_is_changing(m))\n		return f;",
        "	if (!volumes_is_changing(NULL))\n		return f;",
        PLANS,
    ),
    Mutant(
        "volumes that an ignored filter shows taken for ours",
        SEEN,
        "	inventory_keep_ours(p, rows(p), offsetof(struct ec2_volume, tags), resource_volume.kind);",
        "	(void)p;",
        "build/tests/unit/ops/steps/test_volumes",
    ),
    Mutant(
        "network interfaces that an ignored filter shows taken for ours",
        "agent/ops/steps/interfaces.c",
        "	inventory_keep_ours(p, rows(p), offsetof(struct ec2_interface, tags), resource_interface.kind);",
        "	(void)p;",
        "build/tests/unit/ops/steps/test_interfaces",
    ),
    Mutant(
        "an inventory that ends where an older stack shows no interfaces",
        "agent/ops/steps/interfaces.c",
        "	  .may_be_denied = true,",
        "	  .may_be_denied = false,",
        "build/tests/unit/ops/steps/test_interfaces",
    ),
    Mutant(
        "volumes left with the tags that they were made with",
        "agent/ops/plan/planner_tags.c",
        '	plan_of_nodes(p, c, nodes, "volumes", &resource_volume, look_at_volumes);\n',
        "	(void)look_at_volumes;\n",
        "build/tests/unit/ops/plan/test_planner_tags",
    ),
    Mutant(
        "the last things of a call tagged by no call",
        "agent/ops/plan/planner_tags.c",
        "at < json_array_size(ids); at += THINGS_MAX, call++",
        "at == 0 && at < json_array_size(ids); at += THINGS_MAX, call++",
        "build/tests/unit/ops/plan/test_planner_tags",
    ),
    Mutant(
        "a larger volume left as it is",
        "agent/ops/plan/planner_cluster.c",
        "	planner_plan_volumes(p, c, have.v, have.keep);\n	mem_free",
        "	mem_free",
        PLANS,
    ),
    Mutant(
        "a change whose answer was lost taken for somebody else's",
        KINDS,
        "	if (c->class != AWS_CONFLICT)\n",
        "	if (c->class != AWS_OK)\n",
        STEPS,
    ),
    Mutant(
        "an older change taken for this one",
        KINDS,
        "	if (!is_it(m, to) || is_before(m, to)) {",
        "	if ((false && !is_it(m, to)) || is_before(m, to)) {",
        STEPS,
    ),
    Mutant("optimizing taken for the end", KINDS, "x->age_ms < OPTIMIZING_MS", "false", STEPS),
    Mutant(
        "a size beyond the policy",
        KINDS,
        "	demand_count(d, &bound_volume_gib,",
        "	demand_count(d, &bound_iops,",
        STEPS,
    ),
    Mutant(
        "a kept volume deleted with its node",
        "agent/aws/ec2.c",
        'v->keep ? "false" : "true"',
        'v->keep ? "true" : "true"',
        "build/tests/unit/aws/test_ec2",
    ),
    Mutant(
        "a kept volume counted as lost",
        "agent/aws/ec2.c",
        "is_kept ? &i->kept_volume_ids[i->kept_volumes++]",
        "is_kept ? &i->data_volume_ids[i->data_volumes++]",
        "build/tests/unit/aws/test_ec2",
    ),
    Mutant(
        "a volume that nobody has not told",
        PLANNER,
        "planning_is_of_warehouse(p, &all->v[i].tags) && volumes_is_left(p->inv, &all->v[i])",
        "planning_is_of_warehouse(p, &all->v[i].tags) && false && volumes_is_left(p->inv, &all->v[i])",
        PLANS,
    ),
    Mutant(
        "the orphans of another warehouse counted",
        "agent/ops/steps/volumes.c",
        'str_eq(ec2_tag_get(&all->v[i].tags, "reeve:warehouse"), warehouse) && volumes_is_left',
        "warehouse != NULL && volumes_is_left",
        "build/tests/unit/ops/steps/test_volumes",
    ),
    Mutant(
        "a number of orphans told of an account that nobody could look at",
        "agent/ops/patrol.c",
        "w->v[i].knows_orphans = false;",
        "w->v[i].orphans = 0;",
        "build/tests/unit/ops/test_patrol",
    ),
]

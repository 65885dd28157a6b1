"""iam.py - mutants of the IAM documents: a condition or a narrow resource lost, a power given to nobody's need."""

from mutant import Mutant

IAM = "build/tests/unit/ops/steps/test_iam"
CUT = "build/tests/unit/ops/steps/test_iam_cut"  # by a policy


def forgotten(name, when, row, test=IAM):
    """A condition of the IAM documents that no statement has any more."""
    return Mutant(name, "agent/ops/steps/iam_table.c", f"	{{ {when}, {row}", f"	{{ 0, {row}", test)


def widened(name, resource, wide, test=IAM):
    """A resource of the IAM documents that no list narrows any more."""
    return Mutant(name, "agent/ops/steps/kinds_*.c", resource, wide, test)


MUTANTS = [
    forgotten(
        "tags beyond those that the policy names", "IAM_TO_BE_OWNED", '"ForAllValues:StringLike", "aws:TagKeys"', CUT
    ),
    forgotten("a node of any type", "IAM_AS_NODE", '"StringEquals", "ec2:InstanceType"', CUT),
    forgotten("a node with any profile", "IAM_WITH_PROFILE", '"ArnEqualsIfExists", "ec2:InstanceProfile"'),
    forgotten("a node with a profile where none is named", "IAM_NO_PROFILE", '"Null", "ec2:InstanceProfile"', CUT),
    forgotten("what stands in any VPC", "IAM_IN_VPC", '"ArnEquals", "ec2:Vpc"'),
    forgotten("an image of anybody", "IAM_BY_OWNER", '"StringEquals", "ec2:Owner"', CUT),
    Mutant(
        "tags on what is there already",
        "agent/ops/steps/iam.c",
        "	if (s->when & IAM_BY_CREATING)\n",
        "	if (false && s->when & IAM_BY_CREATING)\n",
        IAM,
    ),
    Mutant(
        "tags on a group later",
        "agent/ops/steps/kinds_group.c",
        '"TagGroup", IAM_TO_BE_OWNED | IAM_BY_CREATING,',
        '"TagGroup", IAM_TO_BE_OWNED,',
        IAM,
    ),
    forgotten("a balancer that faces the internet", "IAM_INTERNAL", '"StringEquals", "elasticloadbalancing:Scheme"'),
    forgotten(
        "a balancer in any subnet", "IAM_IN_SUBNETS", '"ForAllValues:StringEquals", "elasticloadbalancing:Subnet"', CUT
    ),
    forgotten("a balancer in subnets not said", "IAM_IN_SUBNETS", '"Null", "elasticloadbalancing:Subnet"', CUT),
    widened("any image", "image/%<images>", "image/*", CUT),
    widened("any subnet", "subnet/%<subnets>", "subnet/*", CUT),
    widened("a group in any VPC", 'IAM_TEXTS(IAM_EC2("vpc/%W"))', 'IAM_TEXTS(IAM_EC2("vpc/*"))'),
    Mutant(
        "a volume that is not encrypted",
        "agent/ops/steps/kinds_launch.c",
        '	{ ENCRYPTED, "Bool"',
        '	{ 0, "Bool"',
        IAM,
    ),
    Mutant(
        "conditions that a kind has of its own forgotten",
        "agent/ops/steps/iam.c",
        "	if (flags & IAM_ANY_OWN)",
        "	if (false && flags & IAM_ANY_OWN)",
        IAM,
    ),
    widened("any role passed", "role/%<instance_profiles>", "role/*"),
    Mutant(
        "any key used",
        "agent/ops/steps/kinds_impl.h",
        'IAM_TEXTS("%<kms_keys>")',
        'IAM_TEXTS("arn:%P:kms:%R:%A:key/*")',
        CUT,
    ),
    Mutant(
        "an empty list of owners that stands for all of them",
        "agent/ops/steps/iam.c",
        "!some_names_nothing(m, iam_table_conditions, flags) &&",
        "!(some_names_nothing(m, iam_table_conditions, flags) && m->a == NULL) &&",
        IAM,
    ),
    Mutant(
        "new balancers where the policy allows none",
        "agent/ops/steps/iam.c",
        "	return b != NULL && m->lists->is_none[",
        "	return b != NULL && m->a == NULL && m->lists->is_none[",
        CUT,
    ),
    Mutant(
        "a document longer than may be",
        "agent/ops/steps/iam.c",
        "	return n <= IAM_DOCUMENT_MAX ? 0",
        "	return n <= 2 * IAM_DOCUMENT_MAX ? 0",
        CUT,
    ),
    Mutant(
        "powers for a verb that does not run",
        "agent/ops/policy_iam.c",
        "	return p->verbs[verb] == POLICY_APPROVE ||",
        "	return p->verbs[verb] != POLICY_OFF ||",
        "build/tests/unit/ops/test_policy_iam",
    ),
    Mutant(
        "powers where no warehouse is named",
        "agent/ops/policy_iam.c",
        "	return names_none(&p->bounds, &bound_warehouses) ?",
        "	return false && names_none(&p->bounds, &bound_warehouses) ?",
        "build/tests/unit/ops/test_policy_iam",
    ),
    Mutant(
        "a launch where no subnet is named",
        "agent/ops/policy_iam.c",
        "	if (names_none(b, &bound_subnets))",
        "	if (false && names_none(b, &bound_subnets))",
        "build/tests/unit/ops/test_policy_iam",
    ),
    Mutant(
        "any attribute of a node",
        "agent/ops/steps/kinds_power.c",
        '	{ IAM_OWN(0), "Null", "ec2:Attribute/InstanceType", "false" },\n',
        "",
        "build/tests/unit/ops/steps/test_iam",
    ),
]

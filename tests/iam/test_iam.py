"""The generated documents before the IAM simulator: what a real run asks of AWS is allowed, and nothing beside it."""

import pytest

from tests.iam.changes import CHANGES, KMS, Change, checks, kind
from tests.iam.requests import ACCOUNT, check, checks_of
from tests.iam.simulator import judge
from tests.peers.stage import ROLE, generated_iam

PRINCIPAL = f"arn:aws:sts::{ACCOUNT}:assumed-role/{ROLE}-operate/command-1"
AGENT = f"arn:aws:sts::{ACCOUNT}:assumed-role/{ROLE}/i-0a9e"

CHANGED = ("open", "cut", "stack")  # the sets before which a change is judged


def asked(of, checks):
    return [c | {"set": of, "principal": PRINCIPAL, "account": ACCOUNT} for c in checks]


@pytest.fixture(scope="module")
def answers(run, documents):
    """{(set, name): [(check, answer)]} of the run (name None) and of each change, judged in one process."""
    _, world, calls = run
    questions = {(of, None): [c for call in calls for c in checks_of(world, call)] for of in documents}
    questions |= {(of, c.name): checks(c, world, calls) for of in CHANGED for c in CHANGES}
    flat = judge(documents, [q for (of, _), some in questions.items() for q in asked(of, some)])
    left = iter(flat)
    return {name: [(check, next(left)) for check in some] for name, some in questions.items()}


def results(answered):
    answered = list(answered)
    assert {a["result"] for _, a in answered} <= {"Allowed", "ImplicitlyDenied"}, answered
    return {kind(c) for c, a in answered if a["result"] != "Allowed"}


@pytest.mark.parametrize("of", CHANGED)
def test_all_that_a_real_run_asks_is_allowed(answers, of):
    assert results(answers[of, None]) == set()


def test_what_a_real_run_reads_is_allowed_to_the_agents_own_role_and_changes_are_not(run):
    stage, _, _ = run
    made = {
        (c["service"], c["action"], c["mutating"])
        for c in stage.calls(status=200)
        if c["service"] in ("ec2", "elasticloadbalancing") and c["action"]
    }
    reads = sorted(f"{s}:{a}" for s, a, mutating in made if not mutating)
    assert {"ec2:DescribeImages", "ec2:DescribePrefixLists", "elasticloadbalancing:DescribeTags"} <= set(reads)
    changes = sorted(f"{s}:{a}" for s, a, mutating in made if mutating)
    documents = {"agent": {"agent": generated_iam(stage.binary, "agent")}}
    asked = [check(a, "*") | {"set": "agent", "principal": AGENT, "account": ACCOUNT} for a in reads + changes]
    told = [a["result"] for a in judge(documents, asked)]
    assert told == ["Allowed"] * len(reads) + ["ImplicitlyDenied"] * len(changes)


def actions(statement):
    return [statement["Action"]] if isinstance(statement["Action"], str) else statement["Action"]


def test_a_real_run_makes_every_kind_of_call_that_a_step_can_make(run, documents):
    granted = {a for d in documents["open"].values() for s in d["Statement"] for a in actions(s)}
    _, world, calls = run
    assert granted - {"ec2:DescribeInstances"} <= {c["action"] for call in calls for c in checks_of(world, call)}


def test_no_question_has_a_key_that_the_reference_does_not_know(answers):
    unknown = {(kind(c), key) for c, a in answers["open", None] for key in a["ignored"]}
    assert unknown == set()


def test_there_are_sixty_changes_by_name():
    names = [c.name for c in CHANGES]
    assert len(names) == len(set(names)) >= 60


def test_an_image_of_a_named_owner_and_no_profile_are_allowed(run, documents):
    _, world, calls = run
    image = Change("", "RunInstances", set(), {"ImageId": "ami-0a3a"})
    plain = Change("", "RunInstances", set(), {"IamInstanceProfile.Name": None})
    for of in ("cut", "stack"):
        some = checks(image, world, calls) + checks(plain, world, calls)
        assert {a["result"] for a in judge(documents, asked(of, some))} == {"Allowed"}


def test_what_a_policy_does_not_name_is_refused_and_the_rest_goes_on(run, documents, answers):
    refused = results(answers["bare", None])
    tagged = {k for k in refused if "Create" in k or "Tags " in k or "RunInstances" in k}  # the run sets team-data
    assert refused - tagged == KMS - tagged | {"iam:PassRole role"}
    assert "ec2:RunInstances instance" in tagged
    assert "ec2:RunInstances image" not in tagged
    assert "elasticloadbalancing:CreateLoadBalancer loadbalancer" in tagged
    _, world, calls = run
    untagged = {"Tags.member.8.Key": "reeve:x"}
    group = checks(Change("", "CreateTargetGroup", set(), untagged), world, calls)
    assert {a["result"] for a in judge(documents, asked("bare", group))} == {"Allowed"}
    balancer = checks(Change("", "CreateLoadBalancer", set(), untagged), world, calls)
    have = zip(balancer, judge(documents, asked("bare", balancer)), strict=True)
    assert results(have) == {"elasticloadbalancing:CreateLoadBalancer loadbalancer"}


def test_a_stack_with_empty_lists_launches_nothing_and_uses_no_key(answers):
    refused = results(answers["empty", None])
    assert {f"ec2:RunInstances {k}" for k in ("image", "subnet", "instance")} | KMS <= refused
    assert "elasticloadbalancing:CreateLoadBalancer loadbalancer" in refused
    assert "ec2:TerminateInstances instance" not in refused


@pytest.mark.parametrize("change", CHANGES, ids=lambda c: c.name.replace(" ", "-"))
def test_one_change_and_it_is_refused(answers, change):
    for of in ("cut", "stack"):
        assert results(answers[of, change.name]) == change.refused, of
    assert results(answers["open", change.name]) == (set() if change.lists else change.refused)

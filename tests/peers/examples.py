"""The examples of deploy/etc, for the account of a stage: the ids that stand there are replaced by those that there are."""

import pathlib

EXAMPLES = pathlib.Path(__file__).resolve().parents[2] / "deploy/etc"


def fitted(name, aws):
    """The text of deploy/etc/NAME."""
    ids = {"vpc-0123456789abcdef0": aws["vpc_id"], "ami-0123456789abcdef0": aws["image_id"]}
    text = (EXAMPLES / name).read_text()
    for example, real in (ids | {"subnet-0123456789abcdef0": aws["subnet_ids"][0]}).items():
        text = text.replace(example, real)
    return text


def generous_policy(stage):
    """The stage's own policy, as far as the example SPEC needs it, without a hold and with rates that nobody meets by hand."""
    policy = (
        stage.default_policy()
        .replace("[r6i.xlarge, r6i.2xlarge]", "[m6i.large, r6i.xlarge]")
        .replace("volume_gib: 200", "volume_gib: 500")
    )
    policy = policy.replace("  balancers:", "  iops: 6000\n  throughput: 500\n  balancers:")
    return policy + "rates:\n  mutations_per_hour: 1000\n  deletions_per_day: 1000\n"

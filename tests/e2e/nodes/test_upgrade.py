"""warehouse.upgrade: nodes of another image serve before the old ones leave. moto calls every target healthy at once: what does not
become healthy, a paused cluster and what a failure leaves are in the unit tests and in sim."""

from tests.e2e.nodes.test_power import actions, done, targets
from tests.e2e.warehouse import policy

NO_VOLUME = {"volumes": []}
ONE = ["RunInstances", "RegisterTargets", "DeregisterTargets", "TerminateInstances"]


def images(warehouse):
    return {n["InstanceId"]: n["ImageId"] for n in warehouse.nodes()}


def another_image(stage):
    """One that differs from the usual one in its id alone, as far as a launch looks at it."""
    found = stage.reader("ec2").describe_images(Owners=["amazon"])["Images"]
    usual = next(i for i in found if i["ImageId"] == stage.aws["image_id"])
    same = ("Architecture", "RootDeviceType", "RootDeviceName")
    return next(
        i["ImageId"]
        for i in found
        if i != usual and all(i[n] == usual[n] for n in same) and len(i["BlockDeviceMappings"]) == 1
    )


def test_nodes_of_another_image_serve_before_the_old_ones_end_and_what_failed_is_ended_by_the_next(stage, warehouse):
    shared, usual, other = warehouse.balancer(9030), stage.aws["image_id"], another_image(stage)
    stage.write_policy(policy(stage).replace(f"[{usual}]", f"[{usual}, {other}]"))
    done(warehouse, warehouse.apply(nodes=2, shared=shared, cluster=NO_VOLUME))
    new = {"nodes": 2, "shared": shared, "cluster": NO_VOLUME | {"image_id": other}}
    # The second node finds no room: the first one stays upgraded, and the next command upgrades the second alone.
    stage.rules(
        {"match": {"action": "RunInstances"}, "times": 1, "do": "delay", "seconds": 0},
        {"match": {"action": "RunInstances"}, "times": 1, "do": "capacity"},
    )
    command = stage.vendor("upgrade", warehouse.spec(**new), "--order", "be", *warehouse.signed())
    result = warehouse.result(command)
    assert result["error"]["class"] == "CAPACITY", result
    assert actions(warehouse, command) == [*ONE, "RunInstances"]
    assert sorted(images(warehouse).values()) == sorted([usual, other])
    command = stage.vendor("upgrade", warehouse.spec(**new), "--batch", "2", *warehouse.signed())
    done(warehouse, command)
    assert actions(warehouse, command) == ONE
    assert list(images(warehouse).values()) == [other, other]
    assert targets(stage, warehouse) == sorted(images(warehouse))

"""The example SPEC is one, and lies within the example policy."""


def test_the_example_spec_is_planned_under_the_example_policy(agent_life):
    plan = agent_life.results["plan"]
    assert plan["state"] == "SUCCEEDED", plan["error"]
    for action in ("CreateSecurityGroup", "RunInstances", "CreateTargetGroup", "CreateLoadBalancer", "CreateListener"):
        assert action in plan["plan_text"]


def test_the_example_spec_is_made_and_deleted(agent_life):
    for verb in ("apply", "delete"):
        assert agent_life.results[verb]["state"] == "SUCCEEDED", agent_life.results[verb]["error"]

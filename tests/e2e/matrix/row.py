"""What a row does and looks at: one warehouse with two nodes behind a balancer, and the agent that makes it."""

import re
import time

from tests.peers import process

NODES = 2
GROWTH_KIB = 6 << 10  # of an agent that has done its work once: what one more command may leave in memory
SPARE_FDS = 12  # connections that are kept for the next call


class Row:
    def __init__(self, place, warehouse):
        self.place, self.warehouse = place, warehouse
        self.pid, self.size = place.agent_pid(), place.agent_size()
        self.held = place.proxy_dir / "held"
        self.from_log, self.began, self.command = place.log_bytes(), time.time(), None
        self.from_move, self.is_asking = self.from_log, False

    # ---- doing ----

    def apply(self, *args, nodes=NODES, **spec):
        shared = self.warehouse.balancer(9030)
        self.command = self.warehouse.apply(*args, nodes=nodes, shared=shared, **spec)
        return self.command

    def delete(self):
        self.command = self.warehouse.delete(*self.warehouse.both_keys())
        return self.command

    def clear(self):
        """Each look of the agent at the account would be longer by what this row has left there."""
        self.place.rules()
        if self.place.agent is not None and (self.warehouse.nodes() or self.warehouse.groups()):
            self.delete()
            self.passes(300)
            assert self.warehouse.result(self.command)["state"] == "SUCCEEDED"
        ended = [i["InstanceId"] for i in self.warehouse.nodes(alive=False)]
        if ended:
            self.place.owner("ec2").delete_tags(Resources=ended)  # AWS forgets them in an hour, moto never

    def result(self):
        return next((r for r in self.place.vendor_lines("results") if r["id"] == self.command), None)

    def log(self):
        return self.place.log(self.from_log)

    def passes(self, seconds, gone=lambda: False, at_once=1):
        """So much time, a second (or more) at a time and as soon as no call is out, until the result is there or what is asked
        for is so."""
        for _ in range(0, seconds, at_once):
            process.wait_for(lambda: gone() or self.result() or not self.is_calling(), 30, "the end of a call")
            if has(lambda: gone() or self.result(), 0.04):
                return
            self.place.clock.move(at_once)

    def holds(self, action, *more):
        """AWS has carried the call out, and its answer waits for `released`."""
        self.place.rules({"id": self.warehouse.id, "match": {"action": action}, "times": 1, "do": "hold"}, *more)

    def is_held(self):
        process.wait_for(self.held.exists, 30, "a call whose answer is held back")

    def is_let_go(self):
        """Who asked is gone."""
        process.wait_for(lambda: not self.held.exists(), 30, "the end of a call that was held back")

    def released(self):
        release = self.place.proxy_dir / "release"
        release.touch()
        self.is_let_go()
        release.unlink()

    def waits_for(self, *patterns):
        """In the log."""
        process.wait_for(lambda: self.tells(*patterns), 60, f"a line of the log with {patterns}")

    def tells(self, *patterns):
        return [line for line in self.log().splitlines() if all(re.search(p, line) for p in patterns)]

    def hangs(self, action, seconds):
        """The call is out, and no answer comes in that time."""
        process.wait_for(lambda: self.calls(action, "drip"), 30, f"{action}, answered slowly")
        self.place.clock.move(seconds)

    def is_calling(self):
        """By the last move of a call; only what is new in the log is read."""
        new = self.place.log(self.from_move).rpartition("\n")[0]
        self.from_move += len(new.encode())
        for to in re.findall(r"machine=call .* to=(\w+)", new)[-1:]:
            self.is_asking = to == "ask"
        return self.is_asking

    # ---- looking ----

    def is_made(self, nodes=NODES, launched=None, same_agent=True):
        """As the spec says, and no more than that was ever launched."""
        result = self.warehouse.result(self.command)
        assert (result["state"], result["error"]) == ("SUCCEEDED", None), result
        launched = launched or nodes
        assert len(self.warehouse.nodes()) == nodes
        assert len(self.warehouse.nodes(alive=False)) == launched
        assert len(self.warehouse.groups()) == 1
        balancers, groups, targets = self.balancer()
        assert (len(balancers), len(groups)) == (1, 1)
        assert targets == {i["InstanceId"] for i in self.warehouse.nodes()}
        self.is_well(same_agent)
        return result

    def ends(self, state, same_agent=True):
        result = self.warehouse.result(self.command)
        assert result["state"] == state, result
        self.is_well(same_agent)
        return result

    def is_ended(self):
        """All of it, and nothing is left over."""
        result = self.warehouse.result(self.command)
        assert (result["state"], result["error"]) == ("SUCCEEDED", None), result
        self.is_empty()
        self.is_well()

    def is_empty(self):
        assert self.warehouse.nodes() == [] and self.warehouse.groups() == []
        assert self.balancer() == ([], [], set())

    def balancer(self):
        """(balancers, target groups, ids behind them) of this warehouse."""
        elb = self.place.reader("elbv2")
        groups = [g for g in elb.describe_target_groups()["TargetGroups"] if self.is_ours(elb, g["TargetGroupArn"])]
        all_balancers = elb.describe_load_balancers()["LoadBalancers"]
        balancers = [b for b in all_balancers if self.is_ours(elb, b["LoadBalancerArn"])]
        targets = set()
        for group in groups:
            health = elb.describe_target_health(TargetGroupArn=group["TargetGroupArn"])
            targets |= {t["Target"]["Id"] for t in health["TargetHealthDescriptions"]}
        return balancers, groups, targets

    def is_ours(self, elb, arn):
        tags = elb.describe_tags(ResourceArns=[arn])["TagDescriptions"][0]["Tags"]
        return {"Key": "reeve:warehouse", "Value": self.warehouse.id} in tags

    def is_well(self, same_agent=True):
        """The agent lives and has not grown, and its result came once."""
        assert len([r for r in self.place.vendor_lines("results") if r["id"] == self.command]) == 1
        assert self.place.vendor_lines("violations") == []
        if same_agent:
            assert self.place.agent_pid() == self.pid
            kib, fds = self.place.agent_size()
            assert kib <= self.size[0] + GROWTH_KIB
            assert fds <= self.size[1] + SPARE_FDS

    def calls(self, action, fault):
        """While this row lasts."""
        return [c for c in self.place.calls(action=action, fault=fault) if c["time"] > self.began]

    def is_told(self, *patterns):
        """A line of the log has all of them."""
        assert self.tells(*patterns), (patterns, [x for x in self.log().splitlines() if "sm.move" not in x])


def has(condition, seconds):
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        if condition():
            return True
        time.sleep(0.02)
    return False

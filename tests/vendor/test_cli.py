"""The command line's defaults, where a wrong one cannot succeed at the customer's."""

import pytest

from tests.vendor import cli

HOUR, DAY = 3600, 86_400


def expires(*args):
    return cli.parser().parse_args([*args, "--command-key", "k"]).expires


def test_a_delete_outlives_the_default_hold_and_an_apply_is_soon_over():
    assert expires("delete", "wh-1") == 7 * DAY
    assert expires("apply", "wh.yaml") == HOUR
    assert expires("reboot", "wh-1", "be") == HOUR
    assert expires("replace", "wh.yaml", "be", "i-1") == HOUR
    assert expires("upgrade", "wh.yaml", "--order", "be", "fe", "--batch", "2") == HOUR


def rebooted(*args):
    return cli.parser().parse_args(["reboot", "wh-1", "be", *args, "--command-key", "k"])


def test_a_reboot_asks_and_drains_nodes_as_it_is_told_and_else_not():
    assert (rebooted().health, rebooted().drain) == (None, None)
    health = rebooted("--health", "8040/api/health?full=1").health
    assert (health.port, health.path) == (8040, "/api/health?full=1")
    waits = rebooted("--drain", "90s").drain
    assert (waits.wait_s, waits.HasField("call")) == (90, False)
    for text, wait_s in (("8041/drain", 0), ("5m:8041/drain", 300), ("60:8041/drain", 60)):
        drain = rebooted("--drain", text).drain
        assert (drain.wait_s, drain.call.port, drain.call.path) == (wait_s, 8041, "/drain"), text


@pytest.mark.parametrize("option", ["--health", "--drain"])
@pytest.mark.parametrize("text", ["/api", "x/api", "5x:8040/api", "8040:/api", ":8040/api", "soon"])
def test_what_is_no_endpoint_and_no_drain_is_refused(option, text, capsys):
    with pytest.raises(SystemExit):
        rebooted(option, text)
    assert f"argument {option}: " in capsys.readouterr().err


def test_both_live_as_long_as_one_says():
    assert expires("delete", "wh-1", "--expires", "2d") == 2 * DAY
    assert expires("apply", "wh.yaml", "--expires", "90s") == 90

"""The command line's defaults, where a wrong one cannot succeed at the customer's."""

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


def test_both_live_as_long_as_one_says():
    assert expires("delete", "wh-1", "--expires", "2d") == 2 * DAY
    assert expires("apply", "wh.yaml", "--expires", "90s") == 90

"""The lines of the measurement, and the account of them."""

import json
import subprocess
import zlib

import pytest

from tests.bench.lines import LENGTH, Account, Lines, numbers_in
from tests.bench.writer import Input, Writer
from tests.peers.pb import REPO


@pytest.fixture(scope="module")
def source(tmp_path_factory):
    made = Input(tmp_path_factory.mktemp("lines") / "input.log", 12_345)
    yield made
    made.close()


def test_a_line_has_its_number_and_180_bytes_and_is_always_the_same(source):
    text = source.path.read_bytes()
    assert len(text) == 12_345 * LENGTH and {len(line) for line in text.split(b"\n")} == {LENGTH - 1, 0}
    assert list(numbers_in(text)) == list(range(12_345))
    lines = Lines()
    for n in (12_344, 0, 999, 1000, 7):
        assert lines.of(n) == text[n * LENGTH : (n + 1) * LENGTH]


def test_the_text_packs_as_a_real_log_does(source):
    text = source.path.read_bytes()[: 1 << 20]
    assert 0.20 < len(zlib.compress(text, 1)) / len(text) < 0.25


def test_the_account_finds_each_line_that_is_missing_or_came_again():
    account = Account(1000)
    assert account.take(n for n in range(1000) if n not in (17, 400)) == 0
    assert account.take([5, 999, 5]) == 3
    assert (account.missing, account.repeated, account.unknown) == (2, 3, 0)
    account.take([17, 1000])
    assert (account.missing, account.repeated, account.unknown) == (1, 3, 1)


def test_rotations_lose_no_line_of_the_writers(source, tmp_path):
    writer = Writer(source, tmp_path / "app.log")
    writer.write(1000, 1e6)
    writer.rename()
    writer.write(500, 1e6)
    writer.rename()
    writer.write(250, 1e6)
    writer.close()
    parts = [tmp_path / name for name in ("app.log.2", "app.log.1", "app.log")]
    assert [p.stat().st_size // LENGTH for p in parts] == [1000, 500, 250]
    assert list(numbers_in(b"".join(p.read_bytes() for p in parts))) == list(range(1750))


def test_a_copy_holds_what_was_cut_and_the_writer_goes_on_at_the_begin(source, tmp_path):
    writer = Writer(source, tmp_path / "app.log")
    writer.write(100, 1e6)
    writer.copytruncate()
    writer.write(50, 1e6)
    writer.close()
    assert list(numbers_in((tmp_path / "app.log.1").read_bytes())) == list(range(100))
    assert list(numbers_in((tmp_path / "app.log").read_bytes())) == list(range(100, 150))


def test_lines_are_spread_over_all_files_in_turn(source, tmp_path):
    paths = [tmp_path / f"{i}.log" for i in range(3)]
    writer = Writer(source, *paths)
    writer.write(20, 1e6)
    writer.write(10, 1e6)
    writer.close()
    for i, path in enumerate(paths):
        assert list(numbers_in(path.read_bytes())) == list(range(i, 30, 3))


def test_the_codec_takes_every_line_and_its_limits_are_the_sums_of_their_steps(source):
    subprocess.run(["make", "-s", "FLAVOUR=release", "build/tests/bench/codec"], cwd=REPO, check=True)
    run = subprocess.run([REPO / "build/tests/bench/codec", source.path], capture_output=True, text=True, check=True)
    found = json.loads(run.stdout)
    assert (found["lines"], found["bytes"]) == (12_345, 12_345 * LENGTH)
    assert found["bodies"] == 3  # of 5,000 records at most, which are just below a MiB
    assert "zlib-1" in found["codecs"]
    for codec in found["codecs"].values():
        assert codec["limit"] == pytest.approx(found["read"] + found["encode"] + codec["pack"], abs=0.001)
        assert 0.1 < codec["ratio"] < 0.4


def test_the_codec_refuses_what_is_no_log(tmp_path):
    (tmp_path / "x").write_bytes(b"no end of line")
    run = subprocess.run(
        [REPO / "build/tests/bench/codec", tmp_path / "x"], capture_output=True, text=True, check=False
    )
    assert run.returncode == 1 and "codec: " in run.stderr

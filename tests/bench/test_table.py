"""The tables: medians, ranges, ratios, and what counts as reached."""

from tests.bench import table

MIB = 1 << 20


def drain(subject, **more):
    values = {"mb_s": 100.0, "cpu_s_gb": 10.0, "peak": 20 * MIB, "median": 15 * MIB, "wire": 0.28, "posts": 5}
    return {"row": "drain", "case": "", "subject": subject, "lost": 0, "repeated": 0} | values | more


def codec(name, limit):
    return {"row": "codec", "case": "", "subject": name, "limit": limit, "pack": limit - 1, "ratio": 0.2}


def fault(case, subject="reeve", **more):
    return {"row": "faults", "case": case, "subject": subject, "lost": 0, "repeated": 0, "unexplained": 0} | more


def targets(*results):
    return {what: (seen, ok) for what, _, seen, ok in table.targets(table.Found(results))}


def cells(text, name):
    line = next(line for line in text.splitlines() if f"| {name} " in line)
    return [cell.strip() for cell in line.strip("|").split("|")]


def test_a_cell_is_the_median_with_its_range():
    assert table.cell([3.0, 1.0, 2.0], "mb_s") == "2.0 (1.0-3.0)"
    assert table.cell([MIB, MIB], "peak") == "1.0"
    assert table.cell([], "lost") == "-"


def test_each_peer_has_its_ratio_and_the_absent_one_is_told():
    results = [drain("reeve", mb_s=50.0), drain("otelcol"), drain("otelcol", mb_s=300.0)]
    text = "\n".join(table.whole(table.Found(results), ["fluent-bit"]))
    assert cells(text, "otelcol")[1] == "200.0 (100.0-300.0)"
    assert cells(text, "reeve : otelcol")[1:3] == ["0.25", "1.00"]
    assert cells(text, "fluent-bit")[1] == "absent"


def test_one_that_failed_says_why_and_has_no_numbers():
    results = [
        drain("reeve"),
        {"row": "drain", "case": "", "subject": "otelcol", "failed": "it ended: no such receiver"},
    ]
    text = "\n".join(table.whole(table.Found(results)))
    assert "otelcol, drain: failed: it ended: no such receiver" in text
    assert set(cells(text, "otelcol")[1:]) == {"-"}
    assert "reeve : otelcol" not in text


def test_the_drain_is_held_against_the_limit_of_the_codec_that_it_used():
    found = targets(codec("zlib-1", 8.0), codec("isal-1", 2.0), drain("reeve", codec="zlib-1"))
    assert found["drain: CPU against the limit of zlib-1"] == ("1.25", True)
    assert "drain: MB/s" not in found
    found = targets(codec("zlib-1", 8.0), codec("isal-1", 2.0), drain("reeve", codec="isal-1"))
    assert found["drain: CPU against the limit of isal-1"] == ("5.00", False)
    assert found["drain: MB/s"] == ("100.0", False) and found["drain: CPU-s/GB"] == ("10.00", False)


def test_the_share_of_fluent_bits_processor_hangs_on_the_codec():
    peer = drain("fluent-bit", cpu_s_gb=33.0)
    assert targets(drain("reeve", codec="zlib-1"), peer)["drain: CPU against Fluent Bit"] == ("0.30", True)
    assert targets(drain("reeve", codec="isal-1"), peer)["drain: CPU against Fluent Bit"] == ("0.30", False)


def test_the_peak_is_the_highest_of_all_runs_and_the_wire_hangs_on_the_codec():
    found = targets(drain("reeve", codec="zstd-1"), drain("reeve", codec="zstd-1", peak=25 * MIB))
    assert found["drain: peak resident MiB, of all runs"] == ("25.0", False)
    assert found["drain: wire against input"] == ("0.280", False)
    assert targets(drain("reeve", codec="zlib-1"))["drain: wire against input"] == ("0.280", True)


def test_the_drain_by_zstd_is_held_against_what_zstd_must_reach():
    by_zstd = drain("reeve", codec="zstd-1", cpu_s_gb=3.0) | {"case": "zstd", "wire": 0.2}
    found = targets(codec("zstd-1", 2.5), drain("reeve", codec="isal-1"), by_zstd)
    assert found["drain zstd: CPU against the limit of zstd-1"] == ("1.20", True)
    assert found["drain zstd: wire against input"] == ("0.200", True)
    assert found["drain: wire against input"] == ("0.280", True)


def test_one_lost_line_of_any_run_is_missed():
    found = targets(fault("SIGKILL twice"), fault("SIGKILL twice", lost=1, repeated=70))
    assert found["SIGKILL twice: lost"] == ("1", False)
    assert found["SIGKILL twice: repeated but for answers that were lost"] == ("0", True)
    assert targets(fault("x", unexplained=2))["x: repeated but for answers that were lost"] == ("2", False)


def test_copytruncate_may_lose_less_than_half_a_per_cent_where_it_is_counted():
    def seen(lost, said):
        return targets(fault("copytruncate", lost=lost, written=1000, said=said))["copytruncate: lost"][1]

    assert seen(4, {"truncated_files": 1}) and seen(0, {})
    assert not seen(4, {}) and not seen(5, {"truncated_files": 1})


def test_what_was_not_measured_is_neither_reached_nor_missed():
    assert targets() == {} and targets(codec("zlib-1", 8.0), fault("x", "otelcol", lost=5)) == {}
    assert list(table.whole(table.Found([]))) == []


def test_steady_work_and_redaction_are_judged_by_their_medians():
    steady = {"row": "steady", "case": "5,000 lines/s", "subject": "reeve", "peak": 12 * MIB}
    rules = {"row": "redact", "subject": "reeve"}
    found = targets(
        steady | {"cpu": 0.9, "median": 9 * MIB},
        steady | {"cpu": 1.0, "median": 11 * MIB},
        steady | {"cpu": 3.0, "median": 12 * MIB},
        rules | {"case": "no rule", "cpu_s_gb": 10.0},
        rules | {"case": "ten rules", "cpu_s_gb": 16.0},
    )
    assert found["steady 5,000 lines/s: CPU %"] == ("1.00", True)
    assert found["steady 5,000 lines/s: median resident MiB"] == ("11.0", False)
    assert found["ten redaction rules and all detectors: CPU against none"] == ("1.60", False)


def test_what_reeve_counted_is_summed_over_its_runs():
    results = [fault("copytruncate", said={"truncated_files": 2}), fault("copytruncate", said={"truncated_files": 3})]
    assert list(table.said(table.Found(results))) == ["- faults copytruncate: truncated_files 5"]

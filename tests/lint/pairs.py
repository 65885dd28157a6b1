#!/usr/bin/env python3
"""pairs.py [BUILD] - every file of agent, collectors and shippers has a unit test of its name, or stands in WHOLE below.

tests/unit mirrors the tree. A row of WHOLE names where the file is tested whole, and why there. The row is checked: both are
there, and the file has no test of its own by now. With BUILD (of FLAVOUR=coverage) it is measured too: the test, run alone,
must reach LEAST of the file's lines. Python tests are named with the function that needs the file."""

import os
import pathlib
import re
import subprocess
import sys
import tempfile

sys.path.insert(0, str(pathlib.Path(__file__).parents[2]))
from tests.figures.coverage import gcov

ROOTS = ("agent", "collectors", "shippers")
LEAST = 0.6
COMMAND_LINE = "the program's own surface: processes, a socket, what a person reads"
SPOOL = "a part of the spool, which is one component with one header"
EXPORTER = "sends what the spool has: tried with a spool before it and a receiver behind it"
PACK = "one way of packing, tried with all the others: they make the same of the same bytes"
RULES = "a part of the rules, seen by what becomes of a line"
TAIL = "a part of the tail, seen only by which lines come out"
WHOLE = {
    "agent/main.c": ("tests/e2e/agent/test_daemon.py::test_help_names_every_command", COMMAND_LINE),
    "agent/daemon/diag.c": (
        "tests/unit/daemon/test_diag_send.c",
        "hands each of the two on to its own file, which are tried with a whole agent",
    ),
    "agent/ops/op_freed.c": (
        "tests/unit/ops/test_volume_life.c",
        "needs volumes that ended nodes have left, and a plan that is taken back",
    ),
    "agent/ops/engine/run_keep.c": (
        "tests/unit/ops/test_op_taken_back.c",
        "needs two nodes, a group and a plan that fails between them",
    ),
    "agent/cli/ask.c": (
        "tests/e2e/cli/test_status.py::test_no_daemon_is_6_and_one_that_lets_us_not_ask_is_1",
        COMMAND_LINE,
    ),
    "agent/cli/cli.c": ("tests/e2e/cli/test_help.py::test_a_command_has_a_page_of_its_own", COMMAND_LINE),
    "agent/cli/cmd_check.c": (
        "tests/e2e/cli/test_check_config.py::test_all_errors_of_a_file_are_told_each_with_its_line",
        COMMAND_LINE,
    ),
    "agent/cli/cmd_iam.c": (
        "tests/iam/test_cli.py::test_all_powers_are_one_object_and_one_power_is_its_document",
        COMMAND_LINE,
    ),
    "agent/cli/drifts.c": (
        "tests/e2e/cli/test_status.py::test_how_a_warehouse_differs_is_told",
        COMMAND_LINE,
    ),
    "agent/cli/cmd_inventory.c": (
        "tests/e2e/cli/test_inventory.py::test_a_node_is_one_line_with_all_that_matters_of_it",
        COMMAND_LINE,
    ),
    "agent/cli/cmd_export.c": (
        "tests/e2e/cli/test_export.py::test_it_fits_a_terminal_and_no_text_steers_it",
        COMMAND_LINE,
    ),
    "agent/cli/cmd_sample.c": (
        "tests/e2e/cli/test_export.py::test_records_of_a_batch_are_shown_as_a_person_reads_them",
        COMMAND_LINE,
    ),
    "agent/cli/left.c": (
        "tests/e2e/cli/test_export.py::test_a_period_is_summed_by_destination_source_and_rule",
        COMMAND_LINE,
    ),
    "agent/cli/otlp_read.c": (
        "tests/e2e/cli/test_export.py::test_points_of_metrics_are_shown_too",
        COMMAND_LINE,
    ),
    "agent/cli/when.c": (
        "tests/e2e/cli/test_export.py::test_a_period_is_summed_by_destination_source_and_rule",
        COMMAND_LINE,
    ),
    "agent/cli/cmd_journal.c": ("tests/e2e/cli/test_journal.py::test_what_is_asked_for_is_shown", COMMAND_LINE),
    "agent/cli/cmd_plan.c": (
        "tests/e2e/cli/test_plan.py::test_columns_stand_below_each_other_whatever_the_names",
        COMMAND_LINE,
    ),
    "agent/cli/cmd_status.c": (
        "tests/e2e/cli/test_status.py::test_each_state_has_its_exit_status_and_says_what_to_do",
        COMMAND_LINE,
    ),
    "agent/cli/cmd_version.c": (
        "tests/e2e/cli/test_version.py::test_each_library_is_named_with_the_version_that_is_linked",
        COMMAND_LINE,
    ),
    "agent/cli/counts.c": ("tests/e2e/cli/test_status.py::test_zero_counters_are_told_with_v_alone", COMMAND_LINE),
    "agent/cli/page.c": (
        "tests/e2e/cli/test_status.py::test_a_terminal_is_not_overrun_and_nothing_is_lost_by_wrapping",
        COMMAND_LINE,
    ),
    "agent/cli/past.c": (
        "tests/e2e/cli/test_plan.py::test_a_plan_is_found_in_a_checkpoint_and_before_damage",
        COMMAND_LINE,
    ),
    "agent/cli/sentence.c": (
        "tests/e2e/cli/test_journal.py::test_each_record_is_one_sentence_and_the_plans_name_stands_beside_each_step",
        COMMAND_LINE,
    ),
    "agent/cli/verdict.c": (
        "tests/e2e/cli/test_status.py::test_each_state_has_its_exit_status_and_says_what_to_do",
        COMMAND_LINE,
    ),
    "agent/daemon/agent_inventory.c": (
        "tests/e2e/nodes/test_inventory.py::test_what_the_account_holds_of_ours_is_told",
        "what the local socket answers",
    ),
    "agent/daemon/agent_plan.c": (
        "tests/e2e/cli/test_plan.py::test_real_plans_are_shown_while_they_wait_and_when_they_are_over",
        "what the local socket answers",
    ),
    "agent/daemon/agent_status.c": ("tests/unit/daemon/test_agent.c", "what a whole agent says of itself"),
    "agent/daemon/daemon.c": (
        "tests/e2e/agent/test_daemon.py::test_ready_means_that_identity_journal_and_policy_are_known",
        "the real world's start: signals, the service manager, a lock",
    ),
    "agent/daemon/telemetry_status.c": (
        "tests/unit/daemon/test_telemetry_path.c",
        "a reading of telemetry_path.c's parts",
    ),
    "agent/io/journal_open.c": ("tests/unit/io/test_journal.c", "a journal is opened, then written"),
    "agent/io/journal_read.c": (
        "tests/unit/io/test_journal.c",
        "reads what the journal wrote, and what was done to it",
    ),
    "agent/io/world_uv_watch.c": ("tests/unit/io/test_world_uv.c", "one more part of the real world"),
    "collectors/host_cpu.c": ("tests/unit/collectors/test_host.c", "one reading tells all of it"),
    "collectors/host_fs.c": ("tests/unit/collectors/test_host.c", "one reading tells all of it"),
    "collectors/host_memory.c": ("tests/unit/collectors/test_host.c", "one reading tells all of it"),
    "collectors/tail_file.c": ("tests/unit/collectors/test_tail_judge.c", TAIL),
    "collectors/tail_folder.c": ("tests/unit/collectors/test_tail_find.c", TAIL),
    "collectors/tail_pattern.c": ("tests/unit/collectors/test_tail_find.c", TAIL),
    "collectors/tail_table.c": ("tests/unit/collectors/test_tail_awake.c", TAIL),
    "collectors/tail_index.c": ("tests/unit/collectors/test_tail_refused.c", TAIL),
    "collectors/tail_open.c": ("tests/unit/collectors/test_tail_scan.c", TAIL),
    "collectors/tail_refuse.c": ("tests/unit/collectors/test_tail_refused.c", TAIL),
    "collectors/tail_take.c": ("tests/unit/collectors/test_tail_lines.c", TAIL),
    "collectors/calendar.c": ("tests/unit/collectors/test_wrapped.c", "dates are read for those who read lines"),
    "collectors/tail_seek.c": ("tests/unit/collectors/test_tail_restart.c", TAIL),
    "shippers/byteset.c": ("tests/unit/shippers/test_sieve.c", "sets as the grams of a sieve are written"),
    "shippers/clue_parse.c": ("tests/unit/shippers/test_clue.c", "the reading half of the clues"),
    "shippers/detect.c": (
        "tests/unit/shippers/test_detect_tokens.c",
        "the table of the detectors, each of which has a test",
    ),
    "shippers/matcher.c": ("tests/unit/shippers/test_rules.c", RULES),
    "shippers/rules_mask.c": ("tests/unit/shippers/test_rules.c", RULES),
    "shippers/exporter.c": ("tests/unit/shippers/test_shipper_send.c", EXPORTER),
    "shippers/pack_isal.c": ("tests/unit/shippers/test_pack.c", PACK),
    "shippers/pack_zstd.c": ("tests/unit/shippers/test_pack.c", PACK),
    "shippers/pack_zlib.c": ("tests/unit/shippers/test_pack.c", PACK),
    "shippers/exporter_clear.c": ("tests/unit/shippers/test_shipper_bad.c", EXPORTER),
    "shippers/exporter_ledger.c": ("tests/unit/shippers/test_ledger.c", EXPORTER),
    "shippers/exporter_cut.c": ("tests/unit/shippers/test_shipper_parts.c", EXPORTER),
    "shippers/exporter_recode.c": ("tests/unit/shippers/test_shipper_zstd.c", EXPORTER),
    "shippers/otlp_cut.c": (
        "tests/unit/shippers/test_shipper_parts.c",
        "cut and sent; the cuts alone in fuzz_otlp_cut.c",
    ),
    "shippers/otlp_logs.c": ("tests/unit/shippers/test_otlp.c", "both encoders are read back by one reader"),
    "shippers/otlp_metrics.c": ("tests/unit/shippers/test_otlp.c", "both encoders are read back by one reader"),
    "shippers/parts.c": ("tests/unit/shippers/test_shipper_parts.c", "halved, sent, and sent again after a restart"),
    "shippers/shipper_own.c": ("tests/unit/shippers/test_shipper.c", "the shipper's metrics about itself"),
    "shippers/spool_account.c": ("tests/unit/shippers/test_account.c", SPOOL),
    "shippers/spool_loss.c": ("tests/unit/shippers/test_account.c", SPOOL),
    "shippers/lost.c": ("tests/unit/shippers/test_account.c", SPOOL),
    "shippers/shipper_ledger.c": ("tests/unit/shippers/test_ledger.c", EXPORTER),
    "shippers/spool_body.c": ("tests/unit/shippers/test_shipper_spool.c", SPOOL),
    "shippers/spool_compact.c": ("tests/unit/shippers/test_spool.c", SPOOL),
    "shippers/spool_ending.c": ("tests/unit/shippers/test_spool_dest.c", SPOOL),
    "shippers/spool_records.c": ("tests/unit/shippers/test_spool.c", SPOOL),
    "shippers/spool_start.c": ("tests/unit/shippers/test_spool.c", SPOOL),
    "shippers/spool_sweep.c": ("tests/unit/shippers/test_shipper_spool.c", SPOOL),
    "shippers/spool_write.c": ("tests/unit/shippers/test_shipper_spool.c", SPOOL),
}


def own_test(source):
    """agent/config.c, which lies in no room, is tested in tests/unit/agent."""
    folder = source.parent
    if folder.parts[0] == "agent" and len(folder.parts) > 1:
        folder = folder.relative_to("agent")
    return pathlib.Path("tests/unit", folder, f"test_{source.name}")


def row_of(source):
    """The row of its name before that of its folder."""
    return next((p for p in (str(source), str(source.parent / "*.c")) if p in WHOLE), None)


def faults_of_sources(sources):
    for source in sources:
        if own_test(source).exists():
            if str(source) in WHOLE:
                yield f"{source} has a test of its own, {own_test(source)}: take its row out of tests/lint/pairs.py"
        elif row_of(source) is None:
            yield f"{source} has no {own_test(source)}, and no row in tests/lint/pairs.py says where it is tested whole"


def faults_of_row(row, sources):
    test, _, function = WHOLE[row][0].partition("::")
    path = pathlib.Path(test)
    if not any(row_of(s) == row for s in sources):
        yield f"{row} has a row and stands for no file"
    if not path.exists():
        yield f"{row}: {test} is not there"
    elif path.suffix == ".py" and not re.search(rf"^def {function}\(", path.read_text(), re.MULTILINE):
        yield f"{row}: {test} has no {function or 'test named'}"


# ---- measured ----


def reached_share(build, test, source):
    """Of the source's lines, those that the test reaches when it runs alone."""
    with tempfile.TemporaryDirectory() as folder:
        program = build / pathlib.Path(test).with_suffix("")
        subprocess.run([program], env={**os.environ, "GCOV_PREFIX": folder}, capture_output=True, check=True)
        note = (build / source).with_suffix(".gcno").resolve()
        data = pathlib.Path(f"{folder}{note}").with_suffix(".gcda")
        if not data.exists():
            return 0
        data.with_suffix(".gcno").symlink_to(note)
        lines = [n for f in gcov(data) if f["file"] == source for n in f["lines"]]
    return sum(n["count"] > 0 for n in lines) / len(lines)


def faults_of_measure(build):
    for source, (test, _) in WHOLE.items():
        if test.endswith(".c"):
            share = reached_share(build, test, source)
            print(f"  {100 * share:>5.1f} %  {source:<34} {test}", flush=True)
            if share < LEAST:
                yield f"{test} reaches {100 * share:.0f} % of {source}, less than {100 * LEAST:.0f}"


def measured_programs(build):
    return sorted({str(build / pathlib.Path(t).with_suffix("")) for t, _ in WHOLE.values() if t.endswith(".c")})


def main():
    if sys.argv[1:2] == ["--programs"]:
        print("\n".join(measured_programs(pathlib.Path(sys.argv[2]))))
        return 0
    sources = sorted(s for root in ROOTS for s in pathlib.Path(root).rglob("*.c"))
    faults = [*faults_of_sources(sources), *(fault for row in WHOLE for fault in faults_of_row(row, sources))]
    faults += faults_of_measure(pathlib.Path(sys.argv[1])) if sys.argv[1:] else []
    print("\n".join(faults) or f"{len(sources)} files")
    return 1 if faults else 0


if __name__ == "__main__":
    sys.exit(main())

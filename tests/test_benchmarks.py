"""What the benchmark does apart from measuring: reading its arguments, medians and ratios, tables and JSON."""

import doctest
import json
import subprocess
import sys
from pathlib import Path
from typing import get_args

import pytest
import trio

from tests.benchmarks import arguments, durable_queue, references, report, rounds, systems, tables, threads
from tests.benchmarks.__main__ import TABLES
from tests.benchmarks.rounds import Samples
from tests.benchmarks.workloads_bare import WORKLOADS as BARE_WORKLOADS
from tests.benchmarks.workloads_ours import WORKLOADS as OUR_WORKLOADS


@pytest.fixture
def samples() -> Samples:
    found = Samples()
    for ours, bare in ((300.0, 100.0), (330.0, 110.0), (100.0, 200.0)):
        found.add("trio-actors, sync", "call", ours)
        found.add(systems.BARE, "call", bare)
    for ours, bare in ((1_500.0, 3_000.0), (1_700.0, 2_900.0)):
        found.add("trio-actors, sync", "bytes_per_actor", ours)
        found.add(systems.BARE, "bytes_per_actor", bare)
    return found


@pytest.fixture
def columns() -> list[systems.System]:
    return [systems.ours()[0], systems.bare()]


def test_measures_everything_by_default() -> None:
    given = arguments.parse([])

    assert (given.mode, given.workloads, given.rounds) == ("compare", systems.WORKLOADS, 5)
    assert given.with_peers


def test_short_leaves_out_the_peers() -> None:
    assert not arguments.parse(["--short"]).with_peers


@pytest.mark.parametrize("mode", [mode for mode in get_args(arguments.Mode) if mode != "compare"])
def test_another_mode_takes_three_rounds(mode: str) -> None:
    given = arguments.parse([f"--{mode}"])

    assert (given.mode, given.rounds) == (mode, 3)


def test_keeps_the_order_of_workloads() -> None:
    assert arguments.parse(["--only", "ring", "call"]).workloads == ("call", "ring")


@pytest.mark.parametrize(
    "refused",
    [
        ["--rounds", "0"],
        ["--only", "unknown"],
        ["--fairness", "--growth"],
        ["--growth", "--json", "x"],
        ["--threads", "--short"],
        ["--threads", "--only", "call"],
    ],
    ids=" ".join,
)
def test_refuses_what_makes_no_sense(refused: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        arguments.parse(refused)

    assert "error" in capsys.readouterr().err


def test_a_ratio_is_the_median_of_the_ratios_of_each_round(samples: Samples, columns: list[systems.System]) -> None:
    ours, bare = report.rows_of(columns, ["call"], samples)

    assert (ours.figure, ours.ratio) == (300.0, 3.0)
    assert (bare.figure, bare.ratio) == (110.0, 1.0)


def test_a_round_that_failed_is_left_out(samples: Samples, columns: list[systems.System]) -> None:
    samples.add("trio-actors, sync", "call", None)
    samples.add(systems.BARE, "call", 1.0)

    ours, _ = report.rows_of(columns, ["call"], samples)

    assert (ours.figure, ours.ratio) == (300.0, 3.0)


def test_the_json_has_one_object_for_each_system_and_workload(samples: Samples, columns: list[systems.System]) -> None:
    rows = report.rows_of(columns, ["call", "bytes_per_actor"], samples)

    objects = json.loads(report.as_json(rows))

    assert objects[1] == {
        "system": "trio_deque_b64",
        "handlers": None,
        "workload": "call",
        "per_second": 110.0,
        "spread": pytest.approx(100 / 110),
        "ratio": 1.0,
    }
    assert [(found["handlers"], found["per_second"]) for found in objects] == [
        ("sync", 300.0),
        (None, 110.0),
        ("sync", None),
        (None, None),
    ]
    assert objects[2]["bytes"] == 1_600.0


def test_the_tables_name_systems_and_workloads(samples: Samples, columns: list[systems.System]) -> None:
    rows = report.rows_of(columns, ["call", "bytes_per_actor"], samples)

    text = report.as_tables(columns, rows)

    assert "| trio-actors, sync | trio_deque_b64 |" in " ".join(text.split())
    assert "| call | 300 77% | 110 91% |" in " ".join(text.split())
    assert "| call | 3.00 | 1.00 |" in " ".join(text.split())


def test_the_table_of_threads_has_medians_and_leaves_empty_what_was_not_measured() -> None:
    found = {"a process": [{"p50": 3.0, "longest": 5.0}, {"p50": 1.0, "longest": 9.0}, {"p50": 2.0, "longest": 4.0}]}

    text = threads.as_table(found)

    assert "| a process | 2.00 | | 5.00 | | |" in " ".join(text.split())


def test_both_sides_have_every_workload() -> None:
    assert set(systems.ours()[0].workloads) == set(OUR_WORKLOADS)
    assert set(systems.bare().workloads) == set(BARE_WORKLOADS)


def test_what_is_missing_is_told() -> None:
    assert all(peer.missing is None or peer.missing for peer in systems.peers())
    assert {peer.name for peer in systems.peers()} == {"erlang", "otpylib", "pykka", "thespian"}


def test_a_measuring_program_that_fails_is_an_error() -> None:
    with pytest.raises(rounds.FailedError, match="no such thing"):
        rounds.measured([sys.executable, "-c", "raise SystemExit('no such thing')"])


@pytest.mark.slow
@pytest.mark.parametrize("program", [["workloads_bare"], ["workloads_ours", "sync"], ["workloads_ours", "async"]])
def test_a_workload_prints_its_figure(program: list[str]) -> None:
    module, *rest = program

    figures = rounds.measured([sys.executable, "-m", f"tests.benchmarks.{module}", *rest, "cast", "0.001"])

    assert figures["per_second"] > 0


@pytest.mark.slow
@pytest.mark.parametrize(
    ("handlers", "workload"),
    [("async", "a process"), ("async", "300 casts, 2 ms apart"), ("sync", "a thread that computes")],
)
def test_what_is_done_beside_a_busy_node_prints_its_figures(handlers: str, workload: str) -> None:
    command = [sys.executable, "-m", "tests.benchmarks.workloads_threads", handlers, workload, "0.1"]

    figures = rounds.measured(command)

    assert figures
    assert set(figures) <= set(threads.COLUMNS)
    assert all(figure > 0 for figure in figures.values())


@pytest.mark.slow
@pytest.mark.parametrize("sync", [0.0, 0.0002])
def test_the_queue_is_compared_with_bare_loops(sync: float, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    workload = durable_queue.Workload(2, sync=sync)

    figures = trio.run(durable_queue.compared, workload, 1)

    assert figures.p99 >= figures.p50 > sync
    assert figures.ratio == pytest.approx(figures.per_second / figures.bare_per_second)
    assert durable_queue.line_of(workload, [figures])[0] == ("2 producers, 0.2 ms a sync" if sync else "2 producers")


@pytest.mark.slow
@pytest.mark.parametrize("sync", [0.0, 0.0002])
def test_a_store_is_compared_with_a_bare_loop(sync: float, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    workload = references.Workload(2, sync=sync)

    figures = trio.run(references.compared, workload, 1)

    assert figures.p99 >= figures.p50 > sync
    assert figures.ratio == pytest.approx(figures.per_second / figures.bare_per_second)
    assert references.line_of(workload, [figures])[0] == ("2 writers, 0.2 ms a sync" if sync else "2 writers")


@pytest.mark.slow
def test_a_store_in_memory_is_compared_with_the_hash() -> None:
    assert trio.run(references.in_memory, 1) > 1


@pytest.mark.parametrize("module", [report, tables], ids=["report", "tables"])
def test_the_examples_in_docstrings_hold(module: object) -> None:
    result = doctest.testmod(module)  # type: ignore[arg-type]  # a module is an object to pytest's parametrize

    assert result.attempted > 0
    assert result.failed == 0


@pytest.mark.slow
def test_help_is_for_people() -> None:
    finished = subprocess.run(
        [sys.executable, "-m", "tests.benchmarks", "--help"],
        cwd=Path(__file__).parent.parent,
        capture_output=True,
        text=True,
        check=True,
    )

    for mode in get_args(arguments.Mode):
        assert mode == "compare" or f"--{mode} " in finished.stdout


def test_every_benchmark_is_among_the_commands_of_the_page() -> None:
    page = (Path(__file__).parent.parent / "docs" / "performance.md").read_text(encoding="utf-8")

    missing = [mode for mode in get_args(arguments.Mode) if f"make bench ARGS=--{mode} " not in page]

    assert missing == ["compare"]


def test_every_mode_has_its_tables() -> None:
    assert {"compare", *TABLES} == set(get_args(arguments.Mode))

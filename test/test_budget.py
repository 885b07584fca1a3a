# SPDX-License-Identifier: MIT
"""No row costs more instructions than test/bench/budget says, and no way through the kernel is longer without a look at interrupts than STRETCH_MAX. They read a
release build only: the kernel that recounts costs what it costs."""

import os
import sys

import pytest

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "bench"))

from aril import programs  # noqa: E402
from parts import budget, path, trace  # noqa: E402

STRETCH_MAX = 8000


@pytest.mark.skipif(os.environ.get("ARIL_DEBUG") == "1", reason="costs are those of the release kernel")
def test_rows():
    failures, remarks = budget.check(budget.measured(), budget.read())
    for remark in remarks:
        print(remark)
    assert not failures, "; ".join(failures)


@pytest.mark.slow
def test_path():
    """Stepping through a sample meets as many instructions as the clock counts, besides the three after the first reading of the clock."""
    title, figure, steps = path.run("yield-to-an-env")
    assert len(steps) == figure + 3, (title, figure, len(steps))
    assert [function for function, _, _ in steps].count("sched_switch") > 50 and all(text for _, _, text in steps)


def bounded(got):
    """The longest stretches, told in names; none is too long."""
    names = trace.Names(None)
    told = [f"{n:,} instructions from {names.of(first)[1]} to {names.of(last)[1]}" for n, first, last, _ in got.stretches]
    print(f"longest of {got.total:,}: {told[0]}")
    assert got.complete
    assert got.stretches[0][0] <= STRETCH_MAX, told
    return {names.of(last)[1] for _, _, last, _ in got.stretches}


@pytest.mark.slow
@pytest.mark.parametrize("name, command", [("stress", "stress kill 9 20"), ("hugepages", "hugepages")], ids=["kills", "runs"])
def test_stretch(name, command):
    """Envs with many frames and tables are made and killed, runs of 2 MiB come and go: all that the kernel does there is seen, instruction by instruction."""
    got, said = trace.run(["command", "sh", "-c", command], 60000000, [f"{programs.build(name, 'musl')}:/bin/{name}"])
    assert got.total > 5000000, said
    assert {"op_env_kill", "set_frames", "op_frame_claim"} <= bounded(got)


@pytest.mark.slow
def test_stretch_native():
    """The same, over all that the native tests do to each op, hostile ones included."""
    got, log = trace.native("gate", 1 << 32, seconds=2400)
    assert "TESTS DONE" in log, log[-500:]
    assert {"op_env_kill", "set_frames", "op_frame_claim", "link_remove", "op_pt_copy", "op_batch"} <= bounded(got)


@pytest.mark.slow
def test_stretch_fuzz():
    """The same, over what fuzzers of the gate come upon."""
    got, log = trace.native("fuzz", 1 << 32, options=("--conf", "fuzz-calls=5000"))
    assert "FUZZ DONE strange 0, damaged 0" in log, log[-500:]
    assert {"op_env_kill", "op_frame_claim"} <= bounded(got)

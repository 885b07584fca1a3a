# SPDX-License-Identifier: MIT
"""No row costs more instructions than test/bench/budget says. It reads a release build only: the kernel that recounts costs what it costs."""

import os
import sys

import pytest

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "bench"))

from parts import budget, path  # noqa: E402


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

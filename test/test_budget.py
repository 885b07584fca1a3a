# SPDX-License-Identifier: MIT
"""No row costs more instructions than test/bench/budget says. It reads a release build only: the kernel that recounts costs what it costs."""

import os
import sys

import pytest

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "bench"))

from parts import budget  # noqa: E402


@pytest.mark.skipif(os.environ.get("ARIL_DEBUG") == "1", reason="costs are those of the release kernel")
def test_rows():
    failures, remarks = budget.check(budget.measured(), budget.read())
    for remark in remarks:
        print(remark)
    assert not failures, "; ".join(failures)

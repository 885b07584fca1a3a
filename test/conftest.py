# SPDX-License-Identifier: MIT
"""pytest's side of the suite: import path, one line per test with its stable id for test/suite (file ARIL_RESULTS), and the mark `slow`: such tests run with
ARIL_SLOW=1, alone. They, and tests on the kernel that recounts (ARIL_DEBUG=1), begin as long as there is time (ARIL_UNTIL, in seconds since 1970)."""

import os
import re
import sys
import time

import pytest

sys.dont_write_bytecode = True
sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))


def stable_id(nodeid):
    """test/test_shell.py::test_exit[seven] is shell.exit.seven."""
    m = re.fullmatch(r"(?:.*/)?test_(\w+)\.py::(?:test_)?(\w+)(?:\[(.*)\])?", nodeid)
    if not m:
        return nodeid
    return ".".join(part for part in m.groups() if part)


def pytest_configure(config):
    os.environ.setdefault("ARIL_TESTS", f"{os.getpid()}-{time.time_ns()}") # aril/firmware.py
    config.addinivalue_line("markers", "slow: run by `make test-all` only")


def pytest_collection_modifyitems(config, items):
    slow = os.environ.get("ARIL_SLOW", "0") == "1"
    items[:] = [item for item in items if (item.get_closest_marker("slow") is not None) == slow]


def pytest_runtest_setup(item):
    if (item.get_closest_marker("slow") or os.environ.get("ARIL_DEBUG") == "1") and time.time() > float(os.environ.get("ARIL_UNTIL", "inf")):
        pytest.skip("no time left")


def pytest_runtest_logreport(report):
    path = os.environ.get("ARIL_RESULTS")
    if not path or (report.when != "call" and report.passed):
        return
    if report.skipped:
        why = report.longrepr[2].removeprefix("Skipped: ") if isinstance(report.longrepr, tuple) else ""
        line = f"skip {stable_id(report.nodeid)}: {why}"
    elif report.passed:
        line = f"ok {stable_id(report.nodeid)}"
    else:
        crash = getattr(report.longrepr, "reprcrash", None)
        why = (crash.message if crash else str(report.longrepr)).strip().split("\n")[0][:200]
        line = f"not ok {stable_id(report.nodeid)}: {why}"
    with open(path, "a", encoding="utf-8") as f:
        f.write(line + "\n")

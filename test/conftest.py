# SPDX-License-Identifier: MIT
"""pytest's side of the suite: import path, and one line per test with its stable id for test/suite (file ARIL_RESULTS)."""

import os
import re
import sys

sys.dont_write_bytecode = True
sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))


def stable_id(nodeid):
    """test/test_shell.py::test_exit[seven] is shell.exit.seven."""
    m = re.fullmatch(r"(?:.*/)?test_(\w+)\.py::(?:test_)?(\w+)(?:\[(.*)\])?", nodeid)
    if not m:
        return nodeid
    return ".".join(part for part in m.groups() if part)


def pytest_runtest_logreport(report):
    path = os.environ.get("ARIL_RESULTS")
    if not path or (report.when != "call" and report.passed):
        return
    if report.skipped:
        line = f"skip {stable_id(report.nodeid)}: {report.longrepr[2] if isinstance(report.longrepr, tuple) else ''}"
    elif report.passed:
        line = f"ok {stable_id(report.nodeid)}"
    else:
        crash = getattr(report.longrepr, "reprcrash", None)
        why = (crash.message if crash else str(report.longrepr)).strip().split("\n")[0][:200]
        line = f"not ok {stable_id(report.nodeid)}: {why}"
    with open(path, "a", encoding="utf-8") as f:
        f.write(line + "\n")

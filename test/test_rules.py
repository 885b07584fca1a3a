# SPDX-License-Identifier: MIT
"""The reference of the gate is in step with its sources, and each of its rules has a test that uses it and one that breaks it."""

import collections
import os
import re
import subprocess

from aril import guest, image

TOP = image.TOP


def read(path):
    with open(os.path.join(TOP, path), encoding="utf-8") as f:
        return f.read()


def rules():
    """Number -> what is said of tests that cannot be: "", "BREAK: why" or "ALL: why"."""
    text = read("kernel/rule.def")
    return {int(number): untested for number, untested in re.findall(r'^RULE\((\d+), .*?"([^"]*)"\)$', text, re.M | re.S)}


def native():
    """(id, rule, kind) of each native test."""
    return [(name, int(rule), kind) for name, rule, kind in re.findall(r'^TEST\("([^"]+)", (\d+), (\w+), \w+, \w+\)$', read("test/guest/gate/tests.def"), re.M)]


def mutants():
    return [[part.strip() for part in re.split(r"\s+\|\s+", line)] for line in read("test/mutants.list").split("\n") if line.strip() and not line.startswith("#")]


def test_reference_is_in_step():
    made = subprocess.run([os.path.join(TOP, "kernel/reference")], stdout=subprocess.PIPE, check=True).stdout.decode()
    assert made == read("kernel/GATE.md"), "make reference writes it anew"


def test_every_row_is_read():
    assert len(native()) == len(re.findall(r"^TEST\(", read("test/guest/gate/tests.def"), re.M))
    assert len(rules()) == len(re.findall(r"^RULE\(", read("kernel/rule.def"), re.M))
    assert not {kind for _, _, kind in native()} - {"USES", "BREAKS", "BOTH"}


def test_every_rule_has_a_pair():
    found = collections.defaultdict(set)
    for _, rule, kind in native():
        found[rule] |= {"USES", "BREAKS"} if kind == "BOTH" else {kind}
    said = rules()
    assert not set(found) - set(said), "tests of rules that are none"
    wrong = []
    for rule, untested in sorted(said.items()):
        want = set() if untested.startswith("ALL: ") else {"USES"} if untested.startswith("BREAK: ") else {"USES", "BREAKS"}
        assert not untested or re.match(r"(ALL|BREAK): \w", untested), untested
        if found[rule] != want:
            wrong.append(f"R{rule} has {sorted(found[rule])}, not {sorted(want)}")
    assert not wrong, wrong


def test_enough_tests():
    print(f"rules: {len(rules())}, native tests: {len(native())}, mutants: {len(mutants())}")
    assert len(native()) >= 150


def test_mutants_name_tests():
    """Each changes its file, and is caught by a test that there is; `make mutants` proves that it is caught."""
    names = {name for name, _, _ in native()}
    rows = mutants()
    assert len([row for row in rows if row[1].startswith("kernel/")]) >= 60
    assert len({row[0] for row in rows}) == len(rows)
    for row in rows:
        assert len(row) == 4 and os.path.exists(os.path.join(TOP, row[1])), row
        kind, _, name = row[3].partition(":")
        assert kind not in ("gate", "debug") or name in names, row
        changed = subprocess.run(["sed", "-E", row[2], os.path.join(TOP, row[1])], stdout=subprocess.PIPE, check=True).stdout.decode()
        assert changed != read(row[1]), f"{row[0]} changes nothing"


def test_example_runs():
    """The program that the reference prints."""
    r = guest.run(options=("--app", "example"))
    log = r.log
    assert r.status == 0, r
    assert re.search(r"frame \d+: 1 frame claimed", log) and "a second writable entry: -11," in log and "the second env said 7; pages hold 42 and 43" in log, log

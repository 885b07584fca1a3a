# SPDX-License-Identifier: MIT
"""One image on machines of many shapes: each reaches the shell and runs a command. `make test` boots a table in which every two values that can stand
together do so in a row, as far as it has rows; `make test-all` boots every other combination."""

import itertools

import pytest

from aril import hardware

AXES = {
    "disk": ("virtio", "usb", "ahci", "nvme"),
    "firmware": ("2M", "4M"),
    "mem": ("64M", "256M", "4G"),
    "machine": ("q35", "pc"),
    "cpus": (1, 4),
    "cpu": ("max", "qemu64"),
    "start": ("default", "shell", "nvram"),
}
# A second of each is dear: only in the full product.
DEAR = {"mem": ("12G",)}


def pairs_of(row):
    return set(itertools.combinations(enumerate(row), 2))


def pairwise(axes):
    """Rows such that any two values of different axes meet in one: greedily, each time the first row that adds most. The same on every run."""
    rows = list(itertools.product(*axes))
    missing = set().union(*(pairs_of(row) for row in rows))
    chosen = []
    while missing:
        best = max(rows, key=lambda row: len(pairs_of(row) & missing))
        chosen.append(best)
        missing -= pairs_of(best)
    return chosen


QUICK = pairwise(list(AXES.values()))
OTHERS = [row for row in itertools.product(*(values + DEAR.get(axis, ()) for axis, values in AXES.items())) if row not in QUICK]


def test_table():
    """Each value at least twice, at most thirty boots, all pairs."""
    print(f"matrix: {len(QUICK)} boots cover all pairs")
    assert len(QUICK) <= 30
    for axis, values in enumerate(AXES.values()):
        for value in values:
            assert sum(row[axis] == value for row in QUICK) >= 2, value


@pytest.mark.parametrize("row", QUICK + [pytest.param(row, marks=pytest.mark.slow) for row in OTHERS], ids=lambda row: "-".join(map(str, row)))
def test_boots(row):
    shape = hardware.Shape(**dict(zip(AXES, row)))
    options = 'arg=sh arg=-c "arg=echo by options; ls / | wc -l"' if shape.start != "default" else None
    r = hardware.boot(shape, ["sh", "-c", "echo by conf; ls / | wc -l"], options=options)
    if shape.mem == "64M" and r.status == 125:
        assert "stopped: memory" in r.log or "too small" in r.log or "no memory" in r.log, r
        return
    assert r.status == 0, r
    said, count = r.out.decode().splitlines()
    assert said == ("by options" if options else "by conf") and int(count) > 5, r

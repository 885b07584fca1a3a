# SPDX-License-Identifier: MIT
"""One image on machines of many shapes: each reaches the shell and runs a command. `make test` boots a table in which every two values that can stand
together do so in a row; `make test-all` boots the other combinations as far as its time goes, in an order in which any beginning is a fair sample."""

import itertools
import random

import pytest

from aril import hardware

# The disk's name may have the size of its sectors behind it. Every other test boots from virtio; NVMe with sectors of 512 bytes is among the slow ones.
AXES = {
    "disk": ("cd", "usb", "ahci", "nvme-4096"),
    "firmware": ("2M", "4M"),
    "mem": ("64M", "256M", "4G", "12G"),
    "machine": ("q35", "pc"),
    "cpus": (1, 4),
    "cpu": ("max", "qemu64", "max,level=4"),
    "start": ("default", "shell", "nvram", "la57"),
    "screens": ("one", "two", "blt"),
}
MORE_DISKS = ("virtio", "nvme")
SCREENS = {"one": (True, ()), "two": (True, ("bochs-display",)), "blt": (False, ("virtio-gpu-pci",))}
BOOTS_MAX = 30


def possible(row):
    # qemu64 has no 57-bit addresses; and OVMF wakes its other processors with the CR4 of before, which is #GP when they would leave these addresses so.
    shape = dict(zip(AXES, row))
    # A boot entry names a partition of a disk, and a CD has none.
    if shape["disk"] == "cd":
        return shape["start"] in ("default", "shell")
    return shape["start"] != "la57" or (shape["cpu"] == "max" and shape["cpus"] == 1)


PRODUCT = [row for row in itertools.product(*AXES.values()) if possible(row)]


def pairs_of(row):
    return set(itertools.combinations(enumerate(row), 2))


def pairwise(rows):
    """Rows such that any two values of different axes that meet in some row meet in one of these: greedily, each time the first that adds most."""
    missing = set().union(*(pairs_of(row) for row in rows))
    chosen = []
    while missing:
        best = max(rows, key=lambda row: len(pairs_of(row) & missing))
        chosen.append(best)
        missing -= pairs_of(best)
    return chosen


ROWS = pairwise(PRODUCT)
WHOLE = PRODUCT + [row for row in itertools.product(MORE_DISKS, *list(AXES.values())[1:]) if possible(row)]
OTHERS = [row for row in WHOLE if row not in ROWS]
random.Random(6).shuffle(OTHERS)


def name(row):
    return "-".join(map(str, row))


def test_table():
    """Each value at least twice, all pairs, and no more boots than that is worth."""
    print(f"matrix: {len(ROWS)} boots cover all pairs of {len(PRODUCT)} combinations")
    assert len(ROWS) <= BOOTS_MAX
    assert set().union(*map(pairs_of, ROWS)) == set().union(*map(pairs_of, PRODUCT))
    for axis, values in enumerate(AXES.values()):
        for value in values:
            assert sum(row[axis] == value for row in ROWS) >= 2, value


@pytest.mark.parametrize("row", ROWS + [pytest.param(row, marks=pytest.mark.slow) for row in OTHERS], ids=name)
def test_boots(row):
    values = dict(zip(AXES, row))
    disk, _, sector = values.pop("disk").partition("-")
    screen, parts = SCREENS[values.pop("screens")]
    shape = hardware.Shape(disk=disk, sector=int(sector or 512), screen=screen, parts=parts, **values)
    options = 'arg=sh arg=-c "arg=echo by options; ls / | wc -l"' if shape.start in ("shell", "nvram") else None
    r = hardware.boot(shape, ["sh", "-c", "echo by conf; ls / | wc -l"], options=options)
    if shape.mem == "64M" and r.status == 125:
        # Only there it may be the answer, and only in words.
        assert "efi: stopped: memory for" in r.log and "give the machine more RAM" in r.log, r
        return
    assert r.status == 0, r
    said, count = r.out.decode().splitlines()
    assert said == ("by options" if options else "by conf") and int(count) > 5, r
    if shape.start == "la57":
        assert "la57: on" in r.log and "57-bit addresses on; switching them off" in r.log, r

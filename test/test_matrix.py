# SPDX-License-Identifier: MIT
"""One image on machines of many shapes, by firmware and boot programs of many makers: each reaches the shell, which
runs what is typed. `make test` boots a table in which every two values that can stand together do so in a row; `make
test-all` boots the other combinations as far as its time goes, in an order in which any beginning is a fair sample, and
`test/rota machines-1of12` and so on all of them, by parts."""

import itertools
import os
import random
import shutil

import pytest

from aril import chain, hardware

# The disk's name may have the size of its sectors behind it. Every other test boots from virtio; NVMe with sectors of 512 bytes is among the slow ones.
AXES = {
    "disk": ("cd", "usb", "ahci", "nvme-4096"),
    "firmware": ("2M", "4M", "ms", "u-boot"),
    "mem": ("64M", "256M", "4G", "12G"),
    "machine": ("q35", "pc"),
    "cpus": (1, 4),
    "cpu": ("max", "qemu64", "max,level=4"),
    "start": ("default", "shell", "nvram", "la57", *chain.MANAGERS, "ipxe", "shim"),
    "screens": ("one", "two", "blt"),
}
MORE_DISKS = ("virtio", "nvme")
SCREENS = {"one": (True, ()), "two": (True, ("bochs-display",)), "blt": (False, ("virtio-gpu-pci",))}
BOOTS_MAX = 34
OPTIONS = "arg=sh arg=-s arg=by-options"
MISSING = [tool for tool in ("sbsign", "openssl") if not shutil.which(tool)]
MISSING += [path for path in (chain.KEY, chain.CERT) if not os.path.exists(path)]


# What other people's programs meet: they read a disk, take memory, and hand options on. CPU and screens are the
# loader's affair.
MET = {"disk": ("usb", "ahci"), "mem": ("256M", "4G"), "cpus": (1,), "cpu": ("max",), "screens": ("one",)}


def possible(row):
    # qemu64 has no 57-bit addresses; and OVMF wakes its other processors with the CR4 of before, which is #GP when they would leave these addresses so.
    shape = dict(zip(AXES, row))
    # OVMF with Microsoft's keys needs a q35, and this build of U-Boot has no driver of the USB's controllers.
    if (shape["firmware"], shape["machine"]) == ("ms", "pc") or (shape["firmware"], shape["disk"]) == ("u-boot", "usb"):
        return False
    # shim lies before the loader where only Microsoft's key is known, and U-Boot starts the removable-media path.
    if (shape["firmware"] == "ms") != (shape["start"] == "shim"):
        return False
    if shape["firmware"] == "u-boot" and shape["start"] != "default":
        return False
    if shape["firmware"] == "u-boot" or shape["start"] in (*chain.MANAGERS, "ipxe", "shim"):
        return all(shape[axis] in values for axis, values in MET.items())
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


def before_boot(shape, folder):
    """What goes before the loader: what is done to the disk, the loader if it is another, and whether options come."""
    if shape.start in chain.MANAGERS:
        start, shape.start = shape.start, "default"
        return chain.managed(start, OPTIONS), None, True
    if shape.start == "ipxe":
        shape.start = "default"
        return chain.by_ipxe(shape, folder), None, False
    if shape.start == "shim":
        shape.start = "default"
        key = chain.signing_key(folder)
        return chain.by_shim(shape), lambda conf: chain.signed(key, folder, conf=conf), False
    if shape.firmware == "u-boot":
        chain.by_u_boot(shape)
    return None, None, shape.start in ("shell", "nvram")


def slow_rows():
    """All, or the part that ARIL_PART names: K/N."""
    part, _, parts = os.environ.get("ARIL_PART", "1/1").partition("/")
    return OTHERS[int(part) - 1::int(parts)]


@pytest.mark.parametrize("row", ROWS + [pytest.param(row, marks=pytest.mark.slow) for row in slow_rows()], ids=name)
def test_boots(row, tmp_path):
    """To a shell, which runs what is typed."""
    values = dict(zip(AXES, row))
    disk, _, sector = values.pop("disk").partition("-")
    screen, parts = SCREENS[values.pop("screens")]
    shape = hardware.Shape(disk=disk, sector=int(sector or 512), screen=screen, parts=parts, **values)
    if shape.start == "shim" and MISSING:
        pytest.skip(f"{', '.join(MISSING)}: missing; make deps-boot")
    before, efi, has_options = before_boot(shape, str(tmp_path))
    r = hardware.boot(shape, ["sh", "-s", "by-conf"], typed=b"echo $1 $((6 * 7)); ls / | wc -l\n", before=before,
                      efi=efi, options=OPTIONS if has_options else None)
    if shape.mem == "64M" and r.status == 125:
        # Only there it may be the answer, and only in words.
        assert "efi: stopped: memory for" in r.log and "give the machine more RAM" in r.log, r
        return
    assert r.status == 0, r
    said, count = r.out.decode().splitlines()
    assert said == f"by-{'options' if has_options else 'conf'} 42" and int(count) > 5, r
    if shape.start == "la57":
        assert "la57: on" in r.log and "57-bit addresses on; switching them off" in r.log, r
    if values["start"] == "shim":
        assert "efi: Secure Boot: on" in r.log, r
    if values["firmware"] == "u-boot":
        assert "no PciIo protocol" in r.log, r

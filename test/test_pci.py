# SPDX-License-Identifier: MIT
"""The table of PCI functions that the loader makes: what QEMU's own monitor says of the same machine. And the rules of functions, where those lie elsewhere."""

import re
import subprocess
import tempfile

import pytest

from aril import conf, hardware, image, programs, session

MORE = ("-device", "e1000e,addr=0x10,netdev=net", "-netdev", "user,id=net", "-device", "nvme,serial=second,drive=more,addr=0x11",
        "-drive", "if=none,id=more,driver=null-co,size=1048576", "-device", "qemu-xhci,addr=0x12")
BRIDGED = {"q35": ("-device", "pcie-root-port,id=below,chassis=1,addr=0x13", "-device", "virtio-rng-pci,bus=below"),
           "pc": ("-device", "pci-bridge,id=below,chassis_nr=1,addr=0x13", "-device", "virtio-rng-pci,bus=below,addr=3")}


def qemu_functions(text):
    """`info pci` as {place: (vendor:device, {bar: (kind, base, size)})}; without bridges, which nobody binds, and their BARs."""
    found = {}
    for part in re.split(r"(?m)^ +Bus +(?=\d)", text)[1:]:
        place = "%02x:%02x.%x" % tuple(int(n) for n in re.match(r"(\d+), device +(\d+), function +(\d+)", part).groups())
        name = re.search(r"PCI device ([0-9a-f]{4}:[0-9a-f]{4})", part).group(1)
        bars = {}
        for bar, width, low, high in re.findall(r"BAR(\d): (I/O|\d+ bit(?: prefetchable)? memory) at (0x[0-9a-f]+) \[(0x[0-9a-f]+)\]", part):
            if int(bar) < 6:
                bars[int(bar)] = ("io" if width == "I/O" else "mem", int(low, 16), int(high, 16) - int(low, 16) + 1)
        found[place] = name, bars
    return found


def guest_functions(text):
    found = {}
    for line in text.splitlines():
        place, name, code, *bars = line.split()
        found[place] = name, code, {int(b[0]): (b[1], int(b[2], 16), int(b[3], 16)) for b in (bar.split(":") for bar in bars)}
    return found


def root_with(folder, program):
    """A root image that has the program."""
    return image.Source(folder, False, "linux", [f"{program}:/bin/pcilist"], ()).root


@pytest.mark.parametrize("machine", ["q35", "pc"])
def test_table_is_the_machine(machine):
    shape = hardware.Shape(machine=machine, more=MORE + BRIDGED[machine])
    with tempfile.TemporaryDirectory() as folder, tempfile.TemporaryFile() as out:
        nonce = conf.nonce()
        text = conf.text("linux", "pipe", nonce, ["sh", "-c", "pcilist; echo END; sleep 1000"], [])
        with hardware.running(shape, text, root=root_with(folder, programs.build("pcilist", "musl"))) as machine_:
            s = session.Session(machine_, nonce, {}, out=out.fileno(), err=out.fileno(), deadline=None, hello_deadline=None)
            said = b""
            while b"END" not in said:
                assert s.step(), machine_.log_text()
                out.seek(0)
                said = out.read()
            qemu = qemu_functions(machine_.monitor("info pci"))
        guest = guest_functions(said.decode().split("END")[0])
    assert set(guest) == set(qemu) and len(guest) >= 7
    for place, (name, code, bars) in guest.items():
        assert name == qemu[place][0], place
        if code[:2] != "06":
            assert bars == qemu[place][1], place
    assert sum(len(bars) for _, _, bars in guest.values()) >= 10


# The native tests drive the last disk of the table: the one that was booted from, or one behind a bridge. Behind a port of PCI Express it has a function level reset.
SECOND = ("-drive", "if=none,id=second,format=raw,file=%(file)s")
DRIVEN = {
    "pc": ("pc", ()),
    "q35-bridge": ("q35", (*SECOND, "-device", "pcie-root-port,id=below,chassis=1,addr=0x13", "-device", "virtio-blk-pci,drive=second,bus=below")),
    "pc-bridge": ("pc", (*SECOND, "-device", "pci-bridge,id=below,chassis_nr=1,addr=0x13", "-device", "virtio-blk-pci,drive=second,bus=below,addr=3")),
}


@pytest.mark.parametrize("name", sorted(DRIVEN))
def test_rules_hold_elsewhere(name, tmp_path):
    """All that the gate's native tests do to a function, killed drivers included. (On q35, not behind a bridge, the suite's own run of them does it.)"""
    # What they look for in its second sector; other bytes all over, so that what a device writes is seen.
    (tmp_path / "disk").write_bytes(bytes([0xa5]) * 512 + b"EFI PART" + bytes([0xa5]) * ((2 << 20) - 520))
    machine, more = DRIVEN[name]
    shape = hardware.Shape(machine=machine, more=tuple(word.replace("%(file)s", str(tmp_path / "disk")) for word in more))
    log = hardware.watch(shape, "app = gate\ngate-test = pci.\n", r"TESTS DONE", 120, root=f"{image.build_folder(False)}/root-test.img")
    said = re.findall(r"\bTEST (pci\.\S+) (ok|FAIL)\b ?(.*)$", log, re.M)
    assert "TESTS DONE" in log and len(said) >= 9 and all(verdict == "ok" for _, verdict, _ in said), said or log

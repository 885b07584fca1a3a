# SPDX-License-Identifier: MIT
"""Devices that the firmware left mastering the bus: their command registers, read by QEMU's monitor while the shell runs."""

import re

import pytest

from aril import hardware, log

MASTER = 4
# A disk on each bus, a network card, USB controllers of both kinds, a bridge with a device behind it.
MORE = ("-device", "ich9-ahci,id=sata2", "-device", "nvme,serial=second,drive=more", "-drive", "if=none,id=more,driver=null-co,size=1048576",
        "-netdev", "user,id=net", "-device", "e1000,netdev=net", "-device", "qemu-xhci", "-device", "usb-ehci", "-device", "piix3-usb-uhci",
        "-device", "pcie-root-port,id=below,chassis=1", "-device", "virtio-scsi-pci,bus=below")
SHAPE = hardware.Shape(more=MORE)
DISPLAY, HOST_BRIDGE, MASS_STORAGE, NETWORK, BRIDGE = 0x03, 0x0600, 0x01, 0x02, 0x0604


def config_word(machine, bus, slot, offset):
    """A word of configuration space, through the two ports as a driver would read it."""
    machine.monitor(f"o /w 0xcf8 {0x80000000 | bus << 16 | slot << 8 | offset:#x}")
    found = re.search(r"= 0x([0-9a-f]+)", machine.monitor("i /xw 0xcfc"))
    return int(found.group(1), 16)


def functions(machine):
    """(bus, slot) of each: class, whether it masters the bus. From QEMU's own list, so that nothing is missed."""
    found = {}
    for bus, device, function in re.findall(r"Bus +(\d+), device +(\d+), function +(\d+):", machine.monitor("info pci")):
        place = int(bus), int(device) << 3 | int(function)
        found[place] = config_word(machine, *place, 8) >> 8, config_word(machine, *place, 4) & MASTER
    return found


def booted(lines):
    """The functions and the log of a machine whose kernel runs."""
    with hardware.running(SHAPE, f"app = linux\narg = sleep\narg = 100000\n{lines}") as machine:
        # Not before its drivers have found what is theirs: they use the same two ports.
        hardware.log_wait(machine, r"init: started sleep|^efi: stopped", 90)
        return functions(machine), log.clean(machine.log_text())


def test_masters_are_stopped():
    found, text = booted("")
    assert len(found) >= 12, found
    assert {MASS_STORAGE, NETWORK, DISPLAY} <= {code >> 16 for code, _ in found.values()}, found
    for (bus, slot), (code, masters) in found.items():
        name = f"{bus:02x}:{slot >> 3:02x}.{slot & 7:x}"
        named = re.search(rf"efi: PCI: {name} keeps mastering the bus: (.+)", text)
        driven = re.search(rf"usb: {name}: xHCI \S+ is driven", text) # by who was given it, since
        assert not masters or named or driven or code >> 8 == HOST_BRIDGE, (name, hex(code), text)
        if named:
            assert masters and named.group(1).startswith(("a display", "its bit", "the firmware makes keys", "a bridge above")), named.group(0)
        if code >> 16 in (MASS_STORAGE, NETWORK):
            assert not masters, (name, hex(code))
    assert re.search(r"efi: PCI: [1-9]\d* of \d+ functions have been stopped", text), text


@pytest.mark.slow
def test_masters_are_kept_when_wanted():
    """And so the test above can fail: this is what the firmware leaves."""
    found, text = booted("busmaster = keep\n")
    kinds = {code >> 16 for code, masters in found.values() if masters}
    assert MASS_STORAGE in kinds and "as the configuration wants (busmaster = keep)" in text, (found, text)

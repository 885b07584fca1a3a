# SPDX-License-Identifier: MIT
"""Firmware with odd habits, made by EFI apps that run before the loader (test/efi), and machines that lack a part."""

import re

import pytest

from aril import hardware


def up(shape, **how):
    r = hardware.boot(shape, ["echo", "up"], **how)
    assert r.status == 0 and r.out == b"up\n", r
    return r.log


def test_stale_map_key():
    """The key of the first and of the second ExitBootServices is stale; between them nothing forbidden is called."""
    text = up(hardware.Shape(start="stale"))
    assert text.count("stale: refused") == 2 and text.count("stale: third call") == 1 and "chain: failed" not in text, text


@pytest.mark.parametrize("machine", ["q35", pytest.param("pc", marks=pytest.mark.slow)])
def test_reset_system_does_nothing(machine):
    """Power-off by the ports that ACPI's tables name."""
    text = up(hardware.Shape(start="noreset", machine=machine))
    assert "kernel: the firmware's ResetSystem came back" in text and "by hand" not in text, text


def clocks(text):
    """Clock: what the loader thinks of it."""
    return dict(re.findall(r"^efi: TSC: \d+ kHz by the (.*): (.*)$", text, re.M))


def test_no_hpet():
    """The TSC is measured by the clocks that there are; those that are not there are not spoken of."""
    # Time by instructions: on a busy host the PIT may go round unseen.
    text = up(hardware.Shape(parts=("hpet=off",), more=("-icount", "shift=4,sleep=off", "-rtc", "clock=vm")))
    assert clocks(text) == {"ACPI PM timer": "taken", "PIT": "confirmed"} and "ACPI: no HPET table" in text, text


def test_no_acpi():
    """No table names a clock, an I/O APIC or a way to switch off, and ResetSystem does nothing: the PIT and QEMU's own port are left."""
    text = up(hardware.Shape(start="noreset", parts=("acpi=off",)))
    assert clocks(text) == {"PIT": "taken"} and "ACPI: no FACP table" in text and "no I/O APIC: devices cannot interrupt" in text, text
    assert "kernel: the firmware's ResetSystem came back" in text and "by hand" not in text, text


def test_reset():
    """reboot(2): by the firmware, and by the register that the FADT names. QEMU ends at a reset."""
    for start in ("default", "noreset"):
        with hardware.running(hardware.Shape(start=start), "app = linux\narg = reboot\narg = -f\n") as machine:
            assert machine.wait(150), machine.log_text()
            text = machine.log_text()
        assert "kernel: reset, exit status" in text and "by hand" not in text, text
        assert ("ResetSystem came back" in text) == (start == "noreset"), text


def test_hwinfo():
    """One page with all that a report needs."""
    shape = hardware.Shape(machine="q35", cpus=4, disk="usb", parts=("intel-iommu",))
    r = hardware.boot(shape, ["hwinfo"])
    assert r.status == 0, r
    page = r.out.decode()
    print(page)
    for line in (r"^Aril 0\.1", r"^firmware:  EDK II, .*, Secure Boot off$", r"^CPU:       QEMU.*; 4 in the MADT, 1 used$", r"^  used:    nx smep smap ",
                 r"^  missing: .*x2apic", r"^memory:    KiB in \d+ entries: .*free \d+", r"^ACPI:      BOCHS.*: XSDT FACP DSDT APIC HPET ",
                 r"^APIC:      xAPIC at fee00000, 1 I/O APIC", r"^timers:    HPET fed00000, PM timer port 608", r"^TSC:       by ACPI PM timer \d+ kHz \(taken\)",
                 r"^power:     S5 0 by ports 604 0, reset 0f by port cf9", r"^IOMMU:     DMAR$", r"^i8042:     present", r"^screen:    \d+x\d+, stride ",
                 r"^PCI:       ECAM at b0000000", r"^  00:00\.0  8086:29c0  060000 host bridge$", r"^  00:..\..  1b36:000d  0c0330 USB, xHCI$",
                 r"^kernel:    local APIC in xAPIC mode", r"^kernel:    TSC \d+ MHz"):
        assert re.search(line, page, re.M), line
    assert page.count("\n") <= 60 and max(map(len, page.split("\n"))) < 400


def test_hwinfo_of_a_plain_machine():
    """A CPU without what the kernel likes to have runs; page and boot log say what is missing."""
    r = hardware.boot(hardware.Shape(cpu="qemu64", screen=False), ["hwinfo"])
    page = r.out.decode()
    assert r.status == 0 and re.search(r"^  missing: smep smap umip fsgsbase xsave rdrand erms ", page, re.M) and "screen:    none" in page, r
    for name in ("SMEP", "SMAP", "UMIP", "FSGSBASE", "XSAVE", "RDRAND", "ERMS"):
        assert f"kernel:    this CPU has no {name}: doing without" in page and f"kernel: this CPU has no {name}: doing without" in r.log, r

# SPDX-License-Identifier: MIT
"""Firmware with odd habits, made by EFI apps that run before the loader (test/efi), and machines that lack a part."""

import os
import re
import time

import pytest

from aril import firmware, hardware, image, nvram, screen, snapshot


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
    """Power-off by the ports that ACPI's tables name. The only graphics card has no pixels in memory, which the log says before the exit."""
    text = up(hardware.Shape(start="noreset", machine=machine, screen=False, parts=("virtio-gpu-pci",)))
    assert re.search(r"^efi: screen: none \(\d graphics outputs, .*; from here on only the serial port speaks$", text, re.M), text
    assert "kernel: the firmware's ResetSystem came back" in text and "by hand" not in text, text


def pixels(machine, base, width, height):
    """What stands in RAM as a picture of 4 bytes a pixel, blue first."""
    path = os.path.join(machine.folder, "pixels")
    machine.monitor(f'pmemsave {base:#x} {width * height * 4} "{path}"')
    with open(path, "rb") as f:
        data = bytearray(f.read())
    rgb = bytearray(width * height * 3)
    for to, source in enumerate((2, 1, 0)):
        rgb[to::3] = data[source::4]
    return screen.Picture(b"P6 %d %d 255\n" % (width, height) + bytes(rgb))


def test_reset_system_is_replaced_and_faults():
    """The pointer is read when it is called; a fault of the firmware's leads to the next way. And the screen's pixels lie above 4 GiB."""
    shape = hardware.Shape(start="odd", mem="5G", com2=False)
    with hardware.running(shape, "app = linux\narg = sh\narg = -c\narg = echo on high; sleep 4; poweroff -f\n") as machine:
        hardware.log_wait(machine, r"^on high", 120)
        text = machine.log_text()
        found = re.search(r"^efi: screen: (\d+)x(\d+), stride \d+, format 1 at 110000000\r?$", text, re.M)
        assert found, text
        machine.wait(1)
        shown = screen.Text(pixels(machine, 0x110000000, int(found.group(1)), int(found.group(2)))).lines()
        assert "on high" in shown and any(line.startswith("efi: Aril") for line in shown), shown
        assert machine.wait(60), machine.log_text()
        text = machine.log_text()
    assert text.count("efi: variables: the firmware's list goes round") == 1 and re.search(r"^efi: variables: \d\d, \d+ bytes", text, re.M), text
    assert "kernel: the firmware's ResetSystem fails: vector 14, rip 0x1234" in text and "came back" not in text and "panic" not in text, text


@pytest.mark.slow
def test_old_setup():
    """A setup that limits CPUID for the systems of 2001, two graphics cards, so that the console's output has no pixels, a mode that aril.conf wants, and a
    disk with sectors of 4096 bytes."""
    shape = hardware.Shape(disk="nvme", sector=4096, cpu="max,level=3,vendor=GenuineIntel", parts=("bochs-display",))
    r = hardware.boot(shape, ["sh", "-c", "grep -c xsave /proc/cpuinfo; grep ^modes /proc/aril-hardware"], extra=["screen = 800x600"])
    assert r.status == 0 and r.out.split()[0] in (b"0", b"1") and b" 800x600" in r.out and b" 1024x768" in r.out, r
    for line in (r"^efi: CPU: the firmware's setup limits CPUID to leaf 3; it stays so", r"^kernel: this CPU has no XSAVE: doing without",
                 r"^efi: screen: 800x600, stride \d+, format 1 at \w+, not the firmware's own console", r"^\[1\] screen: 800x600, 100 columns, 37 rows"):
        assert re.search(line, r.log, re.M), (line, r.log)


def test_bios_says_what_it_needs():
    """A firmware without UEFI, or with it switched off, starts the code of the protective MBR, which says so. The partition table is as it was."""
    with hardware.running(hardware.Shape(firmware="bios", disk="ahci", com2=False), "app = linux\n") as machine:
        end, text = time.monotonic() + 60, ""
        while "Legacy off." not in text and time.monotonic() < end:
            machine.wait(1)
            cells = re.findall(r"0x([0-9a-f]{2})", machine.monitor("xp /4000xb 0xb8000").replace("0x00000000000b", ""))
            text = bytes(int(cell, 16) for cell in cells[::2]).decode("latin-1")
    assert "Aril needs UEFI: choose the UEFI entry of this medium, or switch CSM/Legacy off." in text, text


@pytest.mark.skipif(not os.path.exists(os.path.join(hardware.OVMF, hardware.FIRMWARE["ia32"][0])), reason="ovmf-ia32: missing; make deps-boot")
def test_firmware_of_32_bits():
    """It starts a program of its own kind, which says why Aril cannot run; a key leads back to the firmware."""
    with hardware.running(hardware.Shape(firmware="ia32", com2=False), "app = linux\n") as machine:
        hardware.log_wait(machine, r"Press a key to go back", 90)
        text = machine.log_text()
        assert "Aril needs a 64-bit UEFI firmware (BOOTX64.EFI); this one is a 32-bit one." in text and "Press a key" in text, text
        machine.monitor("sendkey ret")
        hardware.log_wait(machine, r"BdsDxe: (failed|No bootable|loading Boot000[^1])|UEFI Interactive Shell|Press any key to enter the Boot Manager", 60)
        assert len(machine.log_text()) > len(text) + 20, "the firmware goes on"


READ_VARIABLES = """cd /sys/firmware/efi/efivars
efibootmgr -v; mokutil --sb-state; stat -f -c %t .; od -An -tx1 BootOrder-*; od -An -c odd*; ls | sort | uniq -d | wc -l
cat hidden-* 2>&1; for f in *; do test $(wc -c <$f) = $(stat -c %s $f) || echo $f; done; echo x 2>&1 >BootOrder-8be4df61-93ca-11d2-aa0d-00e098032b8c; rm Lang-* 2>&1"""


def test_variables(tmp_path):
    """What the firmware's variables were at boot is read as on Linux, by the programs that Linux has for it; what a system may not see is not there."""
    shape = hardware.Shape(start="nvram")

    def before(disk):
        folder = os.path.dirname(disk)
        shape.arguments(folder)
        for name, attributes in (("odd/\u00fc", nvram.ATTRIBUTES), ("hidden", nvram.SHIM_ATTRIBUTES)):
            nvram.variables_add(os.path.join(folder, "vars.fd"), [(name, b"data")], nvram.SHIM, attributes)
    root = image.Source(str(tmp_path), False, "linux", [], ("efibootmgr", "mokutil")).root
    r = hardware.boot(shape, ["sh", "-c", READ_VARIABLES], root=root, before=before, options="quiet=no")
    said = r.out.decode()
    for line in (r"^BootCurrent: 0000$", r"^BootOrder: 0000", r"^Boot0000\* Aril\tHD\(1,GPT,[-0-9a-f]+,0x800,0x\w+\)/File\(\\EFI\\aril\\aril\.efi\)", r"^SecureBoot disabled$",
                 r"^de5e81e4$", r"^ 07 00 00 00 00 00", r"^  \\a +\\0 +\\0 +\\0 +d +a +t +a$", r"^0$", r"hidden-\*.*No such file", r"Read-only file system$"):
        assert re.search(line, said, re.M), (line, said, r.log)
    assert r.status and said.count("Read-only file system") == 2 and not re.search(r"^\w+-[-0-9a-f]{36}$", said, re.M), said


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
    r = hardware.boot(shape, ["sh", "-c", "hwinfo; echo ====; cd /tmp; hwinfo --report; echo ====; cat aril-report.txt; hwinfo --report -; hwinfo --send"])
    page, said, sent = r.out.decode().split("====\n")
    assert r.status == 2 and sent.endswith("usage: hwinfo [--report [FILE]]\n"), r
    print(page)
    # The file holds the page, the whole log, and what memory and variables look like; and what it is good for is said.
    assert re.search(r"^/tmp/aril-report\.txt: \d{4,5} bytes\.\n\S+ port \d+ has the report: it is in HWINFO\.TXT\nSwitch off", said), said
    for line in (page.split("kernel:")[0], "\n---- dmesg\n", "\nefi: leaving firmware\n", "\n---- cat /proc/meminfo\nMemTotal: ", " BootOrder-8be4df61-"):
        assert sent.count(line) >= 2, (line, sent)
    for line in (r"^Aril 0\.1", r"^firmware:  EDK II, .*, Secure Boot off$", r"^CPU:       QEMU.*; 4 in the MADT, 1 used$", r"^  used:    nx smep smap ",
                 r"^  missing: .*x2apic", r"^runs by:   TCG, ", r"^memory:    KiB in \d+ entries: .*free \d+", r"^ACPI:      BOCHS.*: XSDT FACP DSDT APIC HPET ",
                 r"^APIC:      xAPIC at fee00000, 1 I/O APIC", r"^timers:    HPET fed00000, PM timer port 608", r"^TSC:       by ACPI PM timer \d+ kHz \(taken\)",
                 r"^power:     S5 0 by ports 604 0, reset 0f by port cf9", r"^IOMMU:     DMAR$", r"^i8042:     present", r"^screen:    \d+x\d+, stride ",
                 r"^Driver:    serial +16550 +gives bytes$", r"^Driver:    screen +framebuffer +gives text$", r"^PCI:       ECAM at b0000000", r"^  00:00\.0  8086:29c0  060000 host bridge$", r"^  00:..\..  1b36:000d  0c0330 USB, xHCI$",
                 r"^kernel:    local APIC in xAPIC mode", r"^kernel:    TSC \d+ MHz"):
        assert re.search(line, page, re.M), line
    assert page.count("\n") <= 60 and max(map(len, page.split("\n"))) < 400


def test_hwinfo_of_a_plain_machine():
    """A CPU without what the kernel likes to have runs; page and boot log say what is missing."""
    r = hardware.boot(hardware.Shape(cpu="qemu64,-hypervisor", screen=False), ["hwinfo"])
    page = r.out.decode()
    assert r.status == 0 and re.search(r"^  missing: smep smap umip fsgsbase xsave rdrand erms ", page, re.M) and "screen:    none" in page, r
    assert "\nruns by:   the CPU itself\n" in page, page
    for name in ("SMEP", "SMAP", "UMIP", "FSGSBASE", "XSAVE", "RDRAND", "ERMS"):
        assert f"kernel:    this CPU has no {name}: doing without" in page and f"kernel: this CPU has no {name}: doing without" in r.log, r


# ---- machines that stand where their firmware first reads the disk (aril/firmware.py)

def test_saved(tmp_path, monkeypatch):
    """What is asked for twice goes on from there, with the disk of its own run. A saved one that is damaged is none, and goes."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    ways = []
    start = firmware.start
    monkeypatch.setattr(firmware, "start", lambda *given: ways.append(start(*given)))
    for n in range(4):
        if n == 3:
            (state,) = tmp_path.glob("aril/firmware/*/state")
            os.truncate(state, 1000)
        r = hardware.boot(hardware.Shape(), ["echo", f"run {n}"], extra=[f"memory = {300 + n}M"])
        assert r.status == 0 and r.out == b"run %d\n" % n and "BdsDxe: loading Boot" in r.log, r
        assert time.time() - 100 < int(re.search(r"^efi: clock: .*, (\d+) s since 1970", r.log, re.M).group(1)) < time.time() + 1, r.log
    assert ways == [False, True, True, False] and not list(tmp_path.glob("aril/firmware/*"))


def test_saved_key(tmp_path, monkeypatch):
    """The same only for the same machine: its arguments, what lies at paths that they name, the size of the disk, the processor's counter. Its folder is another each time."""
    def key(folder, size=1 << 20, word="x", store=b"store"):
        folder = tmp_path / folder
        folder.mkdir(exist_ok=True)
        (folder / "vars").write_bytes(store)
        with open(folder / "disk", "wb") as f:
            f.truncate(size)
        return firmware.key(str(folder), ["qemu", word, "-drive", f"if=none,id=disk,file={folder}/disk", "-drive", f"unit=1,file={folder}/vars"], f"{folder}/disk")
    keys = [key("a"), key("a", size=2 << 20), key("a", word="y"), key("a", store=b"other")]
    assert key("a") == keys[0] == key("b")
    monkeypatch.setattr(snapshot, "cpu", lambda: "another")
    keys.append(key("a"))
    assert len(set(keys)) == 5
    place = ["-device", "virtio-blk-pci,drive=disk"]
    assert firmware.is_possible(place) and not firmware.is_possible([*place, "-icount", "4"]) and not firmware.is_possible(["-device", "nvme,drive=disk"])


def test_saved_is_thin(tmp_path):
    """Pages of zeros take no room; what is read stays the same."""
    path, data = tmp_path / "ram", (b"x" * 4096 + bytes(1 << 20)) * 3
    path.write_bytes(data)
    before = path.stat().st_blocks
    snapshot.thin(str(path))
    assert path.read_bytes() == data and path.stat().st_blocks <= before // 4
    snapshot.thin(str(tmp_path / "none"))

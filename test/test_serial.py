# SPDX-License-Identifier: MIT
"""The serial port that loader, kernel and terminal speak through: as ACPI names it, in ports and in memory."""

import os
import re
import socket
import struct
import time

import pytest

from aril import hardware, screen

CONF = "app = linux\narg = sh\n"


def acpi_table(folder, signature, body):
    """Arguments for QEMU: one more table, which the firmware hands on with its own."""
    path = os.path.join(folder, signature)
    with open(path, "wb") as f:
        f.write(body)
    return "-acpitable", f"sig={signature},rev=2,data={path}"


def place(space, width, access, base):
    """ACPI's generic address structure."""
    return struct.pack("<BBBBQ", space, width, 0, access, base)


def spcr(where, speed=7):
    return bytes(4) + where + bytes(6) + bytes([speed]) + bytes(21)


def dbg2(*places):
    head = struct.pack("<BHBHHHHHHHHH", 0, 34, 1, 0, 0, 0, 0, 0x8000, 0, 0, 22, 0)
    return struct.pack("<II", 44, len(places)) + b"".join(head + where for where in places)


class Line:
    """A serial line of a machine, to read and to type on."""

    def __init__(self, folder, device):
        self.path = os.path.join(folder, "line")
        self.arguments = ("-chardev", f"socket,id=line,path={self.path},server=on,wait=off",
                          "-device", device + ",chardev=line")
        self.text = b""

    def open(self):
        self.end = socket.socket(socket.AF_UNIX)
        self.end.settimeout(1)
        deadline = time.monotonic() + 20
        while self.end.connect_ex(self.path):
            assert time.monotonic() < deadline
            time.sleep(0.05)

    def wait(self, pattern, seconds=120):
        deadline = time.monotonic() + seconds
        while not re.search(pattern, self.text, re.M):
            assert time.monotonic() < deadline, self.text
            try:
                more = self.end.recv(4096)
            except socket.timeout:
                continue
            assert more, self.text
            self.text += more


def spoken(tmp_path, device, tables, line):
    """Loader, kernel and shell speak on that port and on no other, and hear what is typed there."""
    port = Line(tmp_path, device)
    words = [word for table in tables for word in acpi_table(tmp_path, *table)]
    with hardware.running(hardware.Shape(com2=False, more=(*port.arguments, *words)), CONF) as machine:
        port.open()
        port.wait(rb"^efi: memory: .*\r?$")
        port.wait(rb"^kernel: .* entering ring 3\r?$")
        port.wait(rb"# ")
        port.end.sendall(b"echo typed $((6 * 7)); hwinfo | grep ^serial:; poweroff\n")
        port.wait(rb"^typed 42\r?$")
        port.wait(line.encode())
        port.wait(rb"^kernel: power off, exit status 0\r?$")
        assert machine.wait(60)
        text = machine.log_text()
    assert re.search(r"efi: leaving firmware\r?\n$", text), text


def test_spcr(tmp_path):
    """The console's port as ACPI names it: COM2, and no longer COM1."""
    spoken(tmp_path, "isa-serial,index=1", [("SPCR", spcr(place(1, 8, 1, 0x2f8)))],
           r"^serial: +16550 at port 2f8 \(SPCR\), 115200 baud\r?$")


@pytest.mark.slow
def test_dbg2(tmp_path):
    """SPCR's port cannot be driven; the first one of DBG2 can."""
    tables = [("SPCR", spcr(place(0, 16, 2, 0xfe032000))), ("DBG2", dbg2(place(1, 8, 1, 0x2e8), place(1, 8, 1, 0x3e8)))]
    spoken(tmp_path, "isa-serial,index=3", tables,
           r"^serial: +16550 at port 2e8 \(DBG2\), as fast as the firmware left it\r?$")


def test_no_answer(tmp_path):
    """Each is named, and COM1 is left. Registers that lie in RAM are none."""
    tables = [("SPCR", spcr(place(0, 8, 1, 0x200000))), ("DBG2", dbg2(place(1, 8, 1, 0x3e8)))]
    words = [word for table in tables for word in acpi_table(tmp_path, *table)]
    r = hardware.boot(hardware.Shape(more=tuple(words)), ["echo", "up"])
    assert r.status == 0 and r.out == b"up\n", r
    for line in (r"^efi: serial: what SPCR names at 200000 does not answer$",
                 r"^efi: serial: what DBG2 names at 3e8 does not answer$",
                 r"^efi: serial: 16550 at port 3f8 \(as on every PC\)$", r"^kernel: .* entering ring 3$"):
        assert re.search(line, r.log, re.M), (line, r.log)


def bar_of(machine, identity, bar):
    """Where the firmware has put it."""
    hardware.log_wait(machine, r"entering ring 3", 120)
    said = machine.monitor("info pci")
    found = re.search(rf"{identity}.*?BAR{bar}: [^\n]*? at 0x([0-9a-f]+) ", said, re.S)
    assert found, said
    return int(found.group(1), 16)


@pytest.mark.slow
def test_pci_function(tmp_path):
    """Ports of a PCI function, as Intel's Serial-over-LAN has them: they come with it, and are looked at, since its
    interrupt is not."""
    with hardware.running(hardware.Shape(com2=False, more=("-device", "pci-serial")), CONF) as machine:
        base = bar_of(machine, "1b36:0002", 0)
    spoken(tmp_path, "pci-serial", [("SPCR", spcr(place(1, 8, 1, base)))],
           rf"^serial: +16550 at port {base:x} \(SPCR\), 115200 baud\r?$")


@pytest.mark.slow
@pytest.mark.parametrize("step", [1, 4])
def test_memory(tmp_path, step):
    """Registers in memory. No PC of QEMU's has such a port, so memory of a PCI function stands in, which says for ever
    that there is room: what loader and kernel wrote last to each register can be seen, and that nobody faults. The
    library OS may not have that function, a memory controller: unit.serial_in_memory is for its driver."""
    registers = os.path.join(tmp_path, "registers")
    with open(registers, "wb") as f:
        f.write(bytes([0xff, 0xff, 0xff, 0x5a, 0xff, 0x60, 0xff, 0xff]) if step == 1 else
                struct.pack("<8I", 0xffff, 0xffff, 0xffff, 0x5a, 0xffff, 0x60, 0xffff, 0xffff))
        f.truncate(1 << 20)
    memory = ("-object", f"memory-backend-file,id=m,share=on,size=1M,mem-path={registers}",
              "-device", "ivshmem-plain,memdev=m,master=on")
    with screen.Console(more=memory) as console:
        base = bar_of(console.machine, "1af4:1110", 2)
    table = acpi_table(tmp_path, "SPCR", spcr(place(0, 8 * step, {1: 1, 4: 3}[step], base)))
    with screen.Console(more=memory + table) as console:
        console.wait(r"^aril:~#")
        console.type("clear; hwinfo | grep -i serial\n")
        console.wait(rf"^serial: +16550 at address {base:x} \(SPCR\), as fast as the firmware left it$")
        console.type("poweroff\n")
        assert console.machine.wait(60), console.text()
        said = console.log_raw()
    assert re.search(r"efi: leaving firmware\r?\n$", said), said
    with open(registers, "rb") as f:
        left = f.read(8) if step == 1 else bytes(word & 0xff for word in struct.unpack("<8I", f.read(32)))
    # The kernel's last line feed; by the loader interrupts off, FIFO and modem lines on, and the line as it was.
    assert left[:6] == b"\n\0\1\x5a\3\x60", left

# SPDX-License-Identifier: MIT
"""The channel over its virtio port: what goes in and out arrives whole, on machines of several shapes; without the port COM2 does it, and says so."""

import hashlib
import random
import time

import pytest

from aril import guest, hardware, qemu, session

FAST = "virtio port"


def rate(size, seconds):
    return f"{size / seconds / 1e6:.1f} MB/s"


@pytest.mark.parametrize("size", [16 << 20, pytest.param(1 << 30, marks=pytest.mark.slow)])
def test_in_whole(size):
    """Through sha256sum; with the boot's time in it, and the sum's own."""
    piece = random.Random(1).randbytes(1 << 20)
    data = b"".join(bytes([i & 255]) + piece[1:] for i in range(size >> 20))
    begin = time.monotonic()
    r = guest.run("sha256sum", options=["--cold"], stdin=data, timeout=60 + size // 2000000)
    print(f"channel in: {rate(size, time.monotonic() - begin)} with the boot")
    assert r.status == 0 and r.out.split()[0].decode() == hashlib.sha256(data).hexdigest(), r
    assert b"COM2" not in r.err and FAST not in r.log, r


@pytest.mark.parametrize("size", [16 << 20, pytest.param(1 << 30, marks=pytest.mark.slow)])
def test_out_whole(size):
    begin = time.monotonic()
    r = guest.run("dd", "if=/dev/zero", "bs=65536", f"count={size >> 16}", options=["--cold"], timeout=60 + size // 2000000)
    print(f"channel out: {rate(size, time.monotonic() - begin)} with the boot")
    assert r.status == 0 and len(r.out) == size and not r.out.strip(b"\0"), (r.status, len(r.out), r.err)
    assert b"COM2" not in r.err and FAST not in r.log, r


def test_both_at_once():
    """What comes back is what went in, while both are under way."""
    data = random.Random(2).randbytes(4 << 20)
    r = guest.run("cat", options=["--cold"], stdin=data)
    assert r.status == 0 and r.out == data, (r.status, len(r.out), r.err)


def test_fallback_says_so():
    """Time that is counted in instructions has no port. More than a MiB is worth a word where the port was offered and not found."""
    said = []
    s = session.Session.__new__(session.Session)
    s.received, s.told_slow, s.channel_open = 0, False, True
    s.say = said.append
    s.decoder = type("Decoder", (), {"feed": lambda self, data: []})()
    s.machine = type("Machine", (), {"channel": type("Channel", (), {"is_slow": True, "recv": lambda self, size: b"x" * size})()})()
    for _ in range(40):
        s.receive()
    assert len(said) == 1 and "COM2" in said[0]


SHAPES = {
    "q35": ("q35", ("-device", "virtio-serial-pci,id=channels")),
    "pc": ("pc", ("-device", "virtio-serial-pci,id=channels")),
    "q35-bridge": ("q35", ("-device", "pcie-root-port,id=below,chassis=1", "-device", "virtio-serial-pci,id=channels,bus=below")),
    "pc-bridge": ("pc", ("-device", "pci-bridge,id=below,chassis_nr=1", "-device", "virtio-serial-pci,id=channels,bus=below,addr=3")),
}


@pytest.mark.parametrize("name", sorted(SHAPES))
def test_shapes(name):
    """Before and behind bridges. No COM2 is there to fall back to."""
    machine, line = SHAPES[name]
    more = ("-chardev", "pipe,id=channel,path=%(channel)s", *line, "-device", "virtserialport,bus=channels.0,chardev=channel,name=aril.channel")
    shape = hardware.Shape(machine=machine, com2=False, more=more)
    r = hardware.boot(shape, ["sh", "-c", "head -c 3000000 /dev/zero | wc -c; exit 5"])
    assert r.status == 5 and r.out.strip() == b"3000000", r


def test_ports_choose():
    """The one that brings the handshake; what others said before is not in it."""
    class Port:
        def __init__(self, *pieces):
            self.pieces = list(pieces)
            self.outward = self.inward = qemu.os.open("/dev/null", qemu.os.O_RDONLY)

        def recv(self, size):
            if not self.pieces:
                raise BlockingIOError
            return self.pieces.pop(0)
    ports = qemu.Ports.__new__(qemu.Ports)
    ports.told, ports.ports, ports.seen, ports.chosen = True, [Port(b"\0AR", b"IL1\0rest"), Port(b"\x1b[2J", b"noise")], [b"", b""], None
    assert ports.recv(100) == b"\n" and ports.recv(100) == b"\0ARIL1\0rest" and ports.chosen is ports.ports[0] and not ports.is_slow

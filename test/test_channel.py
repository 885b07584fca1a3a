# SPDX-License-Identifier: MIT
"""The channel over its virtio port: what goes in and out arrives whole, on machines of several shapes; without the port COM2 does it, and says so."""

import hashlib
import os
import random
import subprocess
import time

import pytest

from aril import conf, guest, hardware, image, planted, qemu, session

NONE = "no virtio port"
# The three ways in which a run's machine starts.
WAYS = {"cold": ["--cold"], "saved": [], "icount": ["--icount", "4"]}


def rate(size, seconds):
    return f"{size / seconds / 1e6:.1f} MB/s"


@pytest.mark.parametrize("size", [16 << 20, pytest.param(1 << 30, marks=pytest.mark.slow)])
def test_in_whole(size):
    """Through sha256sum; with the start's time in it, and the sum's own."""
    piece = random.Random(1).randbytes(1 << 20)
    data = b"".join(bytes([i & 255]) + piece[1:] for i in range(size >> 20))
    begin = time.monotonic()
    r = guest.run("sha256sum", stdin=data, timeout=60 + size // 2000000)
    print(f"channel in: {rate(size, time.monotonic() - begin)} with the start")
    assert r.status == 0 and r.out.split()[0].decode() == hashlib.sha256(data).hexdigest(), r
    assert b"COM2" not in r.err and NONE not in r.log, r


@pytest.mark.parametrize("size", [16 << 20, pytest.param(1 << 30, marks=pytest.mark.slow)])
def test_out_whole(size):
    begin = time.monotonic()
    r = guest.run("dd", "if=/dev/zero", "bs=65536", f"count={size >> 16}", timeout=60 + size // 2000000)
    print(f"channel out: {rate(size, time.monotonic() - begin)} with the start")
    assert r.status == 0 and len(r.out) == size and not r.out.strip(b"\0"), (r.status, len(r.out), r.err)
    assert b"COM2" not in r.err and NONE not in r.log, r


@pytest.mark.parametrize("way", WAYS)
def test_both_at_once(way):
    """What comes back is what went in, while both are under way. However the machine starts, it is the port that carries it."""
    data = random.Random(2).randbytes(4 << 20)
    for _ in range(2 if way == "saved" else 1): # at first there may be none
        r = guest.run("cat", options=WAYS[way], stdin=data)
        assert r.status == 0 and r.out == data, (r.status, len(r.out), r.err)
        assert b"COM2" not in r.err and NONE not in r.log, r
    assert ("monitor: waits for its run over virtio" in r.log) == (way == "saved"), r.log


@pytest.mark.parametrize("way", WAYS)
def test_without_port(way, tmp_path):
    """A machine that has none works as ever, by COM2, the saved one too; more than a MiB is worth a word."""
    (tmp_path / "cache").mkdir()
    code = f"""
import sys
sys.dont_write_bytecode = True
sys.path.insert(0, {guest.TOP + "/test"!r})
from aril import cli, qemu
qemu.FAST = ()
sys.exit(cli.main(sys.argv[1:]))"""
    for n in range(2 if way == "saved" else 1):
        done = subprocess.run(["/usr/bin/python3", "-c", code, "run", "--timeout", "100", "--log", f"{tmp_path}/log", *WAYS[way], "--", "sh", "-c",
                               "sha256sum; head -c 1200000 /dev/zero; exit 9"], input=b"in\n" * 5000, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                              env=dict(os.environ, XDG_CACHE_HOME=str(tmp_path / "cache")), timeout=200, check=False)
        assert done.returncode == 9 and done.stdout.split()[0].decode() == hashlib.sha256(b"in\n" * 5000).hexdigest(), done
        assert done.stdout.endswith(bytes(1200000)) and done.stderr.count(b"COM2") == 1 == done.stderr.count(b"\n"), done.stderr
        log = guest.log_text(tmp_path / "log")
        assert NONE in log and ("monitor: waits for its run over COM2" in log) == (way == "saved"), (n, log)


def test_fallback_says_so():
    """More than a MiB is worth a word, once."""
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


def test_other_port():
    """A device whose ports are others': COM2 does it, and the second that a silent device has is not waited for, in time that is counted in instructions."""
    more = ("-chardev", "null,id=other", "-device", "virtio-serial-pci,id=channels", "-device", "virtserialport,bus=channels.0,chardev=other,name=aril.channels",
            "-device", "virtserialport,bus=channels.0,chardev=none,name=aril", "-chardev", "null,id=none", "-icount", "shift=4,sleep=off", "-rtc", "clock=vm")
    r = hardware.boot(hardware.Shape(more=more), ["sh", "-c", "cat /proc/uptime; exit 5"])
    assert r.status == 5 and NONE in r.log and float(r.out.split()[0]) < 1, r


NO_MESSAGES = "monitor: no messages come from the channel's device"


def test_no_messages():
    """A device that has none to send is looked at instead."""
    more = ("-chardev", "pipe,id=channel,path=%(channel)s", "-device", "virtio-serial-pci,id=channels,vectors=0", "-device",
            "virtserialport,bus=channels.0,chardev=channel,name=aril.channel")
    r = hardware.boot(hardware.Shape(com2=False, more=more), ["sh", "-c", "head -c 3000000 /dev/zero | wc -c; exit 5"])
    assert r.status == 5 and r.out.strip() == b"3000000" and r.log.count(NO_MESSAGES) == 1, r


@pytest.fixture(scope="module")
def lost(tmp_path_factory):
    """The device is never told where its messages go, though the driver has them bound: each is lost."""
    told = "*reg16(v, QUEUE_MESSAGE) = (uint16_t)message;"
    return planted.build(str(tmp_path_factory.mktemp("lost")), [("lib/dev/virtio.c", told, told.replace("(uint16_t)message", "VIRTIO_NO_MESSAGE"))])


@pytest.mark.parametrize("way", ["saved", "icount"])
def test_messages_lost(way, lost):
    """That is noticed at the first one; a stream does not wait for the look at everything, every two seconds, again and again. A saved machine hears what it is
    to run."""
    for _ in range(2 if way == "saved" else 1):
        r = guest.run("sh", "-c", "wc -c; cat /proc/uptime", options=[*WAYS[way], "--add", f"{lost}:/aril/linux"], stdin=bytes(4 << 20), timeout=150)
        count, seconds = r.out.split()[:2]
        assert r.status == 0 and count == b"4194304" and r.log.count(NO_MESSAGES) == 1 and NONE not in r.log, r
        assert way == "saved" or float(seconds) < 10, r # in time that is counted in instructions


@pytest.fixture(scope="module")
def stormy(tmp_path_factory):
    """The device sends a message for each page that has left, which nobody waits for; and at the end a host that takes nothing is waited for a second only."""
    return planted.build(str(tmp_path_factory.mktemp("stormy")), [
        ("lib/dev/virtio_serial.c", "virtqueue_interrupts(&s->out[s->port], 0);", "virtqueue_interrupts(&s->out[s->port], 1);"),
        ("apps/linux/init.h", "600000000000u", "1000000000u")])


def test_messages_storm(stormy):
    """Messages for nothing, thousands of them, harm nobody."""
    data = random.Random(3).randbytes(4 << 20)
    r = guest.run("sh", "-c", "cat; head -c 8000000 /dev/zero", options=["--add", f"{stormy}:/aril/linux"], stdin=data, timeout=150)
    assert r.status == 0 and r.out == data + bytes(8000000) and NO_MESSAGES not in r.log and NONE not in r.log, (r.status, len(r.out), r.err, r.log)


@pytest.mark.parametrize("size", [0, pytest.param(qemu.PIPE_SIZE + 100000, marks=pytest.mark.slow), 3000000])
def test_host_takes_nothing(size, stormy, tmp_path):
    """A machine whose host does not read comes to its end all the same, and says what it gave up; with little, what a ring holds, and more than all rings."""
    # Who writes more than fits does not end by itself.
    command = ["sh", "-c", f"head -c {size} /dev/zero & sleep 2; kill $!; exit 5"]
    root = image.Source(str(tmp_path), False, "linux", [f"{stormy}:/aril/linux"], ()).root
    with hardware.running(hardware.Shape(), conf.text("linux", "pipe", conf.nonce(), command, []), root=root) as machine:
        assert machine.wait(100), machine.log_text()
        log = machine.log_text()
    assert ("monitor: nothing leaves any more: what waits for the host is given up" in log) == (size > 0), log


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
    ports.ports, ports.seen, ports.chosen = [Port(b"\0AR", b"IL1\0rest"), Port(b"\x1b[2J", b"noise")], [b"", b""], None
    assert ports.recv(100) == b"\n" and ports.recv(100) == b"\0ARIL1\0rest" and ports.chosen is ports.ports[0] and not ports.is_slow

# SPDX-License-Identifier: MIT
"""The random generator of a family and a virtio rng device: its bytes arrive, and a machine without one is as any other."""

import random
import tempfile

import pytest

from aril import guest, hardware, image, programs

DRIVEN = "monitor: a virtio rng device gives bytes for the generator"
MIXED = "random: bytes of a virtio rng device are mixed in"
# The channel is a virtio device too, and keeps its own function.
WHERE = {
    "q35": ("q35", ("-device", "virtio-rng-pci,rng=given")),
    "pc": ("pc", ("-device", "virtio-rng-pci,rng=given")),
    "q35-bridge": ("q35", ("-device", "pcie-root-port,id=below,chassis=1", "-device", "virtio-rng-pci,rng=given,bus=below")),
    "pc-bridge": ("pc", ("-device", "pci-bridge,id=below,chassis_nr=1", "-device", "virtio-rng-pci,rng=given,bus=below,addr=3")),
}


def seed(machine, more):
    """(how often the device gave bytes, the last ones, the log)."""
    with tempfile.TemporaryDirectory() as folder:
        root = image.Source(folder, guest.DEBUG, "linux", [f"{programs.build('seed', 'musl')}:/bin/seed"], ()).root
        r = hardware.boot(hardware.Shape(machine=machine, more=more), ["sh", "-c", "seed; dmesg; exit 5"], root=root)
    assert r.status == 5, r
    times, given = r.out.decode().split("\n")[0].split()
    return int(times), bytes.fromhex(given), r.log


@pytest.mark.parametrize("where", sorted(WHERE))
def test_device_gives(where, tmp_path):
    """What the generator gets are the device's bytes: a piece of the file that the host gives."""
    data = random.Random(1).randbytes(1 << 20)
    (tmp_path / "bytes").write_bytes(data)
    machine, line = WHERE[where]
    times, given, log = seed(machine, ("-object", f"rng-random,id=given,filename={tmp_path}/bytes", *line))
    assert times >= 1 and len(given) == 64 and given in data, (times, given)
    assert log.count(DRIVEN) == 1 and "has not yet" not in log and log.count(MIXED) == 1, log


def test_no_device():
    times, given, log = seed("q35", ())
    assert times == 0 and given == bytes(64) and DRIVEN not in log and MIXED not in log, (times, given, log)

# SPDX-License-Identifier: MIT
"""What the channel to the host carries: Aril's, with its frames and credit, and beside it the bare port of a virtio serial device under Debian's kernel, in the
same QEMU. From the guest's word that it begins to the last byte, so without any boot."""

import os
import select
import shutil
import subprocess
import tempfile
import time
from typing import Callable, Tuple

from aril import qemu

from . import build, cpio, systems

MODULES = ("virtio_ring", "virtio", "virtio_pci_legacy_dev", "virtio_pci_modern_dev", "virtio_pci", "virtio_console")
BLOCK = 65536
SECONDS = 100
TRIES = 3 # Linux's port stands still for good now and then, when much comes in


def script(way: str, size: int, prefix: str = "") -> str:
    """The same words for both: out of zeros, or into nothing and then a line that says so."""
    if way == "out":
        return f"echo ready; {prefix}dd if=/dev/zero bs={BLOCK} count={size // BLOCK}"
    return f"echo ready; {prefix}dd of=/dev/null bs={BLOCK} count={size // BLOCK} iflag=fullblock; echo done"


class Ends:
    """The host's end of a guest's streams, with a time limit."""

    def __init__(self, inward: int, outward: int, ended: Callable[[], bool]):
        self.inward, self.outward, self.ended = inward, outward, ended
        self.until = time.monotonic() + SECONDS
        self.seen = b""
        self.buffer = memoryview(bytearray(1 << 18))

    def read(self) -> memoryview:
        """Until the next one: a new object each time would cost more than the bytes do."""
        while not select.select([self.outward], [], [], 0.5)[0]:
            if self.ended() or time.monotonic() > self.until:
                raise systems.Failed(f"the guest said only {self.seen[-200:]!r}")
        got = self.buffer[:os.readv(self.outward, [self.buffer])]
        if not got:
            raise systems.Failed(f"the guest ended, and had said only {self.seen[-200:]!r}")
        return got

    def line(self, word: bytes) -> bytes:
        """Past that line: what came behind it."""
        while word + b"\n" not in self.seen:
            self.seen += bytes(self.read())
        behind = self.seen.split(word + b"\n", 1)[1]
        self.seen = b""
        return behind

    def rate(self, way: str, size: int) -> float:
        """MB/s."""
        left = size - len(self.line(b"ready"))
        begin = time.monotonic()
        if way == "out":
            while left > 0:
                left -= len(self.read())
        else:
            zeros = memoryview(bytes(1 << 18))
            while left > 0:
                if not select.select([], [self.inward], [], 0.5)[1]:
                    if self.ended() or time.monotonic() > self.until:
                        raise systems.Failed(f"the guest did not take the last {left} bytes")
                    continue
                try:
                    left -= os.write(self.inward, zeros[:left])
                except BlockingIOError:
                    pass
            self.line(b"done")
        return size / 1e6 / (time.monotonic() - begin)


def aril(way: str, size: int) -> float:
    command = [systems.MACHINE, "run", "--timeout", str(SECONDS), "--", "sh", "-c", script(way, size)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, bufsize=0) as process:
        os.set_blocking(process.stdin.fileno(), False)
        try:
            return Ends(process.stdin.fileno(), process.stdout.fileno(), lambda: process.poll() is not None).rate(way, size)
        finally:
            process.stdin.close()
            process.stdout.close()
            process.terminate()


def has_modules() -> bool:
    return os.path.isdir(os.path.join(build.PACKAGES, "linux", "modules"))


def archive() -> str:
    """An initramfs with the modules that the port wants."""
    path = os.path.join(build.OUT, "initramfs-flow")
    if not os.path.exists(path):
        tree = build.tree()
        shutil.copytree(os.path.join(build.PACKAGES, "linux", "modules"), os.path.join(tree, "modules"))
        cpio.write(tree, path)
    return path


def linux(way: str, size: int) -> float:
    return linux_whole(way, size)[0]


def linux_seconds(way: str, size: int) -> float:
    """With the boot."""
    return linux_whole(way, size)[1]


def linux_whole(way: str, size: int) -> Tuple[float, float]:
    for _ in range(TRIES - 1):
        try:
            return linux_once(way, size)
        except systems.Failed:
            pass
    return linux_once(way, size)


def linux_once(way: str, size: int) -> Tuple[float, float]:
    """MB/s, and seconds with the boot."""
    steps = "; ".join(f"busybox insmod /modules/{name}.ko" for name in MODULES)
    text = f"busybox mount -t devtmpfs none /dev; {steps}; until (: <>/dev/vport0p1) 2>/dev/null; do busybox sleep 0.1; done; exec 0<>/dev/vport0p1 1>&0; {script(way, size, 'busybox ')}; busybox sleep 60"
    with tempfile.TemporaryDirectory(prefix="aril-bench-") as folder:
        port = qemu.Fifos(os.path.join(folder, "channel"))
        os.set_blocking(port.outward, True)
        # Double quotes are all that the kernel's command line knows.
        assert '"' not in text
        command = ["qemu-system-x86_64", *qemu.hardware(1 << 30), "-display", "none", "-monitor", "none", "-serial", "file:/dev/null",
                   "-chardev", f"pipe,id=channel,path={port.path}", *qemu.FAST, "-kernel", systems.linux_kernel(), "-initrd", archive(),
                   "-append", f'console=ttyS0 quiet panic=-1 rdinit=/bin/sh -- -c "{text}"']
        begin = time.monotonic()
        process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, preexec_fn=systems.die_with_parent)
        try:
            rate = Ends(port.inward, port.outward, lambda: process.poll() is not None).rate(way, size)
            return rate, time.monotonic() - begin
        finally:
            process.kill()
            process.wait()
            port.close()

# SPDX-License-Identifier: MIT
"""What real programs take in a folder of this host (--share), on either system: the same git, the same folder, the same QEMU with the same export. Debian's kernel is
the whole one: that for clouds has no 9P."""

import glob
import os
import shutil
import subprocess
import tempfile
import time
from typing import Callable

from aril import image, qemu, share

from . import build, cpio, systems
from .flow import Ends

MODULES = ("virtio_ring", "virtio", "virtio_pci_legacy_dev", "virtio_pci_modern_dev", "virtio_pci", "netfs", "fscache", "9pnet", "9pnet_virtio", "9p")
WHOLE = os.path.join(build.PACKAGES, "whole")
PACKAGES = ("git",)
FOLDERS, FILES = 20, 25
# The first time git looks at every file's contents; the second is what people wait for.
SCRIPT = "export HOME=/tmp PATH=/usr/bin:/bin; git config --global safe.directory '*'; cd /w && git status --short && " \
         "echo begin && git status --short && echo end"


def has_kernel() -> bool:
    return os.path.isdir(os.path.join(WHOLE, "modules"))


def repository(folder: str) -> None:
    for n in range(FOLDERS):
        os.makedirs(f"{folder}/d{n}/sub")
        for f in range(FILES):
            with open(f"{folder}/d{n}/sub/f{f}", "w", encoding="ascii") as file:
                file.write(f"{n} {f}\n")
    for words in (["init", "-q"], ["add", "-A"], ["-c", "user.name=n", "-c", "user.email=e@x", "commit", "-qm", "one"]):
        subprocess.run(["git", "-C", folder, *words], check=True, stdin=subprocess.DEVNULL)


def seconds_of(ends: Ends) -> float:
    """Between the two words."""
    rest = ends.line(b"begin")
    begin = time.monotonic()
    ends.seen = rest
    ends.line(b"end")
    return time.monotonic() - begin


def aril(folder: str) -> float:
    command = [systems.MACHINE, "run", "--with", ",".join(PACKAGES), "--share", f"{folder}:/w", "--timeout", "100", "--", "sh", "-c", SCRIPT]
    with subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, bufsize=0) as process:
        try:
            return seconds_of(Ends(-1, process.stdout.fileno(), lambda: process.poll() is not None))
        finally:
            process.terminate()


def archive() -> str:
    path = os.path.join(build.OUT, "initramfs-shared")
    if not os.path.exists(path):
        tree = os.path.join(build.OUT, "shared-tree")
        shutil.rmtree(tree, ignore_errors=True)
        image.tree_make(tree, os.path.join(image.build_folder(False), "roottree"), [], PACKAGES)
        shutil.copytree(os.path.join(WHOLE, "modules"), os.path.join(tree, "modules"))
        for name in ("dev", "proc", "w", "tmp"):
            os.makedirs(os.path.join(tree, name), exist_ok=True)
        cpio.write(tree, path)
    return path


def linux(folder: str) -> float:
    kernel = sorted(glob.glob(os.path.join(WHOLE, "boot", "vmlinuz-*")))[-1]
    steps = "; ".join(f"busybox insmod /modules/{name}.ko" for name in MODULES)
    text = f"busybox mount -t devtmpfs none /dev; {steps}; busybox mount -t 9p -o trans=virtio,version=9p2000.L share0 /w; busybox stty -F /dev/ttyS1 raw -echo; " \
           f"exec >/dev/ttyS1 2>&1; {SCRIPT}; busybox sleep 60"
    with tempfile.TemporaryDirectory(prefix="aril-bench-") as own:
        port = qemu.Fifos(os.path.join(own, "com2"))
        os.set_blocking(port.outward, True)
        command = ["qemu-system-x86_64", *qemu.hardware(1 << 30), "-display", "none", "-monitor", "none", "-serial", "file:/dev/null",
                   "-chardev", f"pipe,id=com2,path={port.path}", "-serial", "chardev:com2", *share.devices([share.Share(folder, "/w", False)]),
                   "-kernel", kernel, "-initrd", archive(), "-append", f'console=ttyS0 quiet panic=-1 rdinit=/bin/busybox -- sh -c "{text}"']
        process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, preexec_fn=systems.die_with_parent)
        try:
            return seconds_of(Ends(-1, port.outward, lambda: process.poll() is not None))
        finally:
            process.kill()
            process.wait()
            port.close()


def least(tries: int, which: Callable[[str], float]) -> float:
    """Of a few tries, each in a repository of its own."""
    best = float("inf")
    for _ in range(tries):
        with tempfile.TemporaryDirectory(prefix="aril-bench-") as folder:
            repository(folder)
            best = min(best, which(folder))
    return best

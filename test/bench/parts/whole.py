# SPDX-License-Identifier: MIT
"""Debian's whole kernel (that for clouds has no 9P) with a folder of the host, in the QEMU and with the export that Aril has: its tree is that of an Aril with the
same packages, in memory."""

import glob
import hashlib
import os
import shutil
import subprocess
import tempfile
from typing import List, NamedTuple, Sequence

from aril import image, qemu, share

from . import build, cpio, systems

MODULES = ("virtio_ring", "virtio", "virtio_pci_legacy_dev", "virtio_pci_modern_dev", "virtio_pci", "netfs", "fscache", "9pnet", "9pnet_virtio", "9p")
FOLDER = os.path.join(build.PACKAGES, "whole")
LOAD = "busybox mount -t devtmpfs none /dev; " + "; ".join(f"busybox insmod /modules/{name}.ko" for name in MODULES)
# The second export, with what is to be run and what it said: the kernel's command line has no room for it.
# Linux takes its clock from one of whole seconds: it is put before the host's, or make would see files of the future.
FIRST = """busybox mount -t proc none /proc
busybox date -s @$(($(busybox date +%s) + 2)) >/dev/null
busybox mount -t 9p -o trans=virtio,version=9p2000.L share0 /w
env -i /bin/sh -c "$(cat /own/script)" </dev/null >/own/out 2>/own/err
echo $? >/own/status
busybox umount /w
busybox poweroff -f
"""


class Ended(NamedTuple):
    """What a script left."""
    status: int
    out: bytes
    err: bytes


def is_there() -> bool:
    return os.path.isdir(os.path.join(FOLDER, "modules"))


def kernel() -> str:
    return sorted(glob.glob(os.path.join(FOLDER, "boot", "vmlinuz-*")))[-1]


def archive(packages: Sequence[str], adds: Sequence[str] = ()) -> str:
    """An initramfs: Aril's tree with these packages and added files (HOST:GUEST), and the modules."""
    names = hashlib.sha256("\0".join([*packages, "", *adds]).encode()).hexdigest()[:12]
    path = os.path.join(build.OUT, f"initramfs-{names}")
    if not build.newer(path, [pair.split(":")[0] for pair in adds]):
        os.makedirs(build.OUT, exist_ok=True)
        with tempfile.TemporaryDirectory(prefix="aril-bench-") as own:
            tree = os.path.join(own, "tree")
            image.tree_make(tree, os.path.join(image.build_folder(False), "roottree"), adds, packages)
            shutil.copytree(os.path.join(FOLDER, "modules"), os.path.join(tree, "modules"))
            for name in ("dev", "proc", "w", "own", "tmp"):
                os.makedirs(os.path.join(tree, name), exist_ok=True)
            cpio.write(tree, path + ".new")
        os.replace(path + ".new", path)
    return path


def command(folders: Sequence[str], words: str, archive_path: str, more: Sequence[str] = ()) -> List[str]:
    """QEMU's words: these folders as share0 and on, and a shell's words for the first process."""
    # Double quotes are all that the kernel's command line knows.
    assert '"' not in words
    return ["qemu-system-x86_64", *qemu.hardware(1 << 30), "-display", "none", "-monitor", "none", *share.devices([share.Share(f, "/w", False) for f in folders]),
            "-kernel", kernel(), "-initrd", archive_path, "-append", f'console=ttyS0 quiet panic=-1 rdinit=/bin/busybox -- sh -c "{words}"', *more]


def run(folder: str, script: str, packages: Sequence[str], seconds: float, adds: Sequence[str] = (), more: Sequence[str] = ()) -> Ended:
    """A shell's script beside the folder, which lies at /w; more: further words for QEMU."""
    with tempfile.TemporaryDirectory(prefix="aril-bench-") as own:
        for name, text in (("script", script), ("first", FIRST)):
            with open(os.path.join(own, name), "w", encoding="utf-8") as f:
                f.write(text)
        words = f"{LOAD}; busybox mount -t 9p -o trans=virtio,version=9p2000.L share1 /own; exec sh /own/first"
        log = os.path.join(own, "log")
        try:
            done = subprocess.run([*command([folder, own], words, archive(packages, adds), more), "-serial", f"file:{log}"], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                                  stderr=subprocess.STDOUT, timeout=seconds, check=False, preexec_fn=systems.die_with_parent)
            why = done.stdout.decode("utf-8", "replace")
        except subprocess.TimeoutExpired:
            why = f"no end within {seconds} s"
        found = {}
        for name in ("status", "out", "err"):
            try:
                with open(os.path.join(own, name), "rb") as f:
                    found[name] = f.read()
            except FileNotFoundError:
                found[name] = b""
        if not found["status"]:
            said = qemu.log_read(log)
            raise systems.Failed(f"Linux did not come to its end: {why} {said[-500:]} {found['out'][-300:]!r} {found['err'][-300:]!r}")
        return Ended(int(found["status"]), found["out"], found["err"])

# SPDX-License-Identifier: MIT
"""Owns `aril doctor`: what this host has and lacks, one line each, with what to type."""

import importlib.util
import os
import shutil
import subprocess

from . import accel, cache, image, qemu
from .failure import Failure


def version(command: list) -> str:
    try:
        done = subprocess.run(command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, check=False)
    except OSError as e:
        return e.strerror or "does not start"
    return done.stdout.decode("utf-8", "replace").split("\n")[0].strip()


def lines():
    """(good, what, found or what to do); good is None for what may well be missing."""
    try:
        yield True, "QEMU", version([qemu.binary(), "--version"])
    except Failure as e:
        yield False, "QEMU", str(e)
    try:
        yield True, "firmware", ", ".join(qemu.firmware_files())
    except Failure as e:
        yield False, "firmware", str(e)
    for tool, package, what in (("mkfs.erofs", "erofs-utils", "root images (--add, --with)"), ("mcopy", "mtools", "disk images")):
        path = shutil.which(tool) or shutil.which(tool, path="/usr/sbin:/sbin")
        yield bool(path), tool, path or f"missing, for {what}: apt-get install {package}"
    apt = shutil.which("apt-get")
    yield True if apt else None, "packages", f"--with works ({apt})" if apt else "--with needs apt-get, which only Debian and its kin have"
    yield bool(importlib.util.find_spec("elftools")), "pyelftools", \
        "there" if importlib.util.find_spec("elftools") else "missing, for --add of programs: apt-get install python3-pyelftools"
    for name in ("BOOTX64.EFI", "root.img"):
        path = os.path.join(image.build_folder(False), name)
        yield os.path.exists(path), name, path if os.path.exists(path) else "not built: make all"
    why = accel.unusable()
    yield None if why else True, "KVM", f"not used: {why}" if why else f"{accel.DEVICE} is there; --accel auto tries it once"
    try:
        os.makedirs(cache.home(), exist_ok=True)
        total = sum(cache.bytes_of(os.path.join(cache.home(), kind)) for kind in os.listdir(cache.home()))
        yield os.access(cache.home(), os.W_OK) or None, "cache", f"{cache.home()}: {total >> 20} MiB of {cache.limit() >> 20}"
    except OSError as e:
        yield None, "cache", f"{cache.home()}: {e.strerror}: each run makes its image and boots anew"
    memory = os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
    yield memory >= 2 << 30, "memory", f"{memory >> 20} MiB, {os.cpu_count()} CPUs"


def report() -> int:
    bad = 0
    for good, what, text in lines():
        bad += good is False
        print(f"{'--' if good is None else 'ok' if good else 'NO'}  {what:12} {text}")
    return 125 if bad else 0

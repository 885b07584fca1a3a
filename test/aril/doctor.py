# SPDX-License-Identifier: MIT
"""Owns `aril doctor`: what this host has and lacks, one line each, with what to type."""

import importlib.util
import os
import shutil
import subprocess
import tempfile

from . import accel, cache, image, place, qemu
from .failure import Failure

# What a run's image and log take.
FREE_MIN = 64 << 20


def version(command: list) -> str:
    try:
        done = subprocess.run(command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, check=False)
    except OSError as e:
        return e.strerror or "does not start"
    return done.stdout.decode("utf-8", "replace").split("\n")[0].strip()


def tools():
    """(program, its package, what for, whether a plain run needs it)"""
    yield "mcopy", "mtools", "disk images", True
    yield "mkfs.erofs", "erofs-utils", "root images (--add, --with)", True
    yield "gdb", "gdb", "make gdb, and what --gdb waits for", False


def window() -> tuple:
    """Of --gui: as lines() has it."""
    try:
        there = qemu.has_window()
    except Failure as e:
        return False, str(e)
    if not there:
        return None, "--gui is not for this QEMU: apt-get install qemu-system-gui"
    if not qemu.has_display():
        return None, "--gui wants a desktop's terminal: neither DISPLAY nor WAYLAND_DISPLAY is set"
    return True, "--gui works"


def lines():
    """(good, what, found, or what to type); good is None for what may well be missing."""
    try:
        yield True, "QEMU", version([qemu.binary(), "--version"])
    except Failure as e:
        yield False, "QEMU", str(e)
    try:
        yield True, "firmware", ", ".join(qemu.firmware_files())
    except Failure as e:
        yield False, "firmware", str(e)
    for tool, package, what, needed in tools():
        path = shutil.which(tool) or shutil.which(tool, path="/usr/sbin:/sbin")
        yield bool(path) or (False if needed else None), tool, path or f"missing, for {what}: {place.get(package) if needed else 'apt-get install ' + package}"
    there = importlib.util.find_spec("elftools")
    yield bool(there), "pyelftools", "there" if there else f"missing, for --add of programs: {place.get('python3-pyelftools')}"
    apt = shutil.which("apt-get")
    yield True if apt else None, "packages", f"--with works ({apt})" if apt else "--with needs apt-get, which only Debian and its kin have; --add brings files"
    good, text = window()
    yield good, "window", text
    for name in ("BOOTX64.EFI", "root.img"):
        path = os.path.join(image.build_folder(False), name)
        yield os.path.exists(path), name, path if os.path.exists(path) else f"not there: {image.missing_helps(False)}"
    why = accel.unusable()
    yield None if why else True, "KVM", f"not used: {why}" if why else f"{accel.DEVICE} is there; --accel auto tries it once"
    try:
        os.makedirs(cache.home(), exist_ok=True)
        total = sum(cache.bytes_of(os.path.join(cache.home(), kind)) for kind in os.listdir(cache.home()))
        yield os.access(cache.home(), os.W_OK) or None, "cache", f"{cache.home()}: {total >> 20} MiB of {cache.limit() >> 20}; rm -r {cache.home()} empties it"
    except OSError as e:
        yield None, "cache", f"{cache.home()}: {e.strerror}: each run makes its image and boots anew; XDG_CACHE_HOME=FOLDER names another place"
    free = shutil.disk_usage(tempfile.gettempdir()).free
    yield free >= FREE_MIN, "temporary", f"{tempfile.gettempdir()}: {free >> 20} MiB free{'' if free >= FREE_MIN else f', a run wants {FREE_MIN >> 20}; TMPDIR=FOLDER names another place'}"
    memory = os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
    yield memory >= 2 << 30 or None, "memory", f"{memory >> 20} MiB, {os.cpu_count()} CPUs{'' if memory >= 2 << 30 else '; --mem 256M takes less than the usual 1G'}"


def report() -> int:
    print(f"aril {place.version()}, {'installed in' if place.INSTALLED else 'a checkout in'} {place.TOP}")
    bad = 0
    for good, what, text in lines():
        bad += good is False
        print(f"{'--' if good is None else 'ok' if good else 'NO'}  {what:12} {text}")
    return 125 if bad else 0

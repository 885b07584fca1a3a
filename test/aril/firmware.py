# SPDX-License-Identifier: MIT
"""Owns saved machines whose firmware has done its part: each stands where it was to read the first byte of its disk, so that no
image and no setting can be in it. Most of a boot's time is the firmware's; whoever goes on from there pays the rest alone.
Kept by the hash of QEMU, its arguments, the files that those name, and the disk's size; made for what is asked for twice."""

import fcntl
import os
import re
import time
from typing import Optional, Sequence

from . import cache, qemu, snapshot
from .failure import Failure

KIND = "firmware"
REACH_SECONDS = 90
# QEMU stops the machine at this error, and the machine asks again when it goes on.
STOPPING = "if=none,id=disk,driver=raw,file.driver=blkdebug,file.image.filename={},file.inject-error.0.event=read_aio,file.inject-error.0.errno=5,rerror=stop"
# Controllers whose waiting requests QEMU saves.
CONTROLLERS = ("virtio-blk-pci,", "usb-storage,", "ide-hd,")


def is_possible(command: Sequence[str]) -> bool:
    """Whether a machine of this command line can be saved: where time is counted, or others hold its memory, it cannot."""
    has_disk = any(word.startswith(CONTROLLERS) and "drive=disk" in word for word in command)
    return has_disk and not any(word in ("-icount", "-gdb", "kvm") or "ivshmem" in word for word in command)


def run_name() -> str:
    """Of the run of tests that asks, if it is one: what that asks for once stays as it is in the next run too."""
    return os.environ.get("ARIL_TESTS", "")


def key(folder: str, command: Sequence[str], disk: str) -> str:
    """folder: the run's own, which is another each time. What lies at a path of the command line counts, too."""
    parts = [KIND, snapshot.cpu(), os.path.getsize(disk), cache.digest(qemu.binary())]
    for word in command:
        parts.append(word.replace(disk, "%(disk)").replace(folder, "%(folder)"))
        paths = [word] if word.startswith("/") else re.findall(r"=(/[^,]*)", word)
        parts += [cache.digest(path) for path in paths if path != disk and os.path.isfile(path)]
    return cache.key(*parts)


def memory(command: Sequence[str], at: str, shared: bool) -> list[str]:
    """The machine's memory as a file."""
    size = command[command.index("-m") + 1]
    return ["-object", f"memory-backend-file,id=ram,size={size},mem-path={qemu.comma(os.path.join(at, 'ram'))},share={'on' if shared else 'off'}",
            "-machine", "memory-backend=ram"]


def stopping(command: Sequence[str], disk: str) -> list[str]:
    return [STOPPING.format(qemu.comma(disk)) if word.startswith("if=none,id=disk,") else word for word in command]


def stopped(machine: qemu.Machine, before: str, seconds: float) -> None:
    """Waits until it stands at its disk's first byte. before: QEMU's word for what it does until then."""
    end = time.monotonic() + seconds
    while "io-error" not in (said := machine.ask("info status")):
        if before not in said or time.monotonic() > end:
            raise snapshot.Unsaved(f"the firmware reads no disk: {said}")
        time.sleep(0.02)


def make(machine: qemu.Machine, command: Sequence[str], disk: str, at: str) -> None:
    """Starts it, waits until its firmware wants to read, saves."""
    os.mkdir(at)
    machine.launch([*stopping(command, disk), *memory(command, at, True)])
    try:
        stopped(machine, "running", REACH_SECONDS)
        snapshot.save(machine, os.path.join(at, "state"))
    finally:
        machine.end()
    snapshot.thin(os.path.join(at, "ram"))


def keep(machine: qemu.Machine, command: Sequence[str], disk: str) -> Optional[str]:
    """The folder with such a machine; None: there is none yet, and this one starts with its power."""
    name = key(machine.folder, command, disk)
    at = cache.get(KIND, name)
    if at or not cache.seen(f"{KIND}-{run_name()}-{name}"):
        return at
    try:
        with open(cache.path("seen", f"lock-{name}"), "wb") as f:
            # Another run is at it: nobody waits.
            fcntl.flock(f, fcntl.LOCK_EX | fcntl.LOCK_NB)
            return cache.get(KIND, name) or cache.put(KIND, name, lambda to: make(machine, command, disk, to))
    except OSError:
        return None


def start(machine: qemu.Machine, command: Sequence[str], disk: str) -> bool:
    """Starts the machine of that command line, whose first disk is `disk`; whether it goes on from a saved one."""
    kept = keep(machine, command, disk) if is_possible(command) else None
    if kept:
        try:
            machine.launch([*command, *memory(command, kept, False), "-incoming", "defer"])
            with open(os.path.join(kept, "state"), "rb") as state:
                snapshot.load(machine, state)
            stopped(machine, "inmigrate", snapshot.START_SECONDS)
            machine.ask("cont")
            machine.talk_end() # the monitor hears one at a time
            return True
        except (OSError, Failure):
            machine.end()
            cache.remove(kept)
    is_first = machine.process is None
    machine.launch(command)
    if not is_first:
        # Until this QEMU has opened the pipes, the end of the one before is what a reader would see.
        machine.ask("info status")
        machine.talk_end()
    return False

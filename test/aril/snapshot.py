# SPDX-License-Identifier: MIT
"""Owns the saved machine that runs go on from: booted once, saved where its monitor waits for what is to be run (`run = channel`, apps/linux/monitor_run.c), kept by
the hash of all that made it. Its memory is a file that every run maps for itself, so that a run writes nothing and reads only what it touches."""

import fcntl
import os
import re
import secrets
import struct
import subprocess
import time
from typing import Callable, Optional, Sequence

from . import cache, channel, conf, image, qemu, session, share
from .failure import Failure

KIND = "snapshot"
READY = re.compile(rb"monitor: waits for its run over (virtio|COM2)\r?$", re.MULTILINE)
# What the guest has room for (RUN_TEXT, apps/linux/monitor.h).
SETTINGS_MAX = 16384
SAVE_SECONDS = 60
START_SECONDS = 20


class Unsaved(Failure):
    """The machine runs, and cannot be saved or begun again: without a snapshot it works."""


class Watch(session.Session):
    """Until the guest waits."""

    ready = False

    def on_line(self, line: bytes) -> None:
        self.ready = self.ready or READY.search(line) is not None

    def run(self) -> None:
        while not self.ready:
            if not self.step():
                said = self.machine.said()
                raise Failure(f"the machine went off without a status{': QEMU: ' + said if said else ''}")


def memory(folder: str, mem: int, share: bool) -> list[str]:
    """QEMU's arguments for a machine whose memory is a file: written when it is saved, copied on write later. It has no AHCI: QEMU does not load one whose
    firmware had it at work and whose bus mastering was switched off since."""
    return ["-object", f"memory-backend-file,id=ram,size={mem >> 10}k,mem-path={qemu.comma(os.path.join(folder, 'ram'))},share={'on' if share else 'off'}",
            "-machine", "memory-backend=ram,sata=off"]


def settings_boot() -> str:
    return conf.lines([*conf.boot_settings("linux"), ("run", "channel")])


def cpu() -> str:
    """The counter of time in the saved state is that of this processor."""
    try:
        with open("/proc/cpuinfo", encoding="utf-8", errors="replace") as f:
            return "".join(line for line in f.read().split("\n\n")[0].split("\n") if line.startswith("model name"))
    except OSError:
        return ""


def key(source: image.Source, mem: int, shared: bool) -> str:
    return cache.key(KIND, settings_boot(), cpu(), *qemu.hardware(mem), *qemu.devices("", "", "", "", True), *(share.saved_devices([], "") if shared else ()), source.root_sum(), *(cache.digest(path) for path in [
        source.efi, qemu.binary(), *qemu.firmware_files()]))


def save(machine: qemu.Machine, path: str) -> None:
    """The state without the memory. The machine stands still afterwards."""
    machine.ask("migrate_set_capability x-ignore-shared on")
    with open(path, "wb") as f:
        machine.send_file("state", f.fileno())
        machine.ask("migrate -d fd:state")
        end = time.monotonic() + SAVE_SECONDS
        while "Migration status: completed" not in (text := machine.ask("info migrate")):
            if "failed" in text or "cancel" in text or time.monotonic() > end:
                raise Unsaved(f"QEMU could not save the machine: {' '.join(text.split())[:200]}")
            time.sleep(0.01)


def thin(path: str) -> None:
    """Gives back what pages of zeros take of the disk, a good third; where that cannot be, they stay."""
    try:
        subprocess.run(["fallocate", "--dig-holes", path], stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, check=False)
    except OSError:
        pass


def load(machine: qemu.Machine, state) -> None:
    """Has a QEMU that waits for it (`-incoming defer`) read that open file."""
    machine.ask("migrate_set_capability x-ignore-shared on")
    machine.send_file("state", state.fileno())
    machine.ask("migrate_incoming fd:state")


def make(to: str, source: image.Source, mem: int, shared: bool, watch: Callable[[qemu.Machine], Watch], start: Callable[..., qemu.Machine]) -> None:
    """Boots and saves. start(disk, log, kept, more): a machine of the run's own; watch(machine): a Watch with the run's limits. QEMU saves no machine of which
    a folder is mounted: its guest has not, and the folders are those of whoever goes on from it."""
    os.mkdir(to)
    disk = os.path.join(to, "disk")
    source.make(settings_boot(), disk)
    empty = os.path.join(to, "empty")
    if shared:
        os.mkdir(empty)
    machine = start(disk, os.path.join(to, "log"), True, [*memory(to, mem, True), *(share.saved_devices([], empty) if shared else ())])
    try:
        watch(machine).run()
        save(machine, os.path.join(to, "state"))
    finally:
        machine.stop()
    thin(os.path.join(to, "ram"))


def keep(source: image.Source, mem: int, shared: bool, watch, start) -> Optional[str]:
    """The folder of the snapshot for such a machine, shared: one that can show folders of the host; made now if need be. None: there is none, and this run starts
    cold."""
    name = key(source, mem, shared)
    at = cache.get(KIND, name)
    if at:
        return at
    lock = cache.path("seen", "lock-" + name)
    failures = []

    def guarded(to):
        try:
            make(to, source, mem, shared, watch, start)
        except (Failure, OSError) as e:
            failures.append(e)
            raise
    try:
        os.makedirs(os.path.dirname(lock), exist_ok=True)
        with open(lock, "wb") as f:
            # Another run is at it: nobody waits.
            fcntl.flock(f, fcntl.LOCK_EX | fcntl.LOCK_NB)
            at = cache.get(KIND, name) or cache.put(KIND, name, guarded)
    except OSError:
        return None
    if not at and failures and isinstance(failures[0], Failure) and not isinstance(failures[0], (Unsaved, image.Error)):
        raise failures[0]
    return at


def begin(folder: str, mem: int, shares: Sequence[share.Share], log: str, start) -> qemu.Machine:
    """A machine that goes on from there, with these folders of the host. Its log begins with that of the boot. Raises Unsaved."""
    more = share.saved_devices(shares, os.path.join(folder, "empty")) if shares else []
    try:
        with open(os.path.join(folder, "log"), "rb") as f:
            before = f.read()
        ready = READY.search(before)
        if not ready:
            raise Unsaved(f"{folder}: its log does not say where the machine listens")
        with open(os.path.join(folder, "state"), "rb") as state:
            machine = start(os.path.join(folder, "disk"), log, True, [*memory(folder, mem, False), *more, "-incoming", "defer"])
            try:
                machine.channel.choose(ready.group(1) == b"COM2")
                with open(log, "ab") as f:
                    f.write(before)
                load(machine, state)
                end = time.monotonic() + START_SECONDS
                while "running" not in machine.ask("info status"):
                    if machine.wait(0) or time.monotonic() > end:
                        raise Unsaved(f"QEMU does not go on from {folder}: {machine.said()}")
                    time.sleep(0.002)
            except BaseException:
                machine.stop()
                raise
    except (OSError, Failure) as e:
        raise Unsaved(str(e)) from None
    return machine


def words(settings: str) -> bytes:
    """What such a machine is told first: the settings, the time, and entropy of its own."""
    data = settings.encode("ascii")
    pieces = [channel.frame(b"A", data[at:at + channel.PAYLOAD_MAX]) for at in range(0, len(data), channel.PAYLOAD_MAX)]
    return b"".join(pieces) + channel.frame(b"G", struct.pack("<Q", time.time_ns()) + secrets.token_bytes(32))

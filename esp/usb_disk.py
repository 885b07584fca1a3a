# SPDX-License-Identifier: MIT
"""A disk as /sys and /proc tell of it: what it is, and who uses it. Every reason against writing it is a Refusal. Writes nothing, asks nothing.
For tests only, each in the place of the real one: USB_SYS (/sys), USB_PROC (/proc), USB_DEV (/dev), USB_ANY_FILE=1 (a file stands in for the disk)."""

import os
import re
import stat
from collections.abc import Iterator

from usb_signature import signatures

SYS = os.environ.get("USB_SYS") or "/sys"
PROC = os.environ.get("USB_PROC") or "/proc"
DEV = os.environ.get("USB_DEV") or "/dev"
ANY_FILE = bool(os.environ.get("USB_ANY_FILE"))
BLOCK = os.path.join(SYS, "class", "block")
LIMIT_GIB = 64
MIB = 1 << 20
NO_PLAIN_DISK = re.compile(r"(dm-|md|loop|ram|zram|nbd|sr|fd|drbd)")


class Refusal(Exception):
    """Why this disk is not written, and what to do."""


def text(*path: str) -> str:
    """A file's text without the blanks around it; empty when there is none."""
    try:
        with open(os.path.join(*path), encoding="utf-8", errors="replace") as f:
            return f.read().strip()
    except OSError:
        return ""


def names(*path: str) -> list[str]:
    try:
        return sorted(os.listdir(os.path.join(*path)))
    except OSError:
        return []


class Disk:
    """One whole disk. What it says of itself is read once, who uses it each time that it is asked."""

    def __init__(self, device: str) -> None:
        dev = os.path.realpath(DEV)
        if not device.startswith(DEV + "/"):
            raise Refusal(f"not below {DEV}")
        if not os.path.exists(device):
            raise Refusal("does not exist")
        self.node = os.path.realpath(device)
        if not self.node.startswith(dev + "/"):
            raise Refusal(f"not below {DEV}")
        if not stat.S_ISBLK(os.stat(self.node).st_mode) and not ANY_FILE:
            raise Refusal("not a block device")
        self.dev = dev
        self.name = os.path.basename(self.node)
        self.block = os.path.join(BLOCK, self.name)
        if not os.path.isdir(self.block):
            raise Refusal(f"unknown to the kernel ({self.block} is missing)")
        if os.path.exists(os.path.join(self.block, "partition")):
            raise Refusal("a partition; give the whole disk")
        if NO_PLAIN_DISK.match(self.name):
            raise Refusal("not a plain disk (LVM, RAID, loop, CD and the like are never written)")
        sectors = text(self.block, "size")
        if not sectors.isdigit():
            raise Refusal("its size cannot be read")
        self.size = int(sectors) * 512  # in this file sectors are 512 bytes, whatever the disk's are
        self.sector = int(text(self.block, "queue", "logical_block_size") or 512)
        self.model = f"{text(self.block, 'device', 'vendor')} {text(self.block, 'device', 'model') or 'unknown'}".strip()
        self.serial = self.serial_read()
        # Another one means another disk (or medium) under the same name.
        self.identity = text(self.block, "dev"), text(self.block, "diskseq"), self.serial, self.model, self.size
        self.on_usb = "/usb" in os.path.realpath(self.block)

    def serial_read(self) -> str:
        """Of the disk, or of the USB device that it is part of, some folders up."""
        found = text(self.block, "device", "serial") or text(self.block, "device", "wwid")
        up, top = os.path.realpath(self.block), os.path.realpath(SYS)
        while not found and up not in ("/", top):
            found = text(up, "serial")
            up = os.path.dirname(up)
        return found

    def check(self, forced: bool, confirmed: bool) -> None:
        """What it is."""
        if text(self.block, "ro") == "1":
            raise Refusal("write-protected")
        if text(self.block, "removable") != "1" and not (self.on_usb and forced and confirmed):
            if not self.on_usb:
                raise Refusal("not removable")
            raise Refusal("on USB, but not removable: it calls itself a fixed disk, as USB hard disks do and some sticks too. If it is the "
                          f"stick: FORCE=1 CONFIRM={self.serial or '(it has no serial number, so it cannot be confirmed)'}")
        if not self.size:
            raise Refusal("no medium in it")
        if self.size >> 30 >= LIMIT_GIB and not forced:
            raise Refusal(f"{self.size >> 30} GiB: larger than sticks usually are (limit {LIMIT_GIB} GiB); FORCE=1 if it is one")

    def parts(self) -> list[str]:
        """The disk, its partitions, and every block device on top of them."""
        found = []

        def below(name: str) -> None:
            if name in found:
                return
            found.append(name)
            for child in names(BLOCK, name):
                if os.path.exists(os.path.join(BLOCK, name, child, "partition")):
                    below(child)
            for child in names(BLOCK, name, "holders"):
                below(child)

        below(self.name)
        return found

    def is_part(self, path: str, part: str) -> bool:
        """Whether path, as some file of /proc or /sys has it, is that part's node."""
        own = os.path.join(self.dev, part)
        return path == own or (os.path.exists(path) and os.path.realpath(path) == own)

    def users_check(self) -> None:
        """Who uses it, as far as anything tells; the kernel's own answer comes with the exclusive open."""
        parts = self.parts()
        for part in parts:
            for holder in names(BLOCK, part, "holders"):
                raise Refusal(f"{part} {holder_text(holder)}")
        for mount in mounts():
            for part in parts:
                if mount.number == text(BLOCK, part, "dev") or self.is_part(mount.source, part):
                    raise Refusal(f"{part} holds the root file system" if mount.at == "/" else f"{part} is mounted on {mount.at}; unmount it first")
        for line in text(PROC, "swaps").split("\n")[1:]:
            for part in parts:
                if line and self.is_part(unescape(line.split()[0]), part):
                    raise Refusal(f"{part} is swap in use")
        for pool in names(SYS, "fs", "btrfs"):
            for part in set(parts) & set(names(SYS, "fs", "btrfs", pool, "devices")):
                raise Refusal(f"{part} is a member of a mounted btrfs file system ({pool}); unmount it first")
        for loop in names(BLOCK):
            file = text(BLOCK, loop, "loop", "backing_file") if loop.startswith("loop") else ""
            for part in parts:
                if file and self.is_part(file, part):
                    raise Refusal(f"{part} is what {loop} stands on; losetup -d /dev/{loop} first")
        for pid, what in writers(self.numbers(parts)):
            raise Refusal(f"{what} is open for writing in process {pid} ({text(PROC, pid, 'comm') or 'unknown'})")

    def numbers(self, parts: list[str]) -> dict[int, str]:
        """Device number of each node -> its name."""
        found = {}
        for part in parts:
            path = os.path.join(self.dev, part)
            if os.path.exists(path) and stat.S_ISBLK(os.stat(path).st_mode):
                found[os.stat(path).st_rdev] = part
        return found

    def signatures_check(self) -> None:
        for part in self.parts():
            try:
                for what in signatures(os.path.join(self.dev, part), int(text(BLOCK, part, "size") or 0) * 512):
                    raise Refusal(f"{part} is {what}; FORCE=1 if nobody needs it")
            except OSError as e:
                raise Refusal(f"{part} cannot be read ({e.strerror}); be root, or ask for the right to write it") from e


def holder_text(holder: str) -> str:
    if holder.startswith("md"):
        return f"belongs to the RAID {holder}"
    if holder.startswith("dm-"):
        return f"belongs to LVM or an encrypted volume ({holder})"
    return f"is used by {holder}"


def unescape(word: str) -> str:
    """Blanks and backslashes stand as octal numbers in /proc's tables."""
    return re.sub(r"\\([0-7]{3})", lambda m: chr(int(m.group(1), 8)), word)


class Mount:
    """A line of mountinfo (proc(5)): number is major:minor, whatever name the mount used; btrfs and overlays show a number of their own."""

    def __init__(self, line: str) -> None:
        words, rest = line.split(" - ", 1)
        self.number, self.at = words.split()[2], unescape(words.split()[4])
        self.source = unescape(rest.split()[1])


def mounts() -> Iterator[Mount]:
    """Of every mount namespace that can be looked into: the own one must be readable."""
    seen = set()
    for pid in ["self", *filter(str.isdigit, names(PROC))]:
        table = os.path.join(PROC, pid, "mountinfo")
        try:
            space = os.readlink(os.path.join(PROC, pid, "ns", "mnt"))
        except OSError:
            space = table
        if space in seen:
            continue
        seen.add(space)
        try:
            with open(table, encoding="utf-8", errors="surrogateescape") as f:
                lines = f.read().splitlines()
        except OSError as e:
            if pid == "self":
                raise Refusal(f"{table} cannot be read, so nobody knows what is mounted") from e
            continue
        for line in lines:
            yield Mount(line)


def writers(numbers: dict[int, str]) -> Iterator[tuple[str, str]]:
    """(pid, name) of each other process that has one of these devices open for writing: a virtual machine, another writer."""
    for pid in filter(str.isdigit, names(PROC)):
        for fd in names(PROC, pid, "fd"):
            path = os.path.join(PROC, pid, "fd", fd)
            try:
                # What is not below some /dev may lie on a server that does not answer.
                number = os.stat(path).st_rdev if "/dev/" in os.readlink(path) else None
            except OSError:
                continue
            flags = re.search(r"^flags:\s+([0-7]+)$", text(PROC, pid, "fdinfo", fd), re.M)
            if number in numbers and int(pid) != os.getpid() and flags and int(flags.group(1), 8) & os.O_ACCMODE:
                yield pid, numbers[number]

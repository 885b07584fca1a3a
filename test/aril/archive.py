# SPDX-License-Identifier: MIT
"""Owns what --add brings over the channel: a tar archive that is made while it is sent, so that nothing of it is written on this host. Its size is known before;
what a file has more by then stays away, and one that has less is a failure."""

import os
import posixpath
import stat
import tarfile
from typing import Iterator, List, Optional, Sequence

from . import failure, image
from .failure import Failure

BLOCK = tarfile.BLOCKSIZE
END = bytes(2 * BLOCK)
PIECE = 1 << 16
# `unpack` of a run's settings is a number of 31 bits (apps/linux/monitor_config.c).
MOST = (1 << 31) - 16
TYPES = {stat.S_IFREG: tarfile.REGTYPE, stat.S_IFDIR: tarfile.DIRTYPE, stat.S_IFLNK: tarfile.SYMTYPE, stat.S_IFIFO: tarfile.FIFOTYPE}


class Entry:
    """One name: its header, and the file whose content follows, or that content."""

    def __init__(self, name: str, path: str, status: os.stat_result):
        self.path, self.content = path, b""
        info = tarfile.TarInfo(name)
        info.type = TYPES[stat.S_IFMT(status.st_mode)]
        info.mode = stat.S_IMODE(status.st_mode)
        # Who runs the driver is root in the guest; all others keep their numbers.
        info.uid = 0 if status.st_uid == os.geteuid() else status.st_uid
        info.gid = 0 if status.st_gid == os.getegid() else status.st_gid
        info.mtime = max(0, int(status.st_mtime))
        if info.issym():
            info.linkname = os.readlink(path)
        elif info.isreg():
            self.file_look(info, status)
        self.size = info.size
        self.header = info.tobuf(tarfile.GNU_FORMAT, "utf-8", "surrogateescape")

    def file_look(self, info: tarfile.TarInfo, status: os.stat_result) -> None:
        try:
            with open(self.path, "rb") as f:
                # Files of /proc and /sys have a content and no size.
                self.content = b"" if status.st_size else f.read()
        except OSError as e:
            raise Failure(f"--add: {self.path}: {e.strerror}") from None
        info.size = status.st_size or len(self.content)

    def hard_link(self, name: str, first: str) -> "Entry":
        """A further name of a file that the archive has already."""
        info = tarfile.TarInfo(name)
        info.type, info.linkname = tarfile.LNKTYPE, first
        self.header, self.size, self.content = info.tobuf(tarfile.GNU_FORMAT, "utf-8", "surrogateescape"), 0, b""
        return self

    def total(self) -> int:
        return len(self.header) + (self.size + BLOCK - 1) // BLOCK * BLOCK

    def pieces(self) -> Iterator[bytes]:
        yield self.header
        if self.content or not self.size:
            yield self.content
        else:
            yield from file_pieces(self.path, self.size)
        yield bytes(-self.size % BLOCK)


def file_pieces(path: str, size: int) -> Iterator[bytes]:
    try:
        with open(path, "rb", buffering=0) as f:
            while size:
                data = f.read(min(size, PIECE))
                if not data:
                    raise Failure(f"--add: {path}: it became shorter while it was sent")
                size -= len(data)
                yield data
    except OSError as e:
        raise Failure(f"--add: {path}: {e.strerror}") from None


def entries(pair: str) -> List[Entry]:
    """Of one HOST:GUEST. Folders come behind all that lies in them, which would change their times."""
    host, guest = image.pair_split(pair)
    base = posixpath.normpath(guest).strip("/") or "."
    found, folders, names = [], [], {}
    if os.path.isdir(host) and not os.path.islink(host):
        folders.append(Entry(base, host, os.stat(host)))
    for below, path, status in image.files_below(host):
        name = posixpath.normpath(posixpath.join(base, below))
        if stat.S_IFMT(status.st_mode) not in TYPES:
            failure.say(f"--add {pair}: {path} is left out: it is a device or a socket")
            continue
        one = Entry(name, path, status)
        if stat.S_ISDIR(status.st_mode):
            folders.append(one)
        elif stat.S_ISREG(status.st_mode) and status.st_nlink > 1 and (status.st_dev, status.st_ino) in names:
            found.append(one.hard_link(name, names[status.st_dev, status.st_ino]))
        else:
            names[status.st_dev, status.st_ino] = name
            found.append(one)
    return found + folders[::-1]


class Archive:
    """Of these HOST:GUEST pairs, those of later ones over those of former ones. May be read as often as it is begun."""

    def __init__(self, pairs: Sequence[str]):
        self.entries = [entry for pair in pairs for entry in entries(pair)]
        self.size = sum(entry.total() for entry in self.entries) + len(END)
        if self.size > MOST:
            raise Failure(f"--add: {self.size >> 20} MiB is too much: 2 GiB at most; --share shows a folder as it lies here")

    def pieces(self) -> Iterator[bytes]:
        for entry in self.entries:
            yield from entry.pieces()
        yield END

    def begin(self) -> "Reader":
        return Reader(self)


class Reader:
    """One reading of it. left: bytes that were not read yet."""

    def __init__(self, archive: Archive):
        self.pieces, self.size, self.left, self.rest = archive.pieces(), archive.size, archive.size, b""

    def read(self, most: int) -> bytes:
        """So many bytes, or all that is left."""
        parts, have = [self.rest], len(self.rest)
        while have < min(most, self.left):
            parts.append(next(self.pieces))
            have += len(parts[-1])
        data = b"".join(parts)
        self.rest = data[most:]
        self.left -= min(most, len(data))
        return data[:most]


def is_sent(app: str, traced: bool, counted: bool, pairs: Sequence[str]) -> bool:
    """Whether these go over the channel. Else they lie in the image: where nobody unpacks them (another app), where unpacking would be in what is looked at, and
    what the boot itself reads, which is /aril."""
    if app != "linux" or traced or counted:
        return False
    return not any(is_of_boot(*image.pair_split(pair)) for pair in pairs)


def is_of_boot(host: str, guest: str) -> bool:
    parts: List[str] = posixpath.normpath(guest).strip("/").split("/")
    below: Optional[str] = None if parts[0] else os.path.join(host, "aril")
    return parts[0] == "aril" or (below is not None and os.path.lexists(below))

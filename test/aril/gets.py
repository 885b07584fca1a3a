# SPDX-License-Identifier: MIT
"""Owns what --get brings out: files and whole folders, written beside their place and moved there when they are complete. The guest is not trusted: nothing is
written outside of what was asked for."""

import os
import shutil
import stat
import struct
from typing import Optional

from .failure import Failure


class Item:
    """One file, folder or link that is coming in."""

    def __init__(self, host: Optional[str], mode: int, size: int, guest: str):
        self.host, self.mode, self.size, self.guest = host, mode, size, guest
        self.got = 0
        self.target = b""
        self.file = None


class Gets:
    """wanted: guest path -> path here. What has come is taken out of it; errors: lines for the user."""

    def __init__(self, wanted: dict):
        self.wanted = dict(wanted)
        self.errors: list[str] = []
        self.open: list[Item] = []

    def fail(self, item: Item, e: OSError) -> None:
        raise Failure(f"--get {item.guest}: {item.host.removesuffix('.part')}: {e.strerror}") from None

    def place(self, guest: str) -> Optional[str]:
        """Where it is to be written first. None: nobody asked."""
        if not self.open:
            host = self.wanted.get(guest)
            return host.rstrip("/") + ".part" if host else None
        top = self.open[-1]
        head, _, name = guest.rpartition("/")
        if top.host is None:
            return None
        if not stat.S_ISDIR(top.mode) or head != top.guest.rstrip("/") or name in ("", ".", ".."):
            raise Failure(f"the channel is dead: {guest} came inside of {top.guest}")
        return os.path.join(top.host, name)

    def begin(self, payload: bytes) -> None:
        mode, size = struct.unpack_from("<IQ", payload)
        guest = payload[12:].decode("utf-8", "surrogateescape")
        item = Item(self.place(guest), mode, size, guest)
        is_top = not self.open
        self.open.append(item)
        if item.host is None:
            return
        try:
            if is_top:
                remove(item.host)
            if stat.S_ISDIR(mode):
                os.mkdir(item.host, 0o700)
            elif not stat.S_ISLNK(mode):
                item.file = os.fdopen(os.open(item.host, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW, 0o600), "wb")
        except OSError as e:
            self.fail(item, e)

    def data(self, payload: bytes) -> None:
        if not self.open:
            return
        item = self.open[-1]
        item.got += len(payload)
        if stat.S_ISLNK(item.mode):
            item.target += payload
        elif item.file:
            try:
                item.file.write(payload)
            except OSError as e:
                self.fail(item, e)

    def end(self, error: int) -> None:
        if not self.open:
            return
        item = self.open.pop()
        if item.host is None:
            return
        try:
            if item.file:
                item.file.close()
            if error == 0 and not stat.S_ISDIR(item.mode) and item.got != item.size:
                error = -5
            if error:
                remove(item.host)
                self.errors.append(f"--get {item.guest}: {os.strerror(-error)}")
            elif stat.S_ISLNK(item.mode):
                os.symlink(item.target, os.fsencode(item.host))
            else:
                os.chmod(item.host, item.mode & 0o7777)
            if not self.open:
                to = self.wanted.pop(item.guest)
                if not error:
                    self.place_top(item, to.rstrip("/") or "/")
        except OSError as e:
            self.fail(item, e)

    def place_top(self, item: Item, to: str) -> None:
        """As cp -r does: into a folder that is there, if it is a file."""
        if os.path.isdir(to) and not stat.S_ISDIR(item.mode):
            to = os.path.join(to, os.path.basename(item.guest))
        move(item.host, to)

    def drop(self) -> None:
        """What came half goes: the run is over."""
        for item in self.open:
            if item.file:
                try:
                    item.file.close()
                except OSError:
                    pass
        if self.open and self.open[0].host:
            remove(self.open[0].host)
        self.open = []


def remove(path: str) -> None:
    if os.path.isdir(path) and not os.path.islink(path):
        shutil.rmtree(path)
    elif os.path.lexists(path):
        os.unlink(path)


def move(part: str, to: str) -> None:
    """A file takes the place of another; a folder's content goes into the folder that is there."""
    if os.path.isdir(part) and not os.path.islink(part) and os.path.isdir(to):
        for name in os.listdir(part):
            move(os.path.join(part, name), os.path.join(to, name))
        shutil.copymode(part, to)
        os.rmdir(part)
    else:
        os.replace(part, to)

# SPDX-License-Identifier: MIT
"""Owns what is kept between runs, of all checkouts: files and folders by the hash of what they were made from, below $XDG_CACHE_HOME/aril. Bounded: what
was not used for longest goes first. A cache that cannot be written is none, and runs go on without."""

import hashlib
import os
import re
import shutil
import time
from typing import Callable, Optional

from .failure import Failure

LIMIT = 2 << 30
# Seconds for which what a run has used stays, since the run may not have opened it yet. Files of trees are opened one by
# one, and fetched again at the price of a network.
GRACE = 300
GRACE_KINDS = {"archives": 3600, "packages": 3600}


def home() -> str:
    base = os.environ.get("XDG_CACHE_HOME") or ""
    if not os.path.isabs(base):
        base = os.path.join(os.path.expanduser("~"), ".cache")
    return os.path.join(base, "aril")


def limit() -> int:
    try:
        return int(os.environ["ARIL_CACHE_MAX"])
    except (KeyError, ValueError):
        return LIMIT


def key(*parts) -> str:
    h = hashlib.sha256()
    for part in parts:
        data = part if isinstance(part, bytes) else str(part).encode("utf-8", "surrogateescape")
        h.update(b"%d:" % len(data) + data)
    return h.hexdigest()[:32]


def path(kind: str, name: str) -> str:
    return os.path.join(home(), kind, name)


def get(kind: str, name: str) -> Optional[str]:
    """Where it is, marked as used now; None: it is not there."""
    at = path(kind, name)
    try:
        os.utime(at)
        return at
    except FileNotFoundError:
        return None
    except OSError:
        return at if os.path.exists(at) else None


def put(kind: str, name: str, make: Callable[[str], None]) -> Optional[str]:
    """Has make(path) write it, and takes it in whole. None: there is no room, or no such folder for us."""
    at = path(kind, name)
    new = f"{at}.{os.getpid()}.new"
    try:
        os.makedirs(os.path.dirname(at), exist_ok=True)
        make(new)
        if os.path.isdir(new) and os.path.isdir(at):
            remove(new) # somebody was faster
        else:
            os.replace(new, at)
        os.utime(at)
    except (OSError, Failure):
        remove(new)
        return None
    except BaseException:
        remove(new)
        raise
    trim(at)
    return at


def keep(kind: str, name: str, make: Callable[[str], None], otherwise: str) -> str:
    """What is there or is made now; made at `otherwise`, for this run alone, where nothing can be kept."""
    at = get(kind, name) or put(kind, name, make)
    if at is None:
        make(otherwise)
        at = otherwise
    return at


def seen(name: str) -> bool:
    """Whether this was asked before: what is made once is not worth keeping. From now on it was."""
    if get("seen", name):
        return True
    put("seen", name, lambda at: open(at, "wb").close())
    return False


def remove(at: str) -> None:
    if os.path.isdir(at) and not os.path.islink(at):
        shutil.rmtree(at, ignore_errors=True)
    else:
        try:
            os.unlink(at)
        except OSError:
            pass


def bytes_of(at: str) -> int:
    """On the disk: images have holes."""
    if not os.path.isdir(at):
        return os.lstat(at).st_blocks * 512
    total = 0
    for folder, _, files in os.walk(at):
        for name in files:
            try:
                total += os.lstat(os.path.join(folder, name)).st_blocks * 512
            except OSError:
                pass
    return total


def maker(name: str) -> Optional[str]:
    """The number of the process that makes this, or was killed while it did; None: it is whole."""
    m = re.search(r"\.(\d+)\.new$", name)
    return m and m.group(1)


def trim(new: str = "") -> None:
    """Down to the limit; what has just been made stays."""
    items = []
    total = 0
    now = time.time()
    for kind in ("archives", "digest", "firmware", "packages", "root", "seen", "snapshot"):
        try:
            names = os.listdir(path(kind, ""))
        except OSError:
            continue
        for name in names:
            at = path(kind, name)
            try:
                used, size = os.lstat(at).st_mtime, bytes_of(at)
            except OSError:
                continue
            if maker(name) and not os.path.exists(f"/proc/{maker(name)}"):
                remove(at)
                continue
            total += size
            # The time of a tree in the making is what tar gave its top last.
            if at != new and not maker(name) and now - used >= GRACE_KINDS.get(kind, GRACE):
                items.append((used, size, at))
    for _, size, at in sorted(items):
        if total <= limit():
            break
        remove(at)
        total -= size


def digest(file: str) -> str:
    """SHA-256 of a file's content, remembered while it has the same size, time and number."""
    try:
        s = os.stat(file)
    except OSError as e:
        raise Failure(f"{file}: {e.strerror}") from None
    name = key(os.path.realpath(file), s.st_size, s.st_mtime_ns, s.st_ctime_ns, s.st_ino)
    at = get("digest", name)
    if at:
        try:
            with open(at, encoding="ascii") as f:
                known = f.read()
            if len(known) == 64:
                return known
        except (OSError, UnicodeDecodeError):
            pass
    h = hashlib.sha256()
    with open(file, "rb") as f:
        while piece := f.read(1 << 20):
            h.update(piece)

    def write(new):
        with open(new, "w", encoding="ascii") as f:
            f.write(h.hexdigest())
    put("digest", name, write)
    return h.hexdigest()

# SPDX-License-Identifier: MIT
"""Owns what a machine boots from: the root tree with packages and added files merged in, and the disk image around it. What is the same for many runs is kept
in the cache; the rest lies in the run's own folder."""

import os
import shutil
import stat
import subprocess
from typing import Optional, Sequence

from . import cache, place
from .failure import Failure

TOP = place.TOP


class Error(Failure):
    """The image cannot be made; the message names the file and what to do."""


def build_folder(debug):
    return os.path.join(TOP, "build", "debug") if debug else os.path.join(TOP, "build")


def missing_helps(debug: bool) -> str:
    if not place.INSTALLED:
        return f"run `make {'DEBUG=1 ' if debug else ''}all` first"
    return "--debug wants a checkout, and `make DEBUG=1 all` in it" if debug else "install aril again"


def tree_path(tree, guest):
    """Where the guest's absolute path lies in the tree. Links are followed inside the tree, never out into the host; missing folders are made."""
    todo = [part for part in guest.split("/") if part not in ("", ".")]
    done = []
    links = 0
    while todo:
        part = todo.pop(0)
        if part == "..":
            done = done[:-1]
            continue
        here = os.path.join(tree, *done, part)
        if todo and os.path.islink(here):
            links += 1
            if links > 40:
                raise Error(f"--add: {guest}: too many symbolic links in the root tree")
            target = os.readlink(here)
            if target.startswith("/"):
                done = []
            todo = [p for p in target.split("/") if p not in ("", ".")] + todo
            continue
        done.append(part)
        if todo and not os.path.isdir(here):
            if os.path.lexists(here):
                raise Error(f"--add: {guest}: {'/'.join(done)} is not a folder")
            os.mkdir(here, 0o755)
    return os.path.join(tree, *done)


def add(tree, pair):
    """HOST:GUEST. A file becomes GUEST; a folder's content goes below GUEST. Modes, times and links are kept."""
    host, guest = pair_split(pair)
    if os.path.isdir(host) and not os.path.islink(host):
        to = tree_path(tree, guest + "/.")
        os.makedirs(to, exist_ok=True)
        command = ["cp", "-a", "--remove-destination", host.rstrip("/") + "/.", to + "/"]
    else:
        command = ["cp", "-a", "-T", "--remove-destination", host, tree_path(tree, guest)]
    call(command)


def pair_split(pair: str) -> tuple[str, str]:
    host, colon, guest = pair.rpartition(":")
    if not colon or not host or not guest.startswith("/"):
        raise Error(f"--add {pair}: not HOST:GUEST with an absolute GUEST path")
    if not os.path.lexists(host):
        raise Error(f"--add {pair}: {host} does not exist")
    return host, guest


def files_below(host: str):
    """(path below it, path here, lstat) of a file ("" is its path) or of what a folder holds, folders before their content."""
    if not os.path.isdir(host) or os.path.islink(host):
        yield "", host, os.lstat(host)
        return
    todo = [""]
    while todo:
        below = todo.pop()
        with os.scandir(os.path.join(host, below)) as entries:
            found = sorted(entries, key=lambda e: e.name)
        for entry in found:
            path = os.path.join(below, entry.name)
            yield path, entry.path, entry.stat(follow_symlinks=False)
            if entry.is_dir(follow_symlinks=False):
                todo.append(path)


def pairs_key(pairs: Sequence[str]) -> str:
    """The same for the same files: names, modes, times and contents."""
    parts = []
    for pair in pairs:
        host, guest = pair_split(pair)
        parts += [guest, os.path.isdir(host) and not os.path.islink(host)]
        for below, path, s in files_below(host):
            parts += [below, s.st_mode, s.st_mtime_ns]
            if stat.S_ISLNK(s.st_mode):
                parts.append(os.readlink(path))
            elif stat.S_ISREG(s.st_mode):
                parts.append(cache.digest(path) if s.st_size > 1 << 20 else open_read(path))
    return cache.key(*parts)


def open_read(path: str) -> bytes:
    with open(path, "rb") as f:
        return f.read()


def call(command):
    try:
        done = subprocess.run(command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, check=False)
    except FileNotFoundError:
        raise Error(f"{command[0]}: not installed{'' if place.INSTALLED else ': make deps'}") from None
    if done.returncode:
        text = done.stdout.decode("utf-8", "replace").strip()
        name = os.path.basename(command[0]) + ": "
        raise Error(f"{'' if text.startswith(name) else name}{text or 'status %d' % done.returncode}")


# Another when getpackages puts other packages into the tree of the same names.
PACKAGE_RULES = 3


def package_list(names: Sequence[str]) -> list[str]:
    return sorted({name for text in names for name in text.replace(",", " ").split()})


def packages(names):
    """The unpacked tree of these Debian packages with their dependencies, in the cache; fetched the first time."""
    names = package_list(names)
    name = "+".join(names)
    name = (name if len(name) <= 100 else cache.key(name)) + f".{PACKAGE_RULES}"
    tree = cache.get("packages", name)
    if not tree or not cache.get("packages", name + ".list"):
        tree = cache.path("packages", name)
        call([os.path.join(TOP, "esp", "getpackages"), tree, *names])
        cache.trim(tree)
    return tree


def root_choose(build, app):
    """Root image and its tree: those of the suite for an app that only they carry."""
    if not os.path.exists(os.path.join(build, "roottree", "aril", app)) and os.path.exists(os.path.join(build, "roottree-test", "aril", app)):
        return os.path.join(build, "root-test.img"), os.path.join(build, "roottree-test")
    return os.path.join(build, "root.img"), os.path.join(build, "roottree")


def tree_make(tree, base, adds, names):
    """A copy of the root tree `base` with packages and added files merged in."""
    os.mkdir(tree, 0o755)
    for entry in sorted(os.scandir(base), key=lambda e: e.name):
        to = os.path.join(tree, entry.name)
        if entry.is_dir(follow_symlinks=False) and not os.access(entry.path, os.R_OK | os.X_OK):
            # /root of a checkout that root has built: nobody else sees that it is empty.
            os.mkdir(to, stat.S_IMODE(entry.stat().st_mode))
        else:
            call(["cp", "-a", entry.path, to])
    if names:
        call([os.path.join(TOP, "esp", "addpackages"), tree, packages(names), os.path.join(TOP, "esp", "root")])
    for pair in adds:
        add(tree, pair)


class Source:
    """What one run boots: the loader, and a root image with packages and added files. Needs `folder` for what is not kept."""

    def __init__(self, folder: str, debug: bool, app: str, adds: Sequence[str], names: Sequence[str]):
        self.folder = folder
        build = build_folder(debug)
        self.efi = os.path.join(build, "BOOTX64.EFI")
        self.root, self.tree = root_choose(build, app)
        for need in (self.efi, self.root):
            if not os.path.exists(need):
                raise Error(f"{os.path.relpath(need, TOP)} is missing: {missing_helps(debug)}")
        names = package_list(names)
        self.kept_as = "" # its name among the kept images, which is that of what it was made from
        if adds or names:
            self.root = self.root_with(list(adds), names)

    def root_with(self, adds: list[str], names: list[str]) -> str:
        parts = [cache.digest(self.root)]
        if names:
            parts.append(open_read(packages(names) + ".list"))
        if adds:
            parts.append(pairs_key(adds))
        parts += [cache.digest(os.path.join(TOP, "esp", tool)) for tool in ("addpackages", "mkroot")]
        name = cache.key(*parts) + ".img"

        def make(to):
            tree = os.path.join(self.folder, "tree")
            tree_make(tree, self.tree, adds, names)
            call([os.path.join(TOP, "esp", "mkroot"), tree, to])
            shutil.rmtree(tree, ignore_errors=True)
        own = os.path.join(self.folder, "root.img")
        self.kept_as = name
        if adds and not cache.get("root", name) and not cache.seen("root-" + name):
            make(own)
            return own
        return cache.keep("root", name, make, own)

    def root_sum(self) -> str:
        """The same for the same root image. Of a kept one nothing is read: that it is used changes its times, by which a file's sum is remembered."""
        return self.kept_as or cache.digest(self.root)

    def root_size(self) -> int:
        return os.path.getsize(self.root)

    def make(self, conf: Optional[str], to: str) -> None:
        """The disk image; conf: text of aril.conf, or None for an image without one."""
        command = [os.path.join(TOP, "esp", "mkimage"), "--efi", self.efi, "--root", self.root]
        if conf is not None:
            path = os.path.join(self.folder, "aril.conf")
            with open(path, "w", encoding="ascii") as f:
                f.write(conf)
            command += ["--conf", path]
        call(command + [to])

    def disk(self, conf: Optional[str]) -> str:
        """One for this run alone, which may write to it."""
        to = os.path.join(self.folder, "disk.img")
        self.make(conf, to)
        return to


def make(folder, debug, app, adds, conf, names=()):
    """Makes the disk image of one run in its own folder. Returns its path."""
    return Source(folder, debug, app, adds, names).disk(conf)

# SPDX-License-Identifier: MIT
"""Owns what a guest's tree will hold, before it is made: for telling why an added program would not start."""

import os
from typing import Sequence

from . import elf, failure, image
from .failure import Failure

PATH = "/usr/sbin:/usr/bin:/sbin:/bin"
MERGED = ("bin", "sbin", "lib", "lib64")


def other_name(path: str) -> str:
    """/lib/x and /usr/lib/x are one in a merged tree. Where they are not, this only makes us silent."""
    first = path.split("/")[1] if path.startswith("/") else ""
    if first in MERGED:
        return "/usr" + path
    return path.removeprefix("/usr") if path.startswith("/usr/") else path


class Tree:
    """The root tree `base`, packages, and pairs of --add over it."""

    def __init__(self, base: str, packages: Sequence[str], pairs: Sequence[str]):
        self.trees = [base]
        if image.package_list(packages):
            self.trees.append(image.packages(packages))
        self.pairs = [image.pair_split(pair) for pair in pairs]

    def has(self, path: str) -> bool:
        for name in {os.path.normpath(path), other_name(os.path.normpath(path))}:
            if any(os.path.lexists(tree + name) for tree in self.trees):
                return True
            for host, guest in self.pairs:
                guest = os.path.normpath(guest)
                if name == guest or (name.startswith(guest.rstrip("/") + "/") and os.path.lexists(os.path.join(host, name[len(guest):].lstrip("/")))):
                    return True
        return False


def is_command(guest: str, command: Sequence[str], path: str, cwd: str) -> bool:
    """Whether COMMAND is that file."""
    if not command:
        return False
    if "/" in command[0]:
        return os.path.normpath(os.path.join(cwd, command[0])) == os.path.normpath(guest)
    return os.path.basename(guest) == command[0] and other_name(os.path.dirname(guest)) in {other_name(folder) for folder in path.split(":")} | set(path.split(":"))


def check(tree: Tree, added: Sequence[str], command: Sequence[str], env: Sequence[str], cwd) -> None:
    """Programs that were added one by one: a COMMAND that cannot start is refused before a machine is; of others it is said."""
    given = dict(text.partition("=")[::2] for text in env)
    more = tuple(folder for folder in given.get("LD_LIBRARY_PATH", "").split(":") if folder)
    for host, guest in (image.pair_split(pair) for pair in added):
        if not os.path.isfile(host) or not os.access(host, os.X_OK):
            continue
        why = elf.missing(host, guest, tree.has, more)
        if not why:
            continue
        if is_command(guest, command, given.get("PATH", PATH), cwd or "/"):
            raise Failure(f"--add {host}:{guest} would not start: {why}")
        failure.say(f"--add {host}:{guest} would not start: {why}")

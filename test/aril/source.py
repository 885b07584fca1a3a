# SPDX-License-Identifier: MIT
"""Owns which source lines an address belongs to, by the line tables of an ELF file (addr2line), inlined functions too."""

import os
import re
import subprocess

from .place import TOP

LIBRARY = os.path.join(TOP, "build", "apps", "linux")
LIBRARY_TEXT = range(0x8040000000, 0x9000000000)  # the homes of which it has one: lib/base/homes.h
STUBS = "lib/rt/gate.h"  # every call of the gate is in there: who calls it is what is asked


def home(app: str) -> int:
    """The address at which an app is linked: that of its home."""
    from elftools.elf.elffile import ELFFile  # missing where no checkout is: explore goes without

    with open(app, "rb") as f:
        return min(s.header.p_vaddr for s in ELFFile(f).iter_segments("PT_LOAD"))


def chains(elf: str, addresses: list) -> dict:
    """{address: [(function, file, line)]}, the innermost function first; without those that the file does not tell of.
    Files in TOP by their path below it. Nothing at all without the file, or without addr2line."""
    if not addresses or not os.path.exists(elf):
        return {}
    try:
        done = subprocess.run(
            ["addr2line", "-a", "-f", "-i", "-e", elf, *map(hex, addresses)],
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            check=False,
        )
    except FileNotFoundError:
        return {}
    found: dict = {}
    address, function = 0, ""
    for text in done.stdout.decode("utf-8", "replace").splitlines():
        if re.fullmatch(r"0x[0-9a-f]{16}", text):
            address, function = int(text, 16), ""
        elif not function:
            function = text
        else:
            m = re.match(r"(.+?):(\d+)", text)
            if m and m[1] != "??" and m[2] != "0":
                path = os.path.relpath(os.path.join(TOP, m[1]), TOP)
                found.setdefault(address, []).append((function, path, int(m[2])))
            function = ""
    return found


def lines(path: str, line: int, around: int) -> list:
    """[(number, text)] of a file in TOP, or anywhere; none where it cannot be read."""
    try:
        with open(os.path.join(TOP, path), encoding="utf-8", errors="replace") as f:
            text = f.read().split("\n")
    except OSError:
        return []
    return [(n, text[n - 1]) for n in range(max(1, line - around), min(len(text), line + around) + 1)]

# SPDX-License-Identifier: MIT
"""Owns `aril map`: what the guest's `map --raw` (esp/map.c) says of page tables and frames, read; which picture is
made of it. They are drawn in map_draw.py."""

import os
import re
import tempfile
from dataclasses import dataclass, field
from typing import Optional

from . import run
from .failure import Failure

GUEST_FILE = "/tmp/aril-map"
SLOT_SHIFT, HOME_SHIFT, PAGE = 39, 30, 4096
TABLE_NAMES = {4: "PML4", 3: "PDPT", 2: "page directory", 1: "page table"}


def span(level: int) -> int:
    """Bytes that one entry of that level maps."""
    return PAGE << 9 * (level - 1)


@dataclass
class Entry:
    """A run of entries that say the same; of tables always one. frame: of the first; in_row: the others follow it."""

    level: int
    va: int
    count: int
    kind: str
    rights: str
    state: str
    frame: int
    in_row: bool
    owner: int
    account: int
    refs: int
    used: int
    children: list = field(default_factory=list)
    path: str = ""  # rights along the whole way

    @property
    def is_table(self) -> bool:
        return self.kind == "table"

    def frames(self) -> Optional[list]:
        """All that it names; None: it does not say."""
        return [self.frame + i for i in range(self.count)] if self.in_row else None


@dataclass
class State:
    """One process's tables at one moment."""

    title: str
    who: str
    name: str = "?"
    root: int = 0
    env: int = 0
    account: int = 0
    pid: int = 0
    entries: list = field(default_factory=list)  # of level 4, others below them
    regions: list = field(default_factory=list)  # (start, end, rights, name)

    def all(self) -> list:
        found, todo = [], list(reversed(self.entries))
        while todo:
            e = todo.pop()
            found.append(e)
            todo += reversed(e.children)
        return found

    def region(self, va: int, end: int) -> str:
        """Names of the regions that these addresses touch, in short."""
        names = []
        for start, stop, _, name in self.regions:
            if start < end and va < stop:
                name = "anonymous" if name == "-" else os.path.basename(name) if name.startswith("/") else name
                if name not in names:
                    names.append(name)
        return ", ".join(names[:3]) + (" ..." if len(names) > 3 else "")


@dataclass
class Map:
    states: list = field(default_factory=list)
    homes: dict = field(default_factory=dict)  # index: env
    envs: dict = field(default_factory=dict)  # index: (account, creator, frames)
    names: dict = field(default_factory=dict)  # env: (pid, name)
    focus: Optional[tuple] = None  # addresses that the story is about
    frames: list = field(default_factory=list)  # (first, count, type, env)
    boot: list = field(default_factory=list)  # (stage, ticks, ticks a second)
    firmware: dict = field(default_factory=dict)  # KiB by the firmware's type
    given: list = field(default_factory=list)  # (start, end, the firmware's type)
    clean: list = field(default_factory=list)  # (start, end, "free" or "reserved")
    became: dict = field(default_factory=dict)  # KiB by the frames' type

    def owner(self, env: int) -> str:
        if not env:
            return "nobody's"
        if env == 1:
            return "env 1, monitor"
        return f"env {env}, {self.names[env][1]}" if env in self.names else f"env {env}"


def and_rights(above: str, own: str) -> str:
    return "".join(a if a == b else "-" for a, b in zip(above, own))


class Reader:
    def __init__(self):
        self.map, self.way = Map(), []

    def entry(self, words: list) -> None:
        level, va, count = int(words[0]), int(words[1], 16), int(words[2])
        frame = words[6]
        e = Entry(
            level, va, count, *words[3:6], int(frame.rstrip("*"), 16), not frame.endswith("*"), *map(int, words[7:11])
        )
        while self.way and self.way[-1].level <= level:
            self.way.pop()
        e.path = and_rights(self.way[-1].path, e.rights) if self.way else e.rights
        (self.way[-1].children if self.way else self.map.states[-1].entries).append(e)
        if e.is_table:
            self.way.append(e)

    def line(self, text: str) -> None:
        m, words = self.map, text.split()
        what = words[0]
        if what.isdigit():
            self.entry(words)
        elif what == "state":
            title, _, who = text[6:].partition("|")
            m.states.append(State(title, who))
            self.way = []
        elif what == "name":
            m.states[-1].name = text[5:]
        elif what == "root":
            s = m.states[-1]
            s.root, s.env, s.account, s.pid = int(words[1], 16), int(words[3]), int(words[5]), int(words[7])
            m.names[s.env] = (s.pid, s.name)
        elif what == "region":
            m.states[-1].regions.append((int(words[1], 16), int(words[2], 16), words[3], " ".join(words[4:])))
        elif what == "focus":
            m.focus = (int(words[1], 16), int(words[2], 16))
        elif what == "home":
            m.homes[int(words[1])] = int(words[2])
        elif what == "env":
            m.envs[int(words[1])] = tuple(map(int, words[2:5]))
        elif what == "process":
            m.names[int(words[1])] = (int(words[2]), " ".join(words[3:]))
        elif what == "boot":
            m.boot.append((words[1].replace("-", " "), int(words[2]), int(words[3])))
        elif what == "firmware":
            m.firmware = {
                kind: int(kib)
                for kind, kib in re.findall(r"([A-Za-z][A-Za-z ]*?) (\d+)(?=,|$)", text.partition(": ")[2])
            }
        elif what in ("given", "clean"):
            getattr(m, what).append((int(words[1], 16), int(words[3], 16), " ".join(words[4:])))
        elif what == "became":
            m.became[words[1]] = m.became.get(words[1], 0) + int(words[2])
        elif what == "frames":
            m.frames.append((int(words[1], 16), int(words[2]), words[3], int(words[4])))
        elif what != "level":
            raise Failure(f"map: the guest's map says what is unknown here: {text}")


def read(text: str) -> Map:
    reader = Reader()
    for line in text.splitlines():
        if line.strip():
            reader.line(line)
    return reader.map


def words_of(given) -> list:
    """The guest's options."""
    words = ["--pid", str(given.pid)] if given.pid else []
    words += [f"--{name}" for name in ("fork", "frames", "boot") if getattr(given, name)]
    return words + (["--", *given.command] if given.command else [])


def write(path: str, text: str) -> None:
    with open(path, "w", encoding="utf-8") as f:
        f.write(text)


def show(given) -> int:
    """As text by the guest itself; pictures out of what it says for programs."""
    from . import map_draw

    words = words_of(given)
    given.cold |= given.boot  # a saved machine's boot was another day
    if not given.svg and not given.html:
        given.command = ["map", *words]
        return run.run(given)
    with tempfile.TemporaryDirectory(prefix="aril-map-") as folder:
        file = os.path.join(folder, "raw")
        given.get.append(f"{GUEST_FILE}:{file}")
        given.command = ["sh", "-c", 'f=$0; exec map --raw "$@" >"$f"', GUEST_FILE, *words]
        status = run.run(given)
        if status:
            return status
        with open(file, encoding="utf-8", errors="replace") as f:
            picture = map_draw.Picture(read(f.read()))
    if given.svg:
        write(given.svg, picture.svg())
    if given.html:
        write(given.html, picture.html())
    return 0

# SPDX-License-Identifier: MIT
"""Owns the pictures of `aril map`: a process's tables as a tree, the same few tables at several moments, the machine's
frames. What they show stands in map.py."""

from collections import Counter

from . import svg
from .map import HOME_SHIFT, PAGE, SLOT_SHIFT, TABLE_NAMES, Entry, Map, State, span
from .svg import BLUE, FAINT, GREEN, GREY, INK, LIGHT, ORANGE, PURPLE, RED, SKY, counted, wrapped

# What a state is called, and its colour: of tables, then of pages.
STATES = {"own": BLUE, "sealed": ORANGE, "live": GREEN, "sole": SKY, "many": PURPLE, "shared": GREEN}
MEANINGS = {
    "own": "own: one link, may write",
    "sealed": "sealed by fork: no link to it may write",
    "live": "live: a home's table, linked by whoever may",
    "sole": "sole: the only entry of its frame",
    "many": "many: several entries name the frame, none may write",
    "shared": "shared: several entries may write",
}


def told(m: Map, e: Entry) -> str:
    """An entry in words, for who points at it."""
    end = e.va + e.count * span(e.level)
    what = f"{TABLE_NAMES[e.level - 1]} (table of level {e.level - 1})" if e.is_table else f"{counted(e.count, e.kind)}"
    rows = [
        f"{what} at {e.va:#x} to {end:#x}",
        f"entry of level {e.level}: {e.rights}, on the whole way {e.path}",
        MEANINGS[e.state],
        f"frame {e.frame:#x}{'' if e.in_row else ' (the others do not follow it)'}, owner: {m.owner(e.owner)}, account {e.account}",
    ]
    rows.append(
        f"{counted(e.refs, 'link')}, {e.used} entries of 512 used"
        if e.is_table
        else f"{e.refs} entr{'y' if e.refs == 1 else 'ies'} in the machine name it"
    )
    return "\n".join(rows)


def key(e: Entry) -> str:
    return f' data-key="{e.frame:x}"'


# ---- one process, from its root down
COLUMNS = {
    "address": 16,
    "what": 228,
    "rights": 400,
    "state": 456,
    "frame": 534,
    "owner": 612,
    "refs": 770,
    "used": 826,
    "region": 906,
}
ROW = 19
INDENT = 14


# How the machine's first family lies (lib/family/memory.h).
HOMES = {
    0: "library",
    1: "root image",
    2: "what the monitor says",
    3: "control memory",
    4: "the monitor's own",
    5: "data memory",
}


def place_of(m: Map, e: Entry) -> str:
    if e.level == 4:
        slot = e.va >> SLOT_SHIFT
        return f"slot {slot}" + (", private" if slot == 0 else "")
    if e.level == 3 and e.va >> SLOT_SHIFT:
        home = (e.va - (1 << SLOT_SHIFT)) >> HOME_SHIFT
        if home not in m.homes:
            return ""
        return f"home {home}: {HOMES[home]}" if home in HOMES else f"home {home} of {m.owner(m.homes[home])}"
    return ""


class Tree:
    def __init__(self, m: Map, s: State):
        self.map, self.state = m, s
        self.d = svg.Drawing(1120)

    def heading(self) -> float:
        d, s = self.d, self.state
        tables = [e for e in s.all() if e.is_table]
        pages = sum(e.count for e in s.all() if not e.is_table)
        d.text(
            16,
            28,
            f"Page tables of {s.name}, process {s.pid}: environment {s.env}, root frame {s.root:#x}",
            16,
            bold=True,
        )
        d.text(
            16,
            48,
            f"{counted(len(tables) + 1, 'table')}, {counted(pages, 'mapped page')}. Rights are those of the whole way down: what the processor grants.",
            12,
            FAINT,
        )
        y = d.legend(16, 72, [(LIGHT[STATES[k]], STATES[k], 1, "", MEANINGS[k]) for k in STATES])
        for name, x in COLUMNS.items():
            words = {"refs": "links", "used": "entries"}.get(name, name)
            d.text(x, y + 10, words, 11, FAINT, bold=True)
        d.line([(16, y + 16), (d.width - 16, y + 16)], FAINT)
        return y + 34

    def row(self, e: Entry, y: float) -> None:
        d, m = self.d, self.map
        x = COLUMNS["address"] + INDENT * (4 - e.level)
        d.rect(
            10, y - 13.5, d.width - 20, ROW - 1, LIGHT[GREY] if e.level == 4 else "#ffffff", tip=told(m, e), more=key(e)
        )
        d.text(x, y, f"{e.va:012x}", 11, mono=True)
        d.text(COLUMNS["what"], y, TABLE_NAMES[e.level - 1] if e.is_table else counted(e.count, e.kind), 11)
        d.text(COLUMNS["rights"], y, e.path, 11, mono=True, bold="w" in e.path, fill=INK)
        d.chip(COLUMNS["state"], y, e.state, STATES[e.state])
        d.text(COLUMNS["frame"], y, f"{e.frame:x}{'' if e.in_row else ' ...'}", 11, mono=True)
        d.text(COLUMNS["owner"], y, m.owner(e.owner), 11, FAINT if e.owner != self.state.env else INK)
        d.text(COLUMNS["refs"] + 30, y, str(e.refs), 11, anchor="end")
        if e.is_table:
            d.rect(COLUMNS["used"], y - 9, 62, 9, "#ffffff", GREY, 0.6)
            d.rect(COLUMNS["used"], y - 9, max(1.5, 62 * e.used / 512), 9, GREY)
            d.text(COLUMNS["region"], y, place_of(m, e), 11, FAINT)
        else:
            # Pages that are no region of the program's are the library's.
            words = self.state.region(e.va, e.va + e.count * span(e.level))
            d.text(COLUMNS["region"], y, words or ("" if e.va >> SLOT_SHIFT else "library's own data"), 11)

    def below(self, entries: list, y: float, up) -> float:
        """up: where the line from the table above begins."""
        for e in entries:
            x = COLUMNS["address"] + INDENT * (4 - e.level) - 6
            self.row(e, y)
            if up:
                self.d.line([(x, up[1]), (x, y - 4), (x + 5, y - 4)], GREY, 0.8)
            y = self.below(e.children, y + ROW, (x, y + 3))
        return y

    def draw(self) -> str:
        y = self.heading()
        self.below(self.state.entries, y, None)
        return self.d.done()


# ---- the same few tables of parent and child at several moments
BOX_W, BOX_H, GAP_X, LEVEL_Y = 176, 40, 22, 78
CELL = 20


class Node:
    """A table, wherever it is linked. By the frame: one that two roots reach is one."""

    def __init__(self, level: int, frame: int):
        self.level, self.frame = level, frame
        self.state, self.owner, self.refs = "own", 0, 1
        self.links = []  # (entry, node below, who)
        self.cells = []  # entries of pages
        self.users = set()
        self.x = 0.0

    def about(self) -> tuple:
        return self.state, self.owner, self.refs


class Moment:
    def __init__(self, m: Map, title: str, states: list):
        self.map, self.title, self.states = m, title, states
        self.nodes: dict = {}
        self.roots = []
        lo, hi = m.focus
        for s in states:
            root = self.node(5 - 1, s.root, s.who)
            root.owner = s.env
            self.roots.append(root)
            for e in s.entries:
                self.walk(root, e, s.who, lo, hi)

    def node(self, level: int, frame: int, who: str) -> Node:
        n = self.nodes.setdefault(frame, Node(level, frame))
        n.users.add(who)
        return n

    def walk(self, above: Node, e: Entry, who: str, lo: int, hi: int) -> None:
        if e.va >= hi or e.va + e.count * span(e.level) <= lo:
            return
        if not e.is_table:
            if e not in above.cells and all(c.va != e.va for c in above.cells):
                above.cells.append(e)
            return
        n = self.node(e.level - 1, e.frame, who)
        n.state, n.owner, n.refs = e.state, e.owner, e.refs
        if not any(below is n and by.rights == e.rights and by.va == e.va for by, below, _ in above.links):
            above.links.append((e, n, who))
        for child in e.children:
            self.walk(n, child, who, lo, hi)

    def pages(self) -> dict:
        """Address and table: the frame, as far as runs say it; of others the run's first."""
        return {(n.frame, c.va): c for n in self.nodes.values() for c in n.cells}

    def row(self, level: int) -> list:
        """From the one who forked to the child, with what both reach in between."""
        order = {
            frozenset({"parent"}): 0,
            frozenset({"parent", "child"}): 1,
            frozenset({"child"}): 2,
            frozenset({"process"}): 0,
        }
        found = [n for n in self.nodes.values() if n.level == level]
        at = {n.frame: i for i, n in enumerate(found)}
        return sorted(found, key=lambda n: (order[frozenset(n.users)], at[n.frame]))


class Story:
    """Moments one below the other; what has changed since the one before has a red border."""

    def __init__(self, m: Map):
        self.map = m
        titles = list(dict.fromkeys(s.title for s in m.states))
        self.moments = [Moment(m, t, [s for s in m.states if s.title == t]) for t in titles]
        most = max(len(mo.row(level)) for mo in self.moments for level in (1, 2, 3, 4))
        self.d = svg.Drawing(max(760, most * (BOX_W + GAP_X) + 40))

    def caption(self, before, now: Moment) -> str:
        if not before:
            tables = len(now.nodes)
            return f"One process: {counted(tables, 'table')} lead to {counted(self.page_count(now), 'page')} of it. Each has one link, and each link may write."
        new = [n for f, n in now.nodes.items() if f not in before.nodes]
        sealed = sum(
            n.state == "sealed" and before.nodes[f].state != "sealed" for f, n in now.nodes.items() if f in before.nodes
        )
        copied = self.copied(before, now)
        if len(now.roots) > len(before.roots):
            upper = [n for n in new if n.level >= 3]
            return (
                f"The child has a root of its own and {counted(len(upper) - 1, 'table')} below it. {counted(sealed, 'table')} below those became sealed: linked into both roots, "
                f"R/W cleared in both links. No page and no other table was copied."
            )
        return (
            f"The write faulted at the sealed link. The child took copies of {counted(len(new), 'table')} on the way down and of {counted(copied, 'page')}. "
            "What both still reach stays sealed, or may not be written by either."
        )

    @staticmethod
    def page_count(now: Moment) -> int:
        return sum(c.count for n in now.nodes.values() for c in n.cells)

    @staticmethod
    def copied(before: Moment, now: Moment) -> int:
        """Pages of a table that is new which no old table had: those that may be written, or whose frame is another."""
        old = {c.frame for c in before.pages().values()}
        return sum(
            c.count
            for n in now.nodes.values()
            if n.frame not in before.nodes
            for c in n.cells
            if c.state == "sole" and c.frame not in old
        )

    def place(self, mo: Moment) -> None:
        for level in (1, 2, 3, 4):
            row = mo.row(level)
            whole = len(row) * BOX_W + (len(row) - 1) * GAP_X
            x = (self.d.width - whole) / 2
            if len(row) == 2 and level > 1 and len(mo.roots) == 2:
                x, step = self.d.width / 4 - BOX_W / 2, self.d.width / 2
            else:
                step = BOX_W + GAP_X
            for n in row:
                n.x = x
                x += step

    def box(self, n: Node, y: float, before) -> None:
        d, colour = self.d, STATES[n.state]
        is_new = before and n.frame not in before.nodes
        is_other = before and not is_new and before.nodes[n.frame].about()[0] != n.about()[0]
        border, thick = (RED, 2.6) if is_new or is_other else (colour, 1.2)
        tip = f"{TABLE_NAMES[n.level]} in frame {n.frame:#x}\nowner: {self.map.owner(n.owner)}\n{MEANINGS[n.state]}\n{counted(n.refs, 'link')}"
        d.rect(n.x, y, BOX_W, BOX_H, LIGHT[colour], border, thick, round_=4, tip=tip, more=f' data-key="{n.frame:x}"')
        d.text(n.x + BOX_W / 2, y + 16, f"{TABLE_NAMES[n.level]} {n.frame:x}", 12, anchor="middle", bold=True)
        users = "" if n.level < 4 else f"root of the {' and '.join(sorted(n.users))}, "
        words = f"{users}env {n.owner}" if n.level == 4 else f"env {n.owner}'s, {n.state}, {counted(n.refs, 'link')}"
        d.text(n.x + BOX_W / 2, y + 32, words, 11, anchor="middle")

    def cells(self, n: Node, y: float, before) -> None:
        d, x = self.d, n.x + 6
        old = before.pages() if before else {}
        frames_before = {c.frame for c in old.values()}
        shown = [(c, i) for c in sorted(n.cells, key=lambda c: c.va) for i in range(c.count)]
        for c, i in shown[:8]:
            colour = STATES[c.state]
            is_new = before and c.state == "sole" and n.frame not in before.nodes and c.frame not in frames_before
            d.rect(
                x,
                y,
                CELL - 2,
                CELL - 2,
                LIGHT[colour] if "w" not in c.rights else colour,
                RED if is_new else colour,
                2.6 if is_new else 1,
                tip=told(self.map, c),
            )
            d.text(
                x + CELL / 2 - 1,
                y + 13,
                "w" if "w" in c.rights else "r",
                10,
                "#ffffff" if "w" in c.rights else INK,
                "middle",
                bold=True,
            )
            x += CELL

    def link(self, upper: Node, y: float, e: Entry, lower: Node, lane: int) -> None:
        links = len(upper.links)
        x = upper.x + BOX_W * (lane + 1) / (links + 1)
        parents = max(1, len(lower.users))
        to = (
            lower.x
            + BOX_W / 2
            + (
                0
                if parents == 1
                else -14
                if "parent" in upper.users and "child" not in upper.users
                else 14
                if "parent" not in upper.users
                else 0
            )
        )
        may = "w" in e.rights
        self.d.line([(x, y + BOX_H), (to, y + LEVEL_Y)], BLUE if may else ORANGE, 1.8, "" if may else "6 4", arrow=True)

    def draw(self) -> str:
        d = self.d
        d.text(20, 28, "A fork, as the page tables have it", 17, bold=True)
        d.text(
            20,
            47,
            f"Each box is one table, each small square one page: w may be written, r not. Shown is {self.map.focus[0]:#x} to {self.map.focus[1]:#x} alone.",
            12,
            FAINT,
        )
        y = d.legend(
            20,
            70,
            [
                (LIGHT[BLUE], BLUE, 1.2, "", "own table, may be written"),
                (LIGHT[ORANGE], ORANGE, 1.2, "", "sealed table"),
                (SKY, SKY, 1, "", "page with one entry"),
                (LIGHT[PURPLE], PURPLE, 1, "", "page that several entries name"),
                ("#ffffff", RED, 2.6, "", "new, or changed since the moment above"),
            ],
        )
        d.line([(24, y - 4), (54, y - 4)], BLUE, 1.8)
        d.text(60, y, "link with R/W", 11)
        d.line([(160, y - 4), (190, y - 4)], ORANGE, 1.8, "6 4")
        d.text(196, y, "link without", 11)
        y += 22
        before = None
        for i, mo in enumerate(self.moments):
            y = self.moment(i, mo, before, y)
            before = mo
        return d.done()

    def moment(self, i: int, mo: Moment, before, y: float) -> float:
        d = self.d
        d.line([(20, y), (d.width - 20, y)], LIGHT[GREY], 2)
        d.text(20, y + 22, f"{i + 1}  {mo.title[0].upper()}{mo.title[1:]}", 14, bold=True)
        for words in wrapped(self.caption(before, mo), int((d.width - 60) / 7.3)):
            d.text(38, y + 40, words, 12, INK)
            y += 16
        y += 40
        self.place(mo)
        tops = {level: y + (4 - level) * LEVEL_Y for level in (4, 3, 2, 1)}
        for n in mo.nodes.values():
            for lane, (e, below, _) in enumerate(sorted(n.links, key=lambda link: link[1].x)):
                self.link(n, tops[n.level], e, below, lane)
        for n in mo.nodes.values():
            self.box(n, tops[n.level], before)
            if n.level == 1:
                self.cells(n, tops[1] + BOX_H + 6, before)
        return tops[1] + BOX_H + CELL + 26


# ---- the machine's frames
FRAME_COLOURS = {
    "free": "#f4f4f4",
    "absent": "#ffffff",
    "kernel": "#4a4a4a",
    "data": BLUE,
    "table1": ORANGE,
    "table2": "#c77f00",
    "table3": "#8f5b00",
    "root": RED,
    "env": PURPLE,
    "run": GREEN,
}
FRAME_WORDS = {
    "free": "free",
    "absent": "not RAM",
    "kernel": "the kernel's",
    "data": "pages",
    "table1": "page tables",
    "table2": "page directories",
    "table3": "PDPTs",
    "root": "roots (PML4)",
    "env": "records and groups of envs",
    "run": "runs of 2 MiB",
}
ACROSS = 128


class Frames:
    def __init__(self, m: Map):
        self.map = m
        self.d = svg.Drawing(ACROSS * 8 + 40)
        self.end = sum(count for _, count, _, _ in m.frames)

    def tip(self, first: int, count: int, kind: str, env: int) -> str:
        whose = f", {self.map.owner(env)}" if kind not in ("free", "absent", "kernel") else ""
        return f"frames {first:#x} to {first + count - 1:#x}: {counted(count, 'frame')}, {FRAME_WORDS[kind]}{whose}"

    def whole(self, y: float) -> float:
        """Equal pieces of memory, a cell each: shares of its types, one above the other."""
        d = self.d
        rows = 16
        piece = -(-self.end // (ACROSS * rows))
        d.text(20, y, f"All memory, {piece * PAGE >> 10} KiB a cell, from address 0 at the upper left", 13, bold=True)
        y += 10
        cells = [Counter() for _ in range(-(-self.end // piece))]
        for first, count, kind, _ in self.map.frames:
            while count:
                at = first // piece
                n = min(count, (at + 1) * piece - first)
                cells[at][kind] += n
                first, count = first + n, count - n
        for i, cell in enumerate(cells):
            x, top = 20 + i % ACROSS * 8, y + i // ACROSS * 10
            whole = sum(cell.values())
            for kind, n in sorted(cell.items(), key=lambda item: list(FRAME_COLOURS).index(item[0])):
                h = 9 * n / whole
                d.rect(x, top, 7, h, FRAME_COLOURS[kind], "#dddddd" if kind == "absent" else "none", 0.3)
                top += h
        return y + (len(cells) + ACROSS - 1) // ACROSS * 10 + 24

    def used(self, y: float) -> float:
        """Frames that are somebody's, a cell each; free stretches are left out."""
        d = self.d
        d.text(
            20,
            y,
            "Frames that are somebody's, a cell each, without the kernel's and the free ones between them",
            13,
            bold=True,
        )
        y += 10
        at = 0
        for first, count, kind, env in self.map.frames:
            if kind in ("free", "absent", "kernel"):
                continue
            tip = self.tip(first, count, kind, env)
            while count:
                n = min(count, ACROSS - at % ACROSS)
                x, top = 20 + at % ACROSS * 8, y + at // ACROSS * 8
                d.rect(x, top, 8 * n - 1, 7, FRAME_COLOURS[kind], tip=tip, more=f' data-key="env{env}"')
                at, count = at + n, count - n
        return y + (at + ACROSS - 1) // ACROSS * 8 + 24

    def table(self, y: float) -> float:
        """Who has how many of what."""
        d, sums = self.d, {}
        for _, count, kind, env in self.map.frames:
            if kind not in ("free", "absent", "kernel"):
                sums.setdefault(env, Counter())[kind] += count
        d.text(20, y, "By owner", 13, bold=True)
        most = max((sum(c.values()) for c in sums.values()), default=1)
        for env, kinds in sorted(sums.items()):
            y += 22
            whole = sum(kinds.values())
            d.text(20, y, self.map.owner(env) if env else "nobody's: disowned, still in use", 11)
            x = 250.0
            for kind in FRAME_COLOURS:
                if kinds[kind]:
                    w = max(1.5, 420 * (kinds[kind] / most) ** 0.5)
                    d.rect(
                        x,
                        y - 10,
                        w,
                        12,
                        FRAME_COLOURS[kind],
                        tip=f"{counted(kinds[kind], 'frame')}: {FRAME_WORDS[kind]}",
                        more=f' data-key="env{env}"',
                    )
                    x += w
            d.text(x + 8, y, f"{counted(whole, 'frame')}, {whole * PAGE >> 10:,} KiB", 11, FAINT)
        return y + 18

    def draw(self) -> str:
        d, total = self.d, Counter()
        for _, count, kind, _ in self.map.frames:
            total[kind] += count
        d.text(20, 28, f"The machine's {self.end:,} frames of 4 KiB, by type and owner", 16, bold=True)
        y = d.legend(
            20,
            54,
            [(FRAME_COLOURS[k], GREY, 0.5, "", f"{FRAME_WORDS[k]}: {total[k]:,}") for k in FRAME_COLOURS if total[k]],
        )
        y = self.table(self.used(self.whole(y + 14)))
        d.text(20, y + 8, "Bars are as long as the square root of their count, so that small ones are seen.", 11, FAINT)
        return d.done()


# ---- the boot
FIRMWARE_COLOURS = {
    "free": "#f4f4f4",
    "boot code": SKY,
    "boot data": BLUE,
    "loader code": ORANGE,
    "loader data": "#c77f00",
}
STAGES = (svg.GREY, ORANGE, RED, BLUE)


class Boot:
    """A bar of the time, and of memory: the firmware's map by type, the same by addresses as it was given and as it was
    cleaned, and the frames of now by type."""

    def __init__(self, m: Map):
        self.map = m
        self.d = svg.Drawing(1064)

    def bar(self, y: float, parts: list, words) -> float:
        """parts: (name, share, colour, what it is); a part that is too small to be seen is a hair wide."""
        d, x, whole = self.d, 20.0, sum(share for _, share, _, _ in parts)
        for name, share, colour, said in parts:
            w = max(1.5, (d.width - 60) * share / whole)
            d.rect(x, y, w, 34, colour, "#999999", 0.5, tip=f"{name}: {said}")
            x += w
        return (
            d.legend(20, y + 56, [(colour, svg.GREY, 0.5, "", f"{name}: {said}") for name, _, colour, said in parts])
            + words
        )

    def strips(self, y: float, colours: dict) -> float:
        """One scale for both, up to the last byte that may be used."""
        d, m = self.d, self.map
        end = max((e for _, e, kind in m.clean if kind == "free"), default=1)
        clean = {"free": "#f4f4f4", "reserved": "#4a4a4a"}
        d.text(
            20,
            y,
            f"The same by addresses, 0 to {end >> 20:,} MiB: as it was given in {len(m.given)} pieces, as it was cleaned to {len(m.clean)}",
            13,
            bold=True,
        )
        d.rect(20, y + 10, d.width - 60, 24, "#ffffff", svg.GREY, 0.5)
        d.rect(20, y + 38, d.width - 60, 24, "#ffffff", svg.GREY, 0.5)
        for ranges, colour_of, top in ((m.given, colours, y + 10), (m.clean, clean, y + 38)):
            for start, stop, kind in ranges:
                if start < end:
                    x, w = 20 + (d.width - 60) * start / end, (d.width - 60) * (min(stop, end) - start) / end
                    tip = f"{start:#x} to {stop:#x}: {kind}, {(stop - start) >> 10:,} KiB"
                    d.rect(x, top, max(w, 0.6), 24, colour_of.get(kind, svg.GREY), tip=tip)
        return y + 92

    def draw(self) -> str:
        d, m = self.d, self.map
        d.text(20, 28, "A boot, from the machine's start to the first program", 16, bold=True)
        whole = sum(ticks / hz for _, ticks, hz in m.boot)
        d.text(20, 56, f"Time: {whole * 1000:,.1f} ms by the processor's counter", 13, bold=True)
        y = self.bar(
            66,
            [(name, ticks, STAGES[i], f"{ticks * 1000 / hz:,.1f} ms") for i, (name, ticks, hz) in enumerate(m.boot)],
            14,
        )
        d.text(20, y, "Memory as the firmware gave it", 13, bold=True)
        rest = iter(("#4a4a4a", PURPLE, RED, GREEN, "#8f5b00", GREY, "#cccccc", "#aaaaaa"))
        ram = [(kind, kib) for kind, kib in sorted(m.firmware.items(), key=lambda item: -item[1])]
        colours = {kind: FIRMWARE_COLOURS.get(kind) or next(rest, GREY) for kind, _ in ram}
        y = self.bar(y + 10, [(kind, kib, colours[kind], f"{kib:,} KiB") for kind, kib in ram], 14)
        y = self.strips(y, colours)
        d.text(20, y, "What became of it: the kernel's records of frames, now", 13, bold=True)
        now = sorted(m.became.items(), key=lambda item: -item[1])
        y = self.bar(y + 10, [(FRAME_WORDS[kind], kib, FRAME_COLOURS[kind], f"{kib:,} KiB") for kind, kib in now], 8)
        d.text(
            20,
            y,
            "What the firmware calls reserved or MMIO lies partly beyond the last frame that has a record. Of the cleaned map the loader keeps what stays in use.",
            11,
            FAINT,
        )
        return d.done()


WORDS = {
    Boot: "The processor's counter starts with the machine. The loader notes it where it begins and where it leaves the firmware, the kernel before the first instruction of ring 3.",
    Tree: "Every table of one process, read by the process itself and joined with the kernel's public frame table. A row is an entry, or a run of entries that say the same.\n\n"
    "The way down is root (PML4), PDPT, page directory, page table, page: 512 GiB, 1 GiB, 2 MiB and 4 KiB an entry.",
    Story: "The same addresses in parent and child, at three moments. fork copies no page: it links tables sealed into the child's root. The first write below a sealed table pays for a copy of the "
    "tables on the way and of one page.",
    Frames: "Every frame of the machine has a record that everybody may read: type, owner, account, how many entries name it. This is that table.",
}


class Picture:
    """The one that fits what was asked for."""

    def __init__(self, m: Map):
        if m.boot:
            self.drawn, self.title = Boot(m), "A boot"
        elif m.focus:
            self.drawn, self.title = Story(m), "A fork, as the page tables have it"
        elif m.frames:
            self.drawn, self.title = Frames(m), "The machine's frames"
        else:
            self.drawn, self.title = Tree(m, m.states[0]), f"Page tables of {m.states[0].name}"
        self.text = self.drawn.draw()

    def svg(self) -> str:
        return self.text

    def html(self) -> str:
        return svg.page(self.title, WORDS[type(self.drawn)], [self.text])

# SPDX-License-Identifier: MIT
"""Owns the picture of one fork in a trace: parent and child on a time line that is folded like text, Linux's calls and
faults around the gate's calls that they cost, and captions whose numbers are counted in the trace."""

import re
from dataclasses import dataclass
from typing import Optional

from . import svg
from .failure import Failure
from .svg import counted, wrapped
from .trace_spans import FAULT, GATE, LINUX, TURN, Span, Spans

WIDTH, LEFT, RIGHT = 1180, 112, 12
LINES = 3
TICK = 90  # pixels between two at least
CALL_H, GATE_H, SPACE = 20, 66, 16
TRACK_H = CALL_H + 2 + GATE_H
GROUPS = {
    "frames": (svg.GREEN, ("frame_claim", "frame_give", "frame_type")),
    "entries of tables": (svg.SKY, ("pte_write",)),
    "whole tables": (svg.ORANGE, ("pt_link", "pt_copy", "home_set")),
    "environments and time": (svg.PURPLE, ()),
}
COLOURS = {LINUX: svg.BLUE, FAULT: svg.RED}


def colour_of(s: Span) -> str:
    if s.kind != GATE:
        return COLOURS[s.kind]
    return next((colour for colour, names in GROUPS.values() if s.name in names), svg.PURPLE)


@dataclass
class Caption:
    span: Span
    words: str


class Fork:
    """The first fork of the trace: from the call to the answer of the wait for the child."""

    def __init__(self, story: Spans):
        self.story = story
        self.call, self.make = self.first()
        self.parent = self.call.env
        self.child = next((a.env for a in story.arrows if a.why == "makes" and a.from_at == self.make.start), 0)
        if not self.child:
            raise Failure("the first fork's child never had the CPU in this trace")
        pid = str(story.names.process(self.child)[0])
        ends = [s.end for s in self.of(self.parent, LINUX) if s.name.startswith("wait") and s.result == pid]
        self.start = self.call.since
        self.end = min((e for e in ends if e > self.start), default=max(s.end for s in self.of(self.child, TURN)))
        self.captions = [c for c in self.tell() if c]

    def of(self, env: int, kind: str) -> list:
        return [s for s in self.story.spans if s.env == env and s.kind == kind]

    def inside(self, s: Span) -> list:
        return [g for g in self.of(s.env, GATE) if s.since <= g.start and g.end <= s.end]

    def first(self) -> tuple:
        for s in self.story.spans:
            if s.kind == LINUX and s.name in ("fork", "vfork", "clone", "clone3"):
                for g in self.inside(s):
                    if g.name == "env_make" and not g.failed:
                        return s, g
        raise Failure("no fork in this trace that makes an environment: a picture shows the first one of COMMAND's")

    # ---- captions
    def tell(self) -> list:
        return [self.tell_call(), self.tell_sealed(), self.tell_copy(), self.tell_child(), self.tell_end()]

    def tell_call(self) -> Caption:
        calls = self.inside(self.call)
        frames = sum(int(g.result, 0) for g in calls if g.name == "frame_claim" and not g.failed)
        tables = sum(g.name == "frame_type" for g in calls)
        return Caption(
            self.call,
            f"{self.call.name} is a function of the library OS: the kernel hands the call back up into ring 3, and what "
            f"it costs are the {counted(len(calls), 'call')} of the gate below it. {counted(frames, 'frame')} are "
            f"claimed; {counted(tables, 'table')} of them, the root too, and the rest are what every environment needs.",
        )

    def tell_sealed(self) -> Optional[Caption]:
        sealed = [g for g in self.inside(self.call) if g.name == "pt_link" and " SEALED" in g.text]
        if not sealed:
            return None
        return Caption(
            sealed[0],
            f"{counted(len(sealed), 'table')} of the parent's, a GiB of addresses each, now "
            f"{'hangs' if len(sealed) == 1 else 'hang'} in both roots, sealed: neither may write below. No page is "
            "copied, and no other table. Then env_make makes an environment of the root.",
        )

    def copying(self, env: int) -> Optional[Span]:
        return next((s for s in self.faults(env) if any(g.name == "pt_copy" for g in self.inside(s))), None)

    def faults(self, env: int) -> list:
        return [s for s in self.of(env, FAULT) if self.start <= s.start < self.end]

    def tell_copy(self) -> Optional[Caption]:
        s = self.copying(self.parent)
        if not s:
            return None
        copies = [g for g in self.inside(s) if g.name == "pt_copy" and not g.failed]
        entries = sum(int(g.result, 0) for g in copies)
        return Caption(
            s,
            f"The parent writes to {s.address:#x}, below a sealed table: a page fault. Its library takes copies of "
            f"{counted(len(copies), 'table')} on the way down, of {entries} entries that are in use, and of one page. "
            "This and no more is what copy-on-write costs here.",
        )

    def tell_child(self) -> Optional[Caption]:
        for s in self.faults(self.child):
            taken = [g for g in self.inside(s) if g.name == "frame_claim" and "proof 0x" in g.text]
            taken += [g for g in self.inside(s) if g.name == "frame_claim" and " level " in g.text and g not in taken]
            if taken and not any(g.name == "pt_copy" for g in self.inside(s)):
                first = self.copying(self.parent)
                where = "to the same page" if first and first.address >> 12 == s.address >> 12 else "below a sealed table"
                return Caption(
                    s,
                    f"{self.yielding()}: the child runs. It writes {where}, and nobody else links its way down any "
                    f"more. So it takes over {counted(len(taken), 'frame')}, sets R/W again, and copies no table.",
                )
        return None

    def yielding(self) -> str:
        """What hands the CPU to the child."""
        arrow = next((a for a in self.story.arrows if a.why == "yields to" and a.env == self.child), None)
        if not arrow or arrow.from_env != self.parent:
            return "The parent's turn ends"
        calls = [s for s in self.of(self.parent, LINUX) if s.start <= arrow.from_at <= s.end]
        return f"{calls[-1].name} has nothing to tell yet and yields" if calls else "The parent yields"

    def tell_end(self) -> Optional[Caption]:
        last = next((s for s in self.of(self.child, LINUX) if s.name.startswith("exit")), None)
        if not last:
            return None
        return Caption(
            last,
            "exit ends the child's environment. The monitor, whose slice it is, yields to the parent, which takes down "
            f"what is left within its own wait: the answer is {self.story.names.process(self.child)[0]}.",
        )


class Picture:
    def __init__(self, story: Spans):
        self.fork, self.d = Fork(story), svg.Drawing(WIDTH)
        self.each = (self.fork.end - self.fork.start) / LINES * 1.0001  # microseconds a line
        steps = (k * 10**power for power in range(9) for k in (1, 2, 5))
        self.tick = next(step for step in steps if step * (WIDTH - LEFT - RIGHT) / self.each >= TICK)

    def x(self, at: float, line: int) -> float:
        return LEFT + (at - self.fork.start - line * self.each) / self.each * (WIDTH - LEFT - RIGHT)

    def line_of(self, at: float) -> int:
        return min(LINES - 1, max(0, int((at - self.fork.start) / self.each)))

    def box(self, s: Span, line: int, top: float) -> None:
        """The part of s that lies in that line."""
        d = self.d
        x, end = max(self.x(s.start, line), LEFT), min(self.x(s.end, line), WIDTH - RIGHT)
        if end <= LEFT or x >= WIDTH - RIGHT:
            return
        colour, w = colour_of(s), max(end - x, 1.2)
        tip = f"{s.text}{' = ' + s.result if s.result else ''}\n{s.end - s.start:.1f} µs"
        y, h = (top + CALL_H + 2, GATE_H) if s.kind == GATE else (top, CALL_H)
        # A fault within a call is drawn into the call's box.
        inset = 3 if s.kind == FAULT and s.depth > 1 else 0
        border = svg.RED if s.failed else colour
        more = f' data-at="{s.start - self.fork.start:.3f}"'
        d.rect(x, y + inset, w, h - 2 * inset, svg.LIGHT[colour], border, 0.8, round_=2, tip=tip, more=more)
        begins = s.start >= self.fork.start + line * self.each and not s.goes_on
        name = s.name if begins else s.name + " (goes on)"
        if s.kind == GATE and w >= svg.wide(s.name, 11) + 8:
            d.text(x + w / 2, y + h / 2 + 4, s.name, 11, anchor="middle")
        elif s.kind == GATE and w >= 8.5:
            d.upright(x + w / 2 + 3, y + h - 4, s.name, 9 if w >= 10.5 else 8)
        elif s.kind != GATE and svg.wide(name, 11) < w - 26:
            d.text(x + 22, y + 14, name, 11)

    def track(self, env: int, line: int, top: float) -> None:
        d, fork = self.d, self.fork
        name = fork.story.names.env(env)
        d.reach(top + TRACK_H)
        d.text(6, top + 14, "parent" if env == fork.parent else "child", 12, bold=True)
        d.text(6, top + 30, name, 10, svg.FAINT)
        for s in fork.story.spans:
            if s.env == env and s.kind == TURN:
                x, end = max(self.x(s.start, line), LEFT), min(self.x(s.end, line), WIDTH - RIGHT)
                if end > x:
                    d.rect(x, top - 2, end - x, TRACK_H + 4, svg.LIGHT[svg.GREY])
        for s in fork.story.spans:
            if s.env == env and s.kind != TURN and s.start < fork.end:
                self.box(s, line, top)

    def others(self, line: int, top: float, h: float) -> None:
        """Turns of who is neither: the monitor's."""
        d, fork = self.d, self.fork
        for s in fork.story.spans:
            if s.kind == TURN and s.env not in (fork.parent, fork.child) and fork.start < s.start < fork.end:
                x, end = max(self.x(s.start, line), LEFT), min(self.x(s.end, line), WIDTH - RIGHT)
                if x < end:
                    d.rect(x, top, max(end - x, 2), h, "#ffffff", svg.GREY, 0.8, "3 2", tip=s.text)
                    if end - x >= 14:
                        d.upright(x + (end - x) / 2 + 4, top + h / 2 + 24, s.name, 10)

    def yields(self, line: int, tops: dict) -> None:
        for a in self.fork.story.arrows:
            x = self.x(a.at, line)
            if a.why == "yields to" and a.from_env in tops and a.env in tops and LEFT <= x <= WIDTH - RIGHT:
                down = tops[a.env] > tops[a.from_env]
                if down:
                    self.d.line([(x, tops[a.from_env] + TRACK_H), (x, tops[a.env] - 2)], svg.INK, 1.4, arrow=True)

    def number(self, n: int, x: float, y: float) -> None:
        self.d.parts.append(f'<circle cx="{x:.1f}" cy="{y:.1f}" r="8" fill="{svg.INK}"/>')
        self.d.text(x, y + 4, str(n), 11, "#ffffff", "middle", bold=True)

    def line(self, line: int, y: float) -> float:
        """y below it, captions too."""
        d, fork = self.d, self.fork
        start = line * self.each
        for at in range(int(start // self.tick + 1) * self.tick, int(start + self.each) + 1, self.tick):
            x = self.x(fork.start + at, line)
            d.line([(x, y + 4), (x, y + 10)], svg.GREY, 0.8)
            if x < WIDTH - RIGHT - 40:
                d.text(x + 3, y + 10, f"{at} µs", 9, svg.FAINT)
        tops, below = {}, y + 14
        for env in (fork.parent, fork.child):
            if any(self.line_of(s.start) <= line <= self.line_of(s.end) for s in fork.of(env, TURN) if s.end > fork.start):
                tops[env] = below
                below += TRACK_H + SPACE
        self.others(line, y + 14, below - SPACE - y - 14)
        for env, top in tops.items():
            self.track(env, line, top)
        self.yields(line, tops)
        below += 8 - SPACE
        for n, c in enumerate(fork.captions, 1):
            if self.line_of(c.span.start) != line:
                continue
            x = max(self.x(c.span.start, line), LEFT)
            top = tops[c.span.env]
            self.number(n, x + 11, top + CALL_H / 2 if c.span.kind != GATE else top + CALL_H + 14)
            self.number(n, 20, below + 10)
            for words in wrapped(c.words, 172):
                below += 15
                d.text(36, below, words, 12)
            below += 7
        return below + 12

    def draw(self) -> str:
        d, fork = self.d, self.fork
        whole = fork.end - fork.start
        d.text(12, 26, f"One fork in time: {whole:,.0f} µs from the call to the end of the child", 17, bold=True)
        d.text(
            12,
            45,
            "Each line goes on where the one above ends. A call of Linux's or a page fault stands above the calls of "
            "the gate that it makes. Grey: who has the one CPU.",
            12,
            svg.FAINT,
        )
        y = d.legend(
            12,
            66,
            [(svg.LIGHT[svg.BLUE], svg.BLUE, 0.8, "", "Linux's call"), (svg.LIGHT[svg.RED], svg.RED, 0.8, "", "page fault")]
            + [(svg.LIGHT[c], c, 0.8, "", f"gate: {name}") for name, (c, _) in GROUPS.items()],
        )
        for line in range(LINES):
            y = self.line(line, y + 4)
        return d.done()


def picture(trace) -> str:
    return Picture(Spans(trace, trace.records())).draw()

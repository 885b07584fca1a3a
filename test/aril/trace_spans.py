# SPDX-License-Identifier: MIT
"""Owns what happened when in a trace: turns of the CPU, in them Linux's calls and page faults, and in those the calls of
the gate that they cost; arrows from who makes an env, or hands it the CPU, to that env."""

from dataclasses import dataclass, replace
from typing import Optional

from . import source, trace_words
from .trace_words import ASYNC, CALL, CALL_END, FAULT_BEGIN, FAULT_END, FOREIGN, LOOK, RETURN, SLICE, SWITCH, UPCALL

TURN, LINUX, FAULT, GATE = "turn", "linux", "fault", "gate"


@dataclass
class Span:
    """Microseconds since the first record. depth: how many others it lies in, on its env's track."""

    env: int
    kind: str
    name: str
    text: str
    start: float
    end: float = 0.0
    depth: int = 0
    result: str = ""
    failed: bool = False
    goes_on: bool = False  # it began in an earlier turn
    since: float = 0.0  # when: the start of its first piece
    rip: int = 0  # of a fault: where; of a gate's call: behind it
    address: int = 0  # of a page fault
    before: Optional[list] = None  # of a page fault: entries of levels 4 to 1 on the way to its address; 0: absent
    after: Optional[list] = None


@dataclass
class Mark:
    env: int
    name: str
    text: str
    at: float


@dataclass
class Arrow:
    """why: "makes", "becomes" (exec: an env of the same process), "wakes" or "yields to"."""

    why: str
    from_env: int
    from_at: float
    env: int
    at: float


class Track:
    """What is open in one env."""

    def __init__(self):
        self.open = []
        self.last = 0.0  # when the gate last answered, or the env came back
        self.is_looking = False  # its calls are the tracer's own


class Spans:
    """records: trace.Trace's; .spans by start, .marks, .arrows, .envs in the order of their first record."""

    def __init__(self, trace, records: list):
        # The first env is the one that the others came from; its name is the least.
        first = min((r.env for r in records if r.env), default=0)
        self.names = trace_words.Names(trace.names, first)
        self.words = trace_words.Words(self.names)
        self.hz, self.zero = trace.hz, records[0].tsc if records else 0
        self.spans, self.marks, self.arrows, self.envs, self.tracks = [], [], [], [], {}
        self.running = 0
        self.makes, self.yields, self.wakes = {}, {}, {}  # env: (who, when)
        self.now = 0.0
        self.raw = self.zero  # TSC of the record before
        self.looked = 0  # ticks in which somebody only looked, for the trace: they are taken out of all times
        for r in records:
            self.take(r)
        self.leave()
        self.spans.sort(key=lambda s: (s.start, s.depth))
        self.end = self.now

    def track(self, env: int) -> Track:
        if env not in self.tracks:
            self.tracks[env] = Track()
            self.envs.append(env)
        return self.tracks[env]

    # ---- open and closed
    def begin(self, env: int, kind: str, name: str, text: str) -> None:
        t = self.track(env)
        t.open.append(Span(env, kind, name, text, self.now, depth=len(t.open), since=self.now))

    def close(self, env: int, end: float) -> Span:
        s = self.track(env).open.pop()
        s.end = max(s.start, end)
        self.spans.append(s)
        return s

    def settle(self, env: int, kinds: tuple) -> None:
        """Of what ends without a note (exit, exec, int 0x80, an exception): over with its last call of the gate."""
        t = self.track(env)
        while t.open and t.open[-1].kind in kinds:
            self.close(env, max(t.last, t.open[-1].start))

    def enter(self, env: int) -> None:
        """A turn begins; what was open before goes on in it."""
        if not env:
            return
        t = self.track(env)
        before = t.open
        t.open = []
        self.begin(env, TURN, self.names.env(env), f"{self.names.env(env)} has the CPU")
        for s in before:
            again = replace(s, start=self.now, end=0.0, depth=len(t.open), goes_on=True)
            t.open.append(again)
        t.last = self.now
        for waiting, why in ((self.makes, "makes"), (self.wakes, "wakes"), (self.yields, "yields to")):
            who = waiting.pop(env, None)
            if who and why == "makes" and self.names.process(who[0])[0] == self.names.process(env)[0]:
                why = "becomes"
            if who:
                self.arrows.append(Arrow(why, *who, env, self.now))

    def leave(self) -> None:
        """A turn ends: each span in it, too. Those of Linux's calls and faults are opened again when the env comes
        back; a call of the gate that led away is over then (trace.h)."""
        if not self.running:
            return
        t = self.track(self.running)
        still = [s for s in t.open[1:] if s.kind != GATE]
        for _ in list(t.open):
            s = self.close(self.running, self.now)
            if s.kind == GATE:
                s.result = "another environment runs"
        t.open = still

    # ---- records
    def take(self, r) -> None:
        if self.running and self.track(self.running).is_looking:
            self.looked += r.tsc - self.raw
        self.raw = r.tsc
        self.now = (r.tsc - self.zero - self.looked) * 1e6 / self.hz
        if r.kind == SWITCH:
            if r.env != self.running:
                self.leave()
                self.running = r.env
                self.enter(r.env)
            return
        if not self.running and r.env:
            self.running = r.env
            self.enter(r.env)
        if r.kind == SLICE:
            self.marks.append(Mark(r.env, f"slice {r.number}", f"slice {r.number} of the time vector begins", self.now))
        elif r.kind == CALL and self.words.note(r.args) and self.words.op(r.number) == "nop":
            self.note(r)
        elif r.kind in (CALL, RETURN) and self.track(r.env).is_looking:
            pass
        elif r.kind == CALL:
            self.gate_call(r)
        elif r.kind == RETURN:
            self.gate_return(r)
        elif r.kind == FOREIGN:
            self.settle(r.env, (GATE, FAULT, LINUX))
            self.begin(
                r.env, LINUX, self.words.linux_name(r.number, r.args[0]), self.words.linux_call(r.number, r.args)
            )
        elif r.kind == UPCALL and r.args[0] == ASYNC:
            self.marks.append(Mark(r.env, "upcall", f"asynchronous upcall, pending {r.args[1]:#x}", self.now))
        elif r.kind == UPCALL:
            # One in the library's own code belongs to what that does; else its program has run since.
            in_call = any(s.kind == LINUX for s in self.track(r.env).open) and r.args[3] in source.LIBRARY_TEXT
            self.settle(r.env, (GATE, FAULT) if in_call else (GATE, FAULT, LINUX))
            name = "page fault" if r.args[0] == 14 else f"exception {r.args[0]}"
            self.begin(r.env, FAULT, name, self.words.fault(*r.args[:4]))
            self.track(r.env).open[-1].rip = r.args[3]
            self.track(r.env).open[-1].address = r.args[2]

    # ---- what the library told
    def note(self, r) -> None:
        t, kind = self.track(r.env), r.args[0] & 0xFF
        t.is_looking = kind == LOOK
        if kind == LOOK:
            return
        self.settle(r.env, (GATE, FAULT) if kind == CALL_END else (GATE,))
        s = t.open[-1] if t.open else None
        if kind == CALL_END and s and s.kind == LINUX:
            s.result, s.failed = self.words.linux_result(r.args[1]), bool(trace_words.linux_error(r.args[1]))
            self.close(r.env, self.now)
            t.last = self.now
        elif kind == FAULT_BEGIN and s and s.kind == FAULT:
            s.before = r.args[2:6]
        elif kind == FAULT_END and s and s.kind == FAULT:
            s.after = r.args[2:6]
            why = r.args[0] >> 8
            s.result, s.failed = f"not served: {trace_words.linux_error(2**64 - why)}" if why else "served", bool(why)
            self.close(r.env, self.now)
            t.last = self.now

    def gate_call(self, r) -> None:
        self.begin(r.env, GATE, self.words.op(r.number), self.words.call(r.number, r.args))
        if self.words.op(r.number) == "yield" and r.args[0]:
            self.yields[r.args[0]] = (r.env, self.now)
        elif self.words.op(r.number) == "notify" and r.args[0] != r.env:
            self.wakes[r.args[0]] = (r.env, self.now)

    def gate_return(self, r) -> None:
        t = self.track(r.env)
        if not t.open or t.open[-1].kind != GATE:
            return  # it was called before the trace began
        s = self.close(r.env, self.now)
        s.result, s.failed = self.words.result(r.number, r.args[0], s.text), self.words.is_error(r.args[0])
        s.rip = r.args[1]
        t.last = self.now
        if s.name == "env_make" and not s.failed:
            self.makes[r.args[0]] = (r.env, s.start)
        if s.name == "notify" and s.failed:
            self.wakes = {env: who for env, who in self.wakes.items() if who[0] != r.env}
        if s.name == "yield":
            self.yields = {env: who for env, who in self.yields.items() if who[0] != r.env}

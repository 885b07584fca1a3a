# SPDX-License-Identifier: MIT
"""Owns the gate's trace: what the guest sends in R and P frames, as lines of text, as JSON for a timeline viewer (Chrome's trace format), or as a page
(trace_html.py)."""

import json
import struct

from . import explore, trace_fork, trace_html, trace_spans, trace_words
from .trace_words import ASYNC, CALL, FOREIGN, RETURN, SLICE, SWITCH, UPCALL

class Record:
    def __init__(self, tsc, env, kind, number, args):
        self.tsc, self.env, self.kind, self.number, self.args = tsc, env, kind, number, args


class Trace:
    """R frames in, records out. hz: of the TSC; lost: records that the ring no longer held."""

    def __init__(self):
        self.hz = self.lost = 0
        self.total = None
        self.data = b""
        self.names = [] # (env, tsc, pid, name): which process had which env since when

    def take_names(self, payload):
        for env, tsc, pid, name in struct.iter_unpack("<QQi16s4x", payload):
            self.names.append((env, tsc, pid, name.split(b"\0")[0].decode("utf-8", "replace")))

    def take(self, payload):
        if self.total is None:
            self.hz, self.total, self.lost = struct.unpack("<QQQ", payload)
        else:
            self.data += payload

    def records(self):
        at, out = 0, []
        while at < len(self.data):
            tsc, low, high, kind, number, mask = struct.unpack_from("<QIHBBB", self.data, at)
            env = high << 32 | low
            at += 17
            args = [0] * 6
            for i in range(6):
                if mask >> i & 1:
                    args[i] = struct.unpack_from("<Q", self.data, at)[0]
                    at += 8
            out.append(Record(tsc, env, kind, number, args))
        return out


class Names:
    """Records as they are, for who works on the kernel; trace_words.py has them for people."""

    def __init__(self):
        self.gate = {n: (name, len(arguments)) for n, (name, arguments) in trace_words.gate_arguments().items()}
        self.linux = {n: name for n, (name, _) in trace_words.linux_calls().items()}
        self.error = {n: name for n, (name, _) in trace_words.errors().items()}
        self.words = trace_words.Words(trace_words.Names([], 0))

    def op(self, number):
        return self.gate.get(number, (f"op{number}", 6))

    def result(self, value):
        signed = value - (1 << 64) if value >> 63 else value
        return "-" + self.error[-signed] if -signed in self.error else hex(value) if value > 9 else str(value)

    def what(self, r):
        """The record in words."""
        if r.kind == CALL:
            name, count = self.op(r.number)
            told = self.words.note(r.args) if name == "nop" else ""
            return told or f"{name}({', '.join(f'{a:#x}' for a in r.args[:count])})"
        if r.kind == RETURN:
            return f"{self.op(r.number)[0]} = {self.result(r.args[0])}"
        if r.kind == FOREIGN:
            name = "int 0x80 " + str(r.args[0]) if r.number else self.linux.get(r.args[0], f"syscall {r.args[0]}")
            return f"foreign {name}({', '.join(f'{a:#x}' for a in r.args[1:])})"
        if r.kind == UPCALL:
            vector, error, address, rip = r.args[:4]
            return f"upcall pending {error:#x}" if vector == ASYNC else f"upcall fault {vector} error {error:#x} address {address:#x} rip {rip:#x}"
        if r.kind == SWITCH:
            return f"switch from {r.args[0]:x}" if r.env else f"idle after {r.args[0]:x}"
        return f"slice {r.number} begins"


def text(trace):
    """One line a record: microseconds since the first, env, what."""
    names, records = Names(), trace.records()
    start = records[0].tsc if records else 0
    yield f"# {trace.total} records, {trace.lost} of them lost, TSC {trace.hz} Hz; microseconds, env, what\n"
    for r in records:
        yield f"{(r.tsc - start) * 1e6 / trace.hz:12.3f} {r.env:8x} {names.what(r)}\n"


def events(trace):
    """Chrome's trace events: a process for each of Linux's, in it a track for each env that it had; on that turns of the CPU, in them Linux's calls and faults, in
    those calls of the gate. Flows lead from who makes an env or yields to it."""
    story = trace_spans.Spans(trace, trace.records())
    names = story.names

    def event(phase, env, at, **more):
        return {"ph": phase, "ts": at, "pid": names.process(env)[0], "tid": env, **more}

    for s in story.spans:
        said = {"what": s.text, **({"result": s.result} if s.result else {})}
        if s.after is not None:
            said.update(before=[story.words.pte(e) for e in s.before], after=[story.words.pte(e) for e in s.after])
        yield event("X", s.env, s.start, dur=s.end - s.start, name=f"{s.name} (goes on)" if s.goes_on and s.kind != trace_spans.TURN else s.name, cat=s.kind, args=said)
    for m in story.marks:
        yield event("i", m.env, m.at, name=m.name, s="t", args={"what": m.text})
    for i, a in enumerate(story.arrows):
        yield event("s", a.from_env, a.from_at, name=a.why, cat="arrow", id=i)
        yield event("f", a.env, a.at, name=a.why, cat="arrow", id=i, bp="e")
    for env in story.envs:
        pid, name = names.process(env)
        yield event("M", env, 0, name="process_name", args={"name": f"{name} {pid}" if pid else name})
        yield event("M", env, 0, name="thread_name", args={"name": f"{name}, env {env & 0xfff}"})


def write(trace, path, programs=None):
    """programs: the page that explores a run; explore.Explorer tells what they are. Else a page, JSON or a picture of the first fork, when the name ends so; else text."""
    picture = trace_fork.picture(trace) if path.endswith(".svg") and programs is None else ""
    with open(path, "w", encoding="utf-8") as f:
        if programs is not None:
            f.write(explore.page(trace, programs))
        elif path.endswith(".html"):
            f.write(trace_html.page(trace))
        elif picture:
            f.write(picture)
        elif path.endswith(".json"):
            json.dump({"traceEvents": list(events(trace)), "otherData": {"records": trace.total, "lost": trace.lost}}, f)
        else:
            f.writelines(text(trace))

# SPDX-License-Identifier: MIT
"""Owns the gate's trace: what the guest sends in R frames, as lines of text or as JSON for a timeline viewer (Chrome's trace format)."""

import json
import os
import re
import struct

from .place import TOP

# Mirror enum exo_trace_kind (kernel/include/exo/trace.h).
CALL, RETURN, FOREIGN, UPCALL, SWITCH, SLICE = range(6)
ASYNC = 256


def table(pattern, *paths):
    """{number: name} out of .def files."""
    out = {}
    for path in paths:
        with open(os.path.join(TOP, path), encoding="utf-8") as f:
            out.update((int(number), name) for number, name in re.findall(pattern, f.read(), re.M))
    return out


def gate_arguments():
    with open(os.path.join(TOP, "kernel/include/exo/gate.def"), encoding="utf-8") as f:
        return {int(n): (name, int(count)) for n, name, count in re.findall(r"^GATE\((\d+), (\w+), (\d+),", f.read(), re.M)}


class Record:
    def __init__(self, tsc, env, kind, number, args):
        self.tsc, self.env, self.kind, self.number, self.args = tsc, env, kind, number, args


class Trace:
    """R frames in, records out. hz: of the TSC; lost: records that the ring no longer held."""

    def __init__(self):
        self.hz = self.lost = 0
        self.total = None
        self.data = b""

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
    def __init__(self):
        self.gate = gate_arguments()
        self.linux = table(r"^SYSCALL\((\d+),\s*(\w+)", *(f"lib/posix/call/{part}syscall.def" for part in ("", "fs_", "proc_")))
        self.error = table(r"^ERROR\((?=\w+,\s*(\d+))(\w+)", "kernel/include/exo/error.def")

    def op(self, number):
        return self.gate.get(number, (f"op{number}", 6))

    def result(self, value):
        signed = value - (1 << 64) if value >> 63 else value
        return "-" + self.error[-signed] if -signed in self.error else hex(value) if value > 9 else str(value)

    def what(self, r):
        """The record in words."""
        if r.kind == CALL:
            name, count = self.op(r.number)
            return f"{name}({', '.join(f'{a:#x}' for a in r.args[:count])})"
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
    """Chrome's trace events: a track for each env; on it, when it ran, and in that its calls; upcalls and foreign calls as instants."""
    names, records = Names(), trace.records()
    start = records[0].tsc if records else 0
    running, since, calls, seen = None, 0, {}, set()

    def event(phase, r, env, name, **more):
        seen.add(env)
        return {"ph": phase, "ts": (r.tsc - start) * 1e6 / trace.hz, "pid": 1, "tid": env, "name": name, **more}

    for r in records:
        if r.kind == SWITCH:
            if running and r.env != running:
                # An op that led away is over, for the eye, when its env is left; it returns with the next turn.
                for _ in range(calls.pop(running, 0)):
                    yield event("E", r, running, "")
                yield event("E", r, running, "runs")
            if r.env and r.env != running:
                yield event("B", r, r.env, "runs")
            running = r.env or None
            continue
        if running is None and r.env:
            running = r.env
            yield event("B", r, r.env, "runs")
        if r.kind == CALL:
            calls[r.env] = calls.get(r.env, 0) + 1
            yield event("B", r, r.env, names.op(r.number)[0], args={"call": names.what(r)})
        elif r.kind == RETURN:
            if calls.get(r.env):
                calls[r.env] -= 1
                yield event("E", r, r.env, names.op(r.number)[0], args={"result": names.result(r.args[0])})
        elif r.kind == SLICE:
            yield event("i", r, r.env, f"slice {r.number}", s="g")
        else:
            yield event("i", r, r.env, names.what(r).split("(")[0].split(" error")[0], s="t", args={"what": names.what(r)})
    if running and records:
        for _ in range(calls.pop(running, 0)):
            yield event("E", records[-1], running, "")
        yield event("E", records[-1], running, "runs")
    for env in sorted(seen):
        yield {"ph": "M", "pid": 1, "tid": env, "name": "thread_name", "args": {"name": f"env {env & 0xfff} ({env:x})"}}


def write(trace, path):
    """Text, or JSON when the name ends so."""
    with open(path, "w", encoding="utf-8") as f:
        if path.endswith(".json"):
            json.dump({"traceEvents": list(events(trace)), "otherData": {"records": trace.total, "lost": trace.lost}}, f)
        else:
            f.writelines(text(trace))

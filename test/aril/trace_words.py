# SPDX-License-Identifier: MIT
"""Owns the gate's trace in words for people: arguments by what they mean, errors with their message, envs by the name of
their process. Numbers come out of the ABI's own tables."""

import errno
import os
import re

from .place import TOP

ABI = "kernel/include/exo"
# Mirror enum exo_trace_kind (kernel/include/exo/trace.h).
CALL, RETURN, FOREIGN, UPCALL, SWITCH, SLICE = range(6)
ASYNC = 256
# Mirror enum note_kind (lib/rt/note.h).
NOTE_NONE, CALL_END, LOOK, FAULT_BEGIN, FAULT_END = range(5)


def read(path: str) -> str:
    with open(os.path.join(TOP, path), encoding="utf-8") as f:
        return f.read()


def enum(text: str, name: str) -> dict:
    """{number: name without its prefix} of a C enum of ours."""
    body = re.search(rf"enum {name} {{(.*?)}}", text, re.S).group(1)
    found, number = {}, 0
    for word in re.sub(r"/\*.*?\*/", "", body, flags=re.S).split(","):
        m = re.fullmatch(r"\s*EXO_[A-Z]*?_?(\w+?)\s*(?:=\s*(\d+))?\s*", word)
        if m:
            number = int(m[2]) if m[2] else number
            found[number] = m[1]
            number += 1
    return found


def gate_arguments() -> dict:
    """{number: (name, names of its arguments)}"""
    rows = re.findall(r'^GATE\((\d+), (\w+), (\d+), [^"]*"([^"]*)"', read(f"{ABI}/gate.def"), re.M)
    return {
        int(n): (name, [a.strip() for a in names.split(",") if a.strip()][: int(count)])
        for n, name, count, names in rows
    }


def linux_calls() -> dict:
    """{number: (name, kinds of its arguments)}"""
    found = {}
    for part in ("", "fs_", "proc_"):
        rows = re.findall(r'^SYSCALL\((\d+),\s*(\w+),\s*"(\w*)"', read(f"lib/posix/call/{part}syscall.def"), re.M)
        found.update((int(n), (name, kinds)) for n, name, kinds in rows)
    return found


def errors() -> dict:
    """{number: (name, message)}"""
    rows = re.findall(r'^ERROR\((\w+),\s*(\d+), "([^"]*)"\)', read(f"{ABI}/error.def"), re.M)
    return {int(n): (name, message) for name, n, message in rows}


def linux_error(value: int) -> str:
    """The name, where a result of Linux's (64 bits) is an error; those behind 133 never leave the library."""
    n = -signed(value)
    return errno.errorcode.get(n, f"E{n}") if 0 < n < 4096 else ""


def signed(value: int) -> int:
    return value - (1 << 64) if value >> 63 else value


class Names:
    """Envs by their process. notes: (env, tsc, pid, name), as the guest sent them; first: its first env, the monitor."""

    def __init__(self, notes: list, first: int):
        self.notes = {env: (pid, name) for env, _, pid, name in notes}
        self.first = first

    def process(self, env: int) -> tuple:
        """(pid, name); of the monitor and what was there before the trace the pid is 0."""
        if env == self.first:
            return 0, "monitor"
        return self.notes.get(env, (1, "init"))

    def env(self, env: int) -> str:
        pid, name = self.process(env)
        return f"{name}[{pid}]" if pid else name


class Words:
    def __init__(self, names: Names):
        gate, page = read(f"{ABI}/gate.h"), read(f"{ABI}/page.h")
        self.names, self.gate, self.linux = names, gate_arguments(), linux_calls()
        self.errors = errors()
        flags = re.findall(r"^#define EXO_AT_(\w+)\s+0x([0-9a-f]+)$", gate, re.M)
        self.at_flags = {int(bits, 16): name for name, bits in flags if name != "LEVEL"}
        bits = re.findall(r"^#define EXO_PTE_(P|RW|U|A|D)\s+0x([0-9a-f]+)ul", page, re.M)
        self.pte_bits = {int(value, 16): name for name, value in bits}
        self.avail = int(re.search(r"^#define EXO_PTE_AVAIL 0x([0-9a-f]+)ul", page, re.M).group(1), 16) & 0xE00
        self.types = enum(page, "exo_frame_type")
        self.what = {
            "home_set": enum(gate, "exo_home_what"),
            "env_set": enum(gate, "exo_set_what"),
            "pct_reply": enum(gate, "exo_pct_what"),
            "revoke": enum(gate, "exo_revoke_what"),
        }
        self.kinds = enum(gate, "exo_dev_kind")

    def at(self, value: int) -> str:
        """An address with an entry's level and flags in its lower bits."""
        flags = "".join(f" {name}" for bit, name in self.at_flags.items() if value & bit)
        return f"{value & ~0xFFF:#x} level {value & 7}{flags}"

    def pte(self, value: int) -> str:
        """An entry, or bits of one."""
        if not value:
            return "absent"
        bits = [name for bit, name in self.pte_bits.items() if value & bit]
        bits += ["AVAIL"] * bool(value & self.avail)
        bits.append(("NX" if value >> 63 else "X") if value & 1 or value >> 63 else "")
        frame = value >> 12 & (1 << 40) - 1
        words = "|".join(bit for bit in bits if bit)
        return f"frame {frame:#x} {words}" if value & 1 else words or hex(value)

    def argument(self, op: str, name: str, value: int, args: dict) -> str:
        if name == "at" or (name == "proof" and op == "frame_claim" and value):
            return self.at(value)
        if name == "value":
            listed = any(args["at"] & bit for bit, flag in self.at_flags.items() if flag == "LIST")
            if "CHANGE" in self.at(args["at"]):
                return self.pte(value) if value else "0"
            return f"list at {value:#x}" if listed else self.pte(value)
        if name == "mask" and op == "pte_write":
            return self.pte(value) if value else "none: only reads" if "CHANGE" in self.at(args["at"]) else "0"
        if name == "env":
            return self.names.env(value) if value else "0"
        if name == "what":
            return self.what.get(op, {}).get(value, str(value))
        if name == "kind":
            return self.kinds.get(value, str(value))
        if name == "type":
            return self.types.get(value, str(value))
        if value in (2**64 - 1, 2**64 - 2):
            return "ANY" if value == 2**64 - 1 else "ZEROED"
        return hex(value) if value > 9 else str(value)

    def op(self, number: int) -> str:
        return self.gate.get(number, (f"op{number}", []))[0]

    def call(self, number: int, values: list) -> str:
        op, names = self.gate.get(number, (f"op{number}", [f"a{i}" for i in range(6)]))
        args = dict(zip(names, values))
        return f"{op}({', '.join(f'{name} {self.argument(op, name, value, args)}' for name, value in args.items())})"

    def result(self, number: int, value: int, call: str) -> str:
        """call: its words."""
        n = signed(value)
        if -n in self.errors:
            name, message = self.errors[-n]
            return f"-{name}: {message}"
        if self.op(number) == "env_make":
            return self.names.env(value)
        if "CHANGE, n 1," in call.replace(" GIVE", ""):
            return f"the entry was {self.pte(value)}"
        return hex(value) if value > 9 else str(value)

    def note(self, args: list) -> str:
        """What the library told the trace by op nop; "": it is an ordinary one."""
        kind, why = args[0] & 0xFF, args[0] >> 8
        if kind == CALL_END:
            return f"note: Linux's call = {self.linux_result(args[1])}"
        if kind == LOOK:
            return "note: what follows only looks"
        if kind in (FAULT_BEGIN, FAULT_END):
            when = "before it is served" if kind == FAULT_BEGIN else f"not served: E{why}" if why else "served"
            return f"note: fault at {args[1]:#x}, {when}: " + ", ".join(
                f"level {4 - i} {self.pte(e)}" for i, e in enumerate(args[2:])
            )
        return ""

    @staticmethod
    def linux_result(value: int) -> str:
        name = linux_error(value)
        return f"-{name}" if name else str(value) if value < 1 << 31 else hex(value)

    def is_error(self, value: int) -> bool:
        return -signed(value) in self.errors

    def linux_name(self, door: int, number: int) -> str:
        if door:
            return f"int 0x80 {number}"
        return self.linux.get(number, (f"syscall {number}", ""))[0]

    def linux_call(self, door: int, values: list) -> str:
        kinds = self.linux.get(values[0], ("", "xxxxx"))[1] if not door else "xxxxx"
        shown = [
            str(signed(v & 2**64 - 1)) if kind in "du" and v < 1 << 31 else hex(v)
            for kind, v in zip(kinds, values[1:])
        ]
        return f"{self.linux_name(door, values[0])}({', '.join(shown)})"

    @staticmethod
    def fault(vector: int, error: int, address: int, rip: int) -> str:
        if vector != 14:
            return f"exception {vector}, error {error:#x}, at {rip:#x}"
        access = "execution" if error & 16 else "write" if error & 2 else "read"
        return f"page fault: {access} of {address:#x}, which {'may not' if error & 1 else 'is absent'}, by {rip:#x}"

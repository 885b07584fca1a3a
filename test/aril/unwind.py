# SPDX-License-Identifier: MIT
"""For gdb (`source`): how to go on from the kernel's first C function to who called from ring 3. Each env's registers lie
where kernel/entry.S puts them: of a gate call on the short way on the kernel's stack, else in the env's struct trap.
Nothing is kept here that the kernel's symbols say. The library's own entries tell it by themselves (lib/posix/entry.S).
From an interrupt gdb shows the function that it interrupted, and stops there: it takes another stack for a broken one."""

import gdb
from gdb.unwinder import Unwinder, register_unwinder

# Behind gate_call's call lies what it pushed, in the order in which it comes off; C keeps the others.
PUSHED = ("r9", "r8", "r10", "rdx", "rsi", "rdi", "r11", "rcx")
KEPT = ("rbx", "rbp", "r12", "r13", "r14", "r15")
TRAP = ("rax", "rbx", "rdx", "rsi", "rdi", "rbp", *(f"r{n}" for n in (8, 9, 10, 12, 13, 14, 15)), "rcx", "r11", "rip", "rsp")


class FrameId:
    def __init__(self, sp, pc):
        self.sp, self.pc = sp, pc


def number(value) -> int:
    return int(value) & (1 << 64) - 1


def at(symbol: str) -> int:
    return number(gdb.parse_and_eval(f"(unsigned long)&{symbol}"))


class ToRing3(Unwinder):
    def __init__(self):
        super().__init__("aril-ring-3")
        self.quick = range(at("gate_call"), at("gate_switches"))
        self.slow = range(at("gate_slow"), at("return_to_env"))
        self.trap = range(at("trap_known"), at("trap_kernel"))
        self.word = gdb.lookup_type("unsigned long")

    def __call__(self, pending):
        pc, sp = number(pending.read_register("rip")), number(pending.read_register("rsp"))
        if pc in self.quick:
            return self.from_stack(pending, pc, sp)
        if pc in self.slow or pc in self.trap:
            return self.from_trap(pending, pc, sp)
        return None

    def told(self, pending, pc, sp, registers: dict):
        found = pending.create_unwind_info(FrameId(self.value(sp), self.value(pc)))
        for name, value in registers.items():
            found.add_saved_register(name, self.value(value))
        return found

    def value(self, n):
        return gdb.Value(number(n)).cast(self.word)

    def from_stack(self, pending, pc, sp):
        words = [number(gdb.parse_and_eval(f"*(unsigned long *){sp + 8 * i}")) for i in range(len(PUSHED))]
        registers = dict(zip(PUSHED, words))
        registers.update({name: number(pending.read_register(name)) for name in KEPT})
        registers["rip"] = registers["rcx"]  # as SYSCALL leaves it
        registers["rsp"] = number(gdb.parse_and_eval("cpu0.user_rsp"))
        return self.told(pending, pc, sp, registers)

    def from_trap(self, pending, pc, sp):
        trap = gdb.parse_and_eval("*((struct trap *)cpu0.save_end - 1)")
        if number(trap["cs"]) & 3 != 3:
            return None
        return self.told(pending, pc, sp, {name: number(trap[name]) for name in TRAP})


register_unwinder(None, ToRing3(), replace=True)

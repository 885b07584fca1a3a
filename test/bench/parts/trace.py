# SPDX-License-Identifier: MIT
"""Counts the instructions of a window of one Aril run by address, and names the functions they belong to."""

import bisect
import contextlib
import os
import re
import select
import socket
import subprocess
import tempfile
import time

from aril import source

from . import build, systems

KERNEL = 1 << 63
KERNEL_ELF = os.path.join(build.TOP, "build", "kernel.elf")


def symbols(path):
    """Sorted addresses and names of the functions of an ELF file; empty when it is stripped."""
    text = subprocess.run(["nm", "-n", path], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, check=False).stdout.decode()
    found = [(int(a, 16), name) for a, name in re.findall(r"^([0-9a-f]{16}) [tTwW] (\S+)$", text, re.M)]
    return [a for a, _ in found], [n for _, n in found]


class Names:
    """Which function an address belongs to."""

    def __init__(self, program):
        self.kernel = symbols(KERNEL_ELF)
        self.library = symbols(os.path.join(build.TOP, "build", "apps", "linux"))
        self.program = symbols(program) if program else ([], [])

    def of(self, address):
        """(world, function)"""
        if address >= KERNEL:
            world, (at, names) = "kernel", self.kernel
        elif address in source.LIBRARY_TEXT:
            world, (at, names) = "libos", self.library
        else:
            world, (at, names) = "user", self.program
        i = bisect.bisect_right(at, address) - 1
        return (world, names[i]) if i >= 0 else (world, "(no symbols)")


def log_text(path):
    with contextlib.suppress(FileNotFoundError), open(path, encoding="utf-8", errors="replace") as f:
        return f.read()
    return ""


def monitor(path, *commands):
    with socket.socket(socket.AF_UNIX) as s:
        s.settimeout(60)
        s.connect(path)
        for command in ("", *commands):
            if command:
                s.sendall(command.encode() + b"\n")
            data = b""
            while not data.endswith(b"(qemu) "):
                piece = s.recv(4096)
                if not piece:
                    raise systems.Failed("QEMU's monitor has gone")
                data += piece


def wait_for(process, marker, seconds):
    """Reads the machine's output up to the marker, or to its end: what came."""
    data = b""
    end = time.monotonic() + seconds
    while marker not in data:
        if time.monotonic() > end or process.poll() is not None:
            break
        if select.select([process.stdout], [], [], 1)[0]:
            piece = os.read(process.stdout.fileno(), 65536)
            if not piece:
                break
            data += piece
    return data


def breaks():
    """Addresses in the kernel where interrupts are let in, or looked for: a range op goes back to ring 3 for them."""
    text = subprocess.run(["objdump", "-d", "--no-show-raw-insn", KERNEL_ELF], stdout=subprocess.PIPE, check=True).stdout.decode()
    return re.findall(r"^([0-9a-f]{16}):\s+(?:sti|hlt)\b", text, re.M) + re.findall(r"^([0-9a-f]{16}) <interrupt_waits>:$", text, re.M)


def counts(text, before=""):
    """{address: count} of the reader's lines."""
    return {int(a, 16): int(n) for a, n in re.findall(rf"^{before}([0-9a-f]+) (\d+)$", text, re.M)}


def by_function(by_address, names):
    """[(count, world, function)], dearest first."""
    sums = {}
    for address, n in by_address.items():
        key = names.of(address)
        sums[key] = sums.get(key, 0) + n
    return sorted(((n, world, name) for (world, name), n in sums.items()), reverse=True)


class Profile:
    """by_address, total; stretches = [(length, first address, last address, its by_address)], longest first, one for each last address; complete is False when the
    window was longer than `most`."""

    def __init__(self, text, most):
        self.by_address = counts(text.partition("\nstretch ")[0])
        self.stretches = [(int(n), int(first, 16), int(last, 16), counts(made_of, "deaf "))
                          for n, first, last, made_of in re.findall(r"^stretch (\d+) ([0-9a-f]+) ([0-9a-f]+)\n((?:deaf .*\n)*)", text, re.M)]
        m = re.search(r"^total (\d+)$", text, re.M)
        if not m or not self.stretches:
            raise systems.Failed("the trace holds nothing")
        self.total = int(m.group(1))
        self.complete = self.total < most


@contextlib.contextmanager
def traced(words, most, seconds, ends, *options):
    """A machine run with these words, and the reader of its single steps, which begin when the monitor says so: (machine, reader, the monitor's socket, path of
    the log). ends: addresses at which a stretch is over; options: QEMU's."""
    source = os.path.join(build.HERE, "parts", "trace.c")
    program = build.compile_one(os.path.join(build.OUT, "trace"), ["gcc", "-O2", "-Wall", "-Wextra", "-Werror"], [source], [source])
    with tempfile.TemporaryDirectory(prefix="aril-trace-") as folder:
        fifo, door, log = (os.path.join(folder, n) for n in ("fifo", "monitor", "log"))
        os.mkfifo(fifo)
        more = ["-cpu", systems.CPU, "-monitor", f"unix:{door},server=on,wait=off", "-D", fifo, *options]
        command = [systems.MACHINE, "run", "--mem", systems.MEMORY, "--timeout", str(seconds), "--log", log, "--icount", str(systems.SHIFT), *(f"--qemu={word}" for word in more)]
        reader = subprocess.Popen([program, fifo, str(most), *ends], stdout=subprocess.PIPE, preexec_fn=systems.die_with_parent)
        machine = subprocess.Popen([*command, *words], stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, preexec_fn=systems.die_with_parent)
        try:
            yield machine, reader, door, log
        finally:
            for process in (machine, reader):
                if process.poll() is None:
                    process.terminate()
                    try:
                        process.wait(10)
                    except subprocess.TimeoutExpired:
                        process.kill()
                        process.wait()


def run(arguments, most, adds=(), seconds=600):
    """Boots, runs the measuring program with these arguments (`profile ROW`, `command ARG...`) and traces its window. Also what it printed."""
    build.programs()
    words = [word for pair in [*build.adds(), *adds] for word in ("--add", pair)] + ["--", build.PROGRAM, *arguments]
    with traced(words, most, seconds, breaks()) as (machine, reader, door, _):
        said = wait_for(machine, b"<window open>", seconds)
        if b"<window open>" not in said:
            raise systems.Failed("the window never opened: " + said.decode("utf-8", "replace")[-500:])
        monitor(door, "singlestep on", "log exec,nochain")
        machine.stdin.write(b"\n")
        machine.stdin.flush()
        output = b""
        end = time.monotonic() + seconds
        # The reader leaves when it has seen enough; the program's window ends otherwise.
        while reader.poll() is None and b"<window close>" not in output and time.monotonic() < end:
            if select.select([machine.stdout, reader.stdout], [], [], 1)[0] and select.select([machine.stdout], [], [], 0)[0]:
                piece = os.read(machine.stdout.fileno(), 65536)
                if not piece:
                    break
                output += piece
            elif select.select([reader.stdout], [], [], 0)[0]:
                break
        if b"<window close>" in output:
            monitor(door, "log none")
            machine.stdin.write(b"\n")
            machine.stdin.flush()
            machine.stdin.close()
            output += wait_for(machine, b"\0never\0", 20)
        else:
            machine.terminate()
        text = reader.communicate(timeout=60)[0].decode()
    return Profile(text, most), output.split(b"\n<window close>")[0].decode("utf-8", "replace")


def native(app, most, seconds=900, options=()):
    """Boots a native app, with these options of the driver, and traces the kernel's instructions alone, from ring 3's first one to the machine's end. Also the log. Time goes as in the suite,
    for the tests wait by it; memory is little, for some take all of it."""
    at, names = symbols(KERNEL_ELF)
    text_only = ("-dfilter", f"{at[0]:#x}..{at[-1]:#x}")
    entries = [f"{a:x}" for a, name in zip(at, names) if name in ("syscall_entry", "syscall_traced", "trap_exception", "trap_common")]
    with traced(["--app", app, "--icount", "4", "--mem", "128M", *options], most, seconds, breaks() + entries, *text_only) as (machine, reader, door, log):
        end = time.monotonic() + seconds
        while machine.poll() is None and time.monotonic() < end and "first user instruction" not in log_text(log):
            time.sleep(0.1)
        monitor(door, "singlestep on", "log exec,nochain")
        text = reader.communicate(timeout=seconds)[0].decode()
        machine.wait(60)
        return Profile(text, most), log_text(log)

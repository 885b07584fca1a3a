# SPDX-License-Identifier: MIT
"""One sample of a native figure, instruction by instruction: steps through it by QEMU's debugger stub (GDB manual, Remote Serial Protocol)."""

import os
import re
import socket
import subprocess
import tempfile
import time

from . import build, rows, systems

APP = os.path.join(build.TOP, "build", "apps", "bench")
KERNEL = os.path.join(build.TOP, "build", "kernel.elf")
WARM = 3  # the sample that is stepped through
MOST = 100000
RDI, RIP = 5, 16


class Stub:
    """The debugger's side of a machine that waits for it."""

    def __init__(self, path, seconds):
        end = time.monotonic() + seconds
        self.socket = socket.socket(socket.AF_UNIX)
        self.socket.settimeout(seconds)
        self.rest = b""
        while True:
            try:
                self.socket.connect(path)
                return
            except (FileNotFoundError, ConnectionRefusedError):
                if time.monotonic() > end:
                    raise systems.Failed("QEMU's debugger stub does not answer") from None
                time.sleep(0.1)

    def ask(self, text):
        """The answer to one packet."""
        data = text.encode()
        self.socket.sendall(b"$" + data + b"#%02x" % (sum(data) & 0xFF))
        while True:
            m = re.search(rb"\$([^#]*)#..", self.rest)
            if m:
                self.rest = self.rest[m.end():]
                self.socket.sendall(b"+")
                return m.group(1).decode()
            piece = self.socket.recv(65536)
            if not piece:
                raise systems.Failed("the machine ended before the figure came")
            self.rest += piece

    def register(self, number):
        return int.from_bytes(bytes.fromhex(self.ask("g")[16 * number:16 * number + 16]), "little")

    def string(self, at):
        return bytes.fromhex(self.ask(f"m{at:x},80")).split(b"\0")[0].decode("ascii", "replace")

    def go(self):
        """On to the next address to stop at; the one where it stands does not count."""
        self.ask("s")
        self.ask("c")

    def stop_at(self, address, on):
        self.ask(f"{'Z' if on else 'z'}0,{address:x},1")


def code(path):
    """{address: (function, file:line, instruction)} of an ELF file."""
    text = subprocess.run(["objdump", "-dl", "--no-show-raw-insn", path], stdout=subprocess.PIPE, check=True).stdout.decode()
    found, function, line = {}, "?", ""
    for row in text.split("\n"):
        m = re.match(r"([0-9a-f]+) <(.*)>:$|(\S+:\d+)(?: \(.*\))?$|\s*([0-9a-f]+):\t(.*)$", row)
        if not m:
            continue
        if m.group(1):
            function = m.group(2)
        elif m.group(3):
            line = os.path.basename(m.group(3))
        else:
            found[int(m.group(4), 16)] = (function, line, re.sub(r"\s+", " ", m.group(5)).strip())
    return found


def sample(stub, app, before):
    """Addresses of one sample of the figure that comes after the one titled `before` (None: of the first)."""
    symbols = subprocess.run(["nm", APP], stdout=subprocess.PIPE, check=True).stdout.decode()
    entries = [int(a, 16) for a in re.findall(r"^([0-9a-f]+) [tT] (?:figure|exact)$", symbols, re.M)]
    stamps = [address for address, (_, _, text) in app.items() if text.startswith("rdtsc")]
    for address in entries:
        stub.stop_at(address, True)
    stub.go()
    while before and stub.string(stub.register(RDI)) != before:
        stub.go()
    for address in entries:
        stub.stop_at(address, False)
    for address in stamps:
        stub.stop_at(address, True)
    for _ in range(2 * WARM + 1):
        stub.go()
    rip = stub.register(RIP)
    if any("<stamp+0x4>" in text for address, (_, _, text) in app.items() if rip < address < rip + 8):
        stub.go() # it was the end of a sample: the other env began with one
    for address in stamps:
        stub.stop_at(address, False)
    # A step may run into the instruction after an iretq.
    ends = {*stamps, *(a + 2 for a in stamps)}
    stub.ask("s")
    found = [stub.register(RIP)]
    while len(found) < MOST:
        stub.ask("s")
        rip = stub.register(RIP)
        if rip in ends:
            return found
        found.append(rip)
    raise systems.Failed(f"no end within {MOST:,} instructions")


def run(name, seconds=300):
    """(title, instructions of a sample by the app's own clock, [(function, file:line, instruction)] with those that note the time). Name: as in the budget."""
    figures = rows.native_figures(systems.aril([], seconds, app="bench")[1])[0]
    titles = {rows.slug(title): k for k, (title, _, _) in enumerate(figures)}
    if name not in titles:
        raise systems.Failed(f"no native figure {name}: {' '.join(titles)}")
    k = titles[name]
    app = code(APP)
    with tempfile.TemporaryDirectory(prefix="aril-path-") as folder:
        door = os.path.join(folder, "stub")
        command = [systems.MACHINE, "run", "--app", "bench", "--mem", systems.MEMORY, "--timeout", str(seconds), "--log", os.path.join(folder, "log"),
                   "--icount", str(systems.SHIFT), "--qemu=-cpu", f"--qemu={systems.CPU}", "--qemu=-gdb", f"--qemu=unix:{door},server=on,wait=off", "--qemu=-S"]
        machine = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, preexec_fn=systems.die_with_parent)
        try:
            found = sample(Stub(door, seconds), app, figures[k - 1][0] if k else None)
        finally:
            machine.terminate()
            machine.wait()
    where = {**app, **code(KERNEL)}
    return figures[k][0], figures[k][1], [where.get(address, ("?", "", f"{address:x}")) for address in found]

# SPDX-License-Identifier: MIT
"""Runs the measuring program on each system, in the same QEMU, and gives its lines. Knows no rows."""

import ctypes
import glob
import os
import re
import select
import shutil
import signal
import subprocess
import tempfile
import time

from . import build, cpio

MACHINE = os.path.join(build.TOP, "test", "machine")
SHIFT = 3  # one instruction is 2^SHIFT ticks: firmware polls timers in virtual time, and takes ten times as long at 0
MEMORY = "2G"
COUNTED = ["-accel", "tcg,thread=single", "-icount", f"shift={SHIFT},sleep=off", "-rtc", "base=2026-01-01T00:00:00,clock=vm", "-seed", "1"]
# Linux clears pages by `rep stosb` where ERMS is shown, which -icount takes for 4,096 instructions.
CPU = "max,-erms"
# Linux without what it does against faults of CPUs, and without clearing what it gives its own parts.
BARE = "mitigations=off init_on_alloc=0"
# With PKU shown, QEMU flushes its TLB at every change of PKRU: not a cost of any CPU.
CPU_WALL = "max,-erms,-pku"


class Failed(Exception):
    """A machine that did not come to its end; the message holds what it said last."""


def die_with_parent():
    ctypes.CDLL(None).prctl(1, signal.SIGKILL)


def lines_of(command, seconds, each, cwd=build.TOP):
    """Runs a command; each(line) as the lines come. Its whole text."""
    text = []
    process = subprocess.Popen(command, cwd=cwd, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, preexec_fn=die_with_parent)
    end = time.monotonic() + seconds
    rest = b""
    try:
        while True:
            left = end - time.monotonic()
            if left <= 0:
                raise Failed(f"{command[0]}: no end within {seconds} s; last: {' | '.join(text[-5:])}")
            if not select.select([process.stdout], [], [], min(left, 5))[0]:
                continue
            piece = os.read(process.stdout.fileno(), 65536)
            if not piece:
                break
            *whole, rest = (rest + piece).split(b"\n")
            for raw in whole:
                line = raw.decode("utf-8", "replace").rstrip("\r")
                text.append(line)
                if each:
                    each(line)
        process.wait(30)
    finally:
        if process.poll() is None:
            process.terminate()
            try:
                process.wait(5)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()
    if rest:
        text.append(rest.decode("utf-8", "replace"))
    return text


def aril(arguments, seconds, each=None, counted=True, app=None, packages=True, memory=MEMORY):
    """The program's lines, and the machine's log. app: a native app instead. packages: also what only dynamic programs need."""
    with tempfile.TemporaryDirectory(prefix="aril-bench-") as folder:
        log = os.path.join(folder, "log")
        command = [MACHINE, "run", "--mem", memory, "--timeout", str(seconds), "--log", log, "--qemu=-cpu", f"--qemu={CPU if counted else CPU_WALL}"]
        command += ["--icount", str(SHIFT)] if counted else ["--cold"]  # a saved machine's boot was another day
        if app:
            command += ["--app", app]
        else:
            for pair in build.adds(packages):
                command += ["--add", pair]
            command += ["--", build.PROGRAM, *arguments]
        text = lines_of(command, seconds + 60, each)
        with open(log, encoding="utf-8", errors="replace") as f:
            said = f.read().replace("\r", "")
    if not app and "end" not in text:
        raise Failed("Aril did not come to the end: " + " | ".join(text[-8:]))
    return text, said


def linux_kernel():
    build.packages_need()
    return sorted(glob.glob(os.path.join(build.PACKAGES, "linux", "boot", "vmlinuz-*")))[-1]


def linux_version():
    return re.sub(r"^vmlinuz-", "", os.path.basename(linux_kernel()))


def linux_command(kernel, counted, append, serial):
    archive = os.path.join(build.OUT, "initramfs")
    if not os.path.exists(archive):
        cpio.write(build.tree(), archive)
    return ["qemu-system-x86_64", "-machine", "q35", "-cpu", CPU if counted else CPU_WALL, *(COUNTED if counted else ["-accel", "tcg,thread=single"]), "-m", MEMORY,
            "-net", "none", "-no-reboot", "-display", "none", "-monitor", "none", "-serial", serial, "-kernel", kernel, "-initrd", archive, "-append", append]


def linux(arguments, seconds, each=None, counted=True, options=""):
    """The program's lines on Linux with these further options of the kernel's command line."""
    append = f"console=ttyS0 quiet panic=-1 {options} rdinit={build.PROGRAM} -- {' '.join(arguments)}"
    text = lines_of(linux_command(linux_kernel(), counted, append, "stdio"), seconds, each)
    if "end" not in text:
        raise Failed("Linux did not come to the end: " + " | ".join(text[-8:]))
    return text


def linux_alone(program, arguments, seconds, options=""):
    """What a static program says there as the first process: the machine ends with it."""
    guest = f"/bin/{os.path.basename(program)}"
    folder, archive = os.path.join(build.OUT, "alone-tree"), os.path.join(build.OUT, "alone-initramfs")
    os.makedirs(os.path.join(folder, "bin"), exist_ok=True)
    for name in ("dev", "proc"):
        os.makedirs(os.path.join(folder, name), exist_ok=True)
    shutil.copyfile(program, folder + guest)
    os.chmod(folder + guest, 0o755)
    cpio.write(folder, archive)
    command = linux_command(linux_kernel(), True, f"console=ttyS0 quiet panic=-1 {options} rdinit={guest} -- {' '.join(arguments)}", "stdio")
    command[command.index("-initrd") + 1] = archive
    return lines_of(command, seconds, None)


def linux_entry(counted=True):
    """TSC at which the boot loader enters the kernel's first instruction: the same machine and files, but that instruction's place taken by a reading."""
    with open(linux_kernel(), "rb") as f:
        image = bytearray(f.read())
    at = 0x202 + image[0x201] if image[0x200] == 0xeb else 0x200
    # rdtsc; its eight bytes to the serial port; then isa-debug-exit.
    code = bytes.fromhex("0f31" "6689c3" "6689d1" "baf803") + bytes.fromhex("88d8ee66c1eb08") * 4 + bytes.fromhex("88c8ee66c1e908") * 4
    code += bytes.fromhex("baf400" "b000" "ee" "f4" "ebfd")
    image[at:at + len(code)] = code
    with tempfile.TemporaryDirectory(prefix="aril-bench-") as folder:
        kernel, out = os.path.join(folder, "kernel"), os.path.join(folder, "out")
        with open(kernel, "wb") as f:
            f.write(image)
        command = linux_command(kernel, counted, "quiet", f"file:{out}") + ["-device", "isa-debug-exit,iobase=0xf4,iosize=4"]
        subprocess.run(command, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, timeout=60, check=False)
        with open(out, "rb") as f:
            data = f.read()
    if len(data) < 8:
        raise Failed("the kernel's entry could not be timed")
    return int.from_bytes(data[-8:], "little")

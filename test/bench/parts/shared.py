# SPDX-License-Identifier: MIT
"""What real programs take in a folder of this host (--share), on either system: the same programs, the same folder, the same QEMU with the same export. Seconds, and
guest instructions, which a plugin of QEMU's counts: time in which the guest waits for the host has none."""

import os
import re
import subprocess
import tempfile
import time
from typing import Callable, Dict, List

from aril import qemu

from . import build, systems, whole
from .flow import Ends

PACKAGES = ("git", "findutils")
FOLDERS, FILES = 20, 25
# The first time git looks at every file's contents; the second is what people wait for.
READY = "export HOME=/tmp PATH=/usr/bin:/bin; git config --global safe.directory '*'; cd /w && git status --short && "
SCRIPT = READY + "echo begin && git status --short && echo end"
# Linux's clock ticks and the host's answers fall where they like: the least of these rounds is taken.
ROUNDS = 7
COUNTED = ("git status", "find .", "find . -size +0")
HERE = os.path.dirname(os.path.abspath(__file__))


def repository(folder: str) -> None:
    for n in range(FOLDERS):
        os.makedirs(f"{folder}/d{n}/sub")
        for f in range(FILES):
            with open(f"{folder}/d{n}/sub/f{f}", "w", encoding="ascii") as file:
                file.write(f"{n} {f}\n")
    for words in (["init", "-q"], ["add", "-A"], ["-c", "user.name=n", "-c", "user.email=e@x", "commit", "-qm", "one"]):
        subprocess.run(["git", "-C", folder, *words], check=True, stdin=subprocess.DEVNULL)


def seconds_of(ends: Ends) -> float:
    """Between the two words."""
    rest = ends.line(b"begin")
    begin = time.monotonic()
    ends.seen = rest
    ends.line(b"end")
    return time.monotonic() - begin


def aril(folder: str) -> float:
    command = [systems.MACHINE, "run", "--with", ",".join(PACKAGES), "--share", f"{folder}:/w", "--timeout", "100", "--", "sh", "-c", SCRIPT]
    with subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, bufsize=0) as process:
        try:
            return seconds_of(Ends(-1, process.stdout.fileno(), lambda: process.poll() is not None))
        finally:
            process.terminate()


def linux(folder: str) -> float:
    with tempfile.TemporaryDirectory(prefix="aril-bench-") as own:
        port = qemu.Fifos(os.path.join(own, "com2"))
        os.set_blocking(port.outward, True)
        text = f"{whole.LOAD}; busybox mount -t 9p -o trans=virtio,version=9p2000.L share0 /w; busybox stty -F /dev/ttyS1 raw -echo; " \
               f"exec >/dev/ttyS1 2>&1; {SCRIPT}; busybox sleep 60"
        command = whole.command([folder], text, whole.archive(PACKAGES),
                                ["-serial", "file:/dev/null", "-chardev", f"pipe,id=com2,path={port.path}", "-serial", "chardev:com2"])
        process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, preexec_fn=systems.die_with_parent)
        try:
            return seconds_of(Ends(-1, port.outward, lambda: process.poll() is not None))
        finally:
            process.kill()
            process.wait()
            port.close()


def program() -> str:
    source = os.path.join(build.HERE, "program", "started", "counted.c")
    return build.compile_one(os.path.join(build.OUT, "counted"), ["musl-gcc", "-static", "-O2", "-Wall", "-Wextra", "-Werror"], [source], [source])


def plugin() -> str:
    source = os.path.join(HERE, "counter.c")
    return build.compile_one(os.path.join(build.OUT, "counter.so"), ["gcc", "-shared", "-fPIC", "-fvisibility=hidden", "-O2", "-Wall", "-Wextra", "-Werror"],
                             [source], [source])


def aril_counted(folder: str, script: str, adds: List[str], more: List[str]) -> None:
    words = [word for pair in adds for word in ("--add", pair)] + [f"--qemu={word}" for word in more]
    done = subprocess.run([systems.MACHINE, "run", "--cold", "--with", ",".join(PACKAGES), "--share", f"{folder}:/w", *words, "--timeout", "200", "--", "sh", "-c", script],
                          stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, check=False)
    if done.returncode or done.stdout:
        raise systems.Failed(f"Aril: {done.returncode}: {done.stdout.decode('utf-8', 'replace')[-300:]}")


def linux_counted(folder: str, script: str, adds: List[str], more: List[str]) -> None:
    done = whole.run(folder, script, PACKAGES, 300, adds, more)
    if done.status or done.out or done.err:
        raise systems.Failed(f"Linux: {done}")


def counted(which: Callable[[str, str, List[str], List[str]], None]) -> Dict[str, int]:
    """Guest instructions of each of COUNTED, from its start to its end, by aril_counted or linux_counted."""
    script = READY + " && ".join(f"counted {ROUNDS} {command}" for command in COUNTED)
    with tempfile.TemporaryDirectory(prefix="aril-bench-") as folder, tempfile.TemporaryDirectory(prefix="aril-bench-") as own:
        repository(folder)
        out = os.path.join(own, "counts")
        which(folder, script, [f"{program()}:/bin/counted"], ["-cpu", systems.CPU, "-plugin", f"file={plugin()},out={out}"])
        with open(out, encoding="ascii") as f:
            counts = [int(n) for n in re.findall(r"^count (\d+)$", f.read(), re.M)]
    if len(counts) != ROUNDS * len(COUNTED):
        raise systems.Failed(f"{len(counts)} windows were counted")
    return {command: min(counts[n * ROUNDS:(n + 1) * ROUNDS]) for n, command in enumerate(COUNTED)}


def least(tries: int, which: Callable[[str], float]) -> float:
    """Of a few tries, each in a repository of its own."""
    best = float("inf")
    for _ in range(tries):
        with tempfile.TemporaryDirectory(prefix="aril-bench-") as folder:
            repository(folder)
            best = min(best, which(folder))
    return best

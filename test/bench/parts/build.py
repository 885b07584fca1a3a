# SPDX-License-Identifier: MIT
"""Makes the measured programs and the tree that both systems get: the same files."""

import glob
import os
import shutil
import subprocess

HERE = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
TOP = os.path.dirname(os.path.dirname(HERE))
OUT = os.path.join(TOP, "build", "bench")
PACKAGES = os.path.join(TOP, "build", "pkg-bench")
BUSYBOX = os.path.join(TOP, "build", "pkg", "bin", "busybox")
PROGRAM = "/bin/bench"


class Error(Exception):
    """What is missing, and what to type."""


def newer(path, sources):
    return os.path.exists(path) and all(os.path.getmtime(s) <= os.path.getmtime(path) for s in sources)


def compile_one(path, command, sources, needs):
    if newer(path, needs):
        return path
    os.makedirs(os.path.dirname(path), exist_ok=True)
    part = f"{path}.{os.getpid()}"
    done = subprocess.run([*command, "-o", part, *sources], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, check=False)
    if done.returncode:
        raise Error(done.stdout.decode("utf-8", "replace"))
    os.replace(part, path)
    return path


def programs():
    """The measuring program, by musl and by glibc; the tiny and the dynamic one it starts: host paths by guest paths."""
    os.makedirs(OUT, exist_ok=True)
    folder = os.path.join(HERE, "program")
    sources = sorted(glob.glob(os.path.join(folder, "*.c")))
    needs = sources + glob.glob(os.path.join(folder, "*.h")) + glob.glob(os.path.join(folder, "*.def"))
    flags = ["-D_GNU_SOURCE", "-std=gnu11", "-O2", "-g", "-Wall", "-Wextra", "-Werror", f"-ffile-prefix-map={TOP}=."]
    started = os.path.join(folder, "started")
    tiny, dynamic = os.path.join(started, "tiny.S"), os.path.join(started, "dynamic.c")
    return {
        PROGRAM: compile_one(os.path.join(OUT, "bench"), ["musl-gcc", "-static", *flags], sources, needs),
        f"{PROGRAM}-glibc": compile_one(os.path.join(OUT, "bench-glibc"), ["gcc", "-static", *flags], sources, needs),
        "/bin/bench-tiny": compile_one(os.path.join(OUT, "bench-tiny"), ["gcc", "-static", "-nostdlib"], [tiny], [tiny]),
        "/bin/bench-dynamic": compile_one(os.path.join(OUT, "bench-dynamic"), ["gcc", "-O2"], [dynamic], [dynamic]),
    }


def packages_need():
    if not os.path.exists(os.path.join(PACKAGES, "done")):
        raise Error("build/pkg-bench is missing: make deps-bench")


def adds(packages=True):
    """--add pairs for test/machine: the programs, and what the dynamic ones open when that has been fetched."""
    pairs = [f"{host}:{guest}" for guest, host in programs().items()]
    root = os.path.join(PACKAGES, "root")
    if packages and os.path.isdir(root):
        pairs.append(f"{root}:/")
    return pairs


def tree():
    """The root of the other system, in a folder made afresh."""
    packages_need()
    path = os.path.join(OUT, "linux-tree")
    shutil.rmtree(path, ignore_errors=True)
    shutil.copytree(os.path.join(PACKAGES, "root"), path)
    os.makedirs(os.path.join(path, "bin"), exist_ok=True)
    for guest, host in {**programs(), "/bin/busybox": BUSYBOX}.items():
        shutil.copy(host, path + guest)
        os.chmod(path + guest, 0o755)
    for name in ("sh", "cat", "sort", "gzip"):
        os.symlink("busybox", os.path.join(path, "bin", name))
    for folder in ("proc", "tmp", "dev"):
        os.makedirs(os.path.join(path, folder), exist_ok=True)
    return path

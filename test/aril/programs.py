# SPDX-License-Identifier: MIT
"""Builds test/programs/*.c below build/programs; a program is made again when its source, check.h or the ABI is newer."""

import concurrent.futures
import glob
import os
import subprocess
import threading

from .image import TOP

KINDS = {
    "musl": ["musl-gcc", "-static"],
    "static": ["gcc", "-static"],
    "debug": ["gcc", "-static", "-g"],
    "pie": ["gcc", "-static-pie"],
    "dynamic": ["gcc"],
    "ubsan": ["gcc", "-fsanitize=undefined", "-static-libubsan"],
    "asan": ["gcc", "-g", "-fsanitize=address"],
    "asan-fixed": ["gcc", "-g", "-no-pie", "-fsanitize=address", "-static-libasan"],
    "bare": ["gcc", "-static", "-nostdlib", "-fno-stack-protector"],
    "barepie": ["gcc", "-static-pie", "-nostdlib", "-fno-stack-protector", "-fPIE"],
}
FLAGS = ["-D_GNU_SOURCE", "-std=gnu11", "-O2", "-Wall", "-Wextra", "-Werror", "-I" + os.path.join(TOP, "kernel/include"), "-I" + os.path.join(TOP, "lib"), "-I" + os.path.join(TOP, "apps")]
# What programs include of this tree.
HEADERS = ("test/programs/*.h", "lib/*/*.h", "apps/kv/*.h", "kernel/include/exo/*")


def build_all(pairs):
    """{(name, kind): path} of many, two compilers at a time."""
    with concurrent.futures.ThreadPoolExecutor(2) as pool:
        return dict(zip(pairs, pool.map(lambda pair: build(*pair), pairs)))


def build(name, kind):
    """Path of the program, built as kind says."""
    source = os.path.join(TOP, "test", "programs", name + ".c")
    folder = os.path.join(TOP, "build", "programs", kind)
    path = os.path.join(folder, name)
    needs = [source, *(header for group in HEADERS for header in glob.glob(os.path.join(TOP, group)))]
    if os.path.exists(path) and all(os.path.getmtime(n) <= os.path.getmtime(path) for n in needs):
        return path
    os.makedirs(folder, exist_ok=True)
    part = f"{path}.{os.getpid()}.{threading.get_ident()}"
    subprocess.run([*KINDS[kind], *FLAGS, "-o", part, source], check=True)
    os.replace(part, path)
    return path

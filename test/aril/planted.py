# SPDX-License-Identifier: MIT
"""The Linux app built with planted defects, in a copy of the sources: what a test must notice. The tree itself stays as it is."""

import os
import shutil
import subprocess
from typing import Sequence

from .image import TOP

# What that app is made of, and what was compiled already; a copy keeps the times, so that little is made again.
SOURCES = ("Makefile", "apps", "kernel", "lib")
MADE = ("apps", "posix", "user", "font.c", "posix.o", "vdso.so", "librt.a", "lz4.o", "pkg-lz4")


def copy(name: str, to: str) -> None:
    source = os.path.join(TOP, name)
    if os.path.isdir(source):
        shutil.copytree(source, os.path.join(to, name), symlinks=True)
    else:
        shutil.copy2(source, os.path.join(to, name))


def build(folder: str, edits: Sequence[tuple[str, str, str]]) -> str:
    """Path of the app. edits: (file, what stands there once, what stands there instead). folder: where the copy is made, and stays."""
    build_folder = os.path.join(folder, "build")
    os.makedirs(build_folder)
    for name in SOURCES:
        copy(name, folder)
    flags = [name for name in os.listdir(os.path.join(TOP, "build")) if name.endswith(".flags")]
    for name in (*MADE, *flags):
        if os.path.exists(os.path.join(TOP, "build", name)):
            copy(os.path.join("build", name), folder)
    for file, old, new in edits:
        path = os.path.join(folder, file)
        with open(path, encoding="utf-8") as f:
            text = f.read()
        assert text.count(old) == 1, f"{file}: not once: {old}"
        with open(path, "w", encoding="utf-8") as f:
            f.write(text.replace(old, new))
    env = {k: v for k, v in os.environ.items() if k not in ("MAKEFLAGS", "MFLAGS", "MAKELEVEL", "DEBUG")}
    # By the name of the tree, so that what was compiled there counts as compiled with the same flags.
    done = subprocess.run(["make", "-s", "-j2", f"CURDIR={TOP}", "build/apps/linux"], cwd=folder, env=env, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                          stderr=subprocess.STDOUT, check=False)
    assert done.returncode == 0, done.stdout.decode("utf-8", "replace")[-3000:]
    return os.path.join(build_folder, "apps", "linux")

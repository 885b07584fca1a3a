# SPDX-License-Identifier: MIT
"""Owns what an ELF program needs to start: its machine, its interpreter, its libraries; where this host has them and whether a guest's tree does."""

import dataclasses
import glob
import os
import shutil
from typing import Callable, Optional

from . import place
from .failure import Failure

# Where Debian's ld.so looks without being told.
SYSTEM = ("/lib/x86_64-linux-gnu", "/usr/lib/x86_64-linux-gnu", "/lib", "/usr/lib", "/lib64", "/usr/lib64")
WITH_HELP = {"libstdc++.so.6": "libstdc++6", "libgcc_s.so.1": "libgcc-s1", "libz.so.1": "zlib1g", "libssl.so.3": "libssl3"}
PACKAGE_C = {"libc.so.6", "libm.so.6", "libdl.so.2", "libpthread.so.0", "librt.so.1"}


@dataclasses.dataclass
class Needs:
    machine: str = "x86-64"
    interpreter: Optional[str] = None
    libraries: tuple = ()
    runpath: tuple = ()


def read(path: str) -> Optional[Needs]:
    """None: not an ELF file."""
    try:
        with open(path, "rb") as f:
            return needs_read(f) if f.read(4) == b"\x7fELF" else None
    except OSError as e:
        raise Failure(f"{path}: {e.strerror}") from None


def needs_read(f) -> Needs:
    try:
        # A run without programs of its own does not wait for these.
        from elftools.common.exceptions import ELFError
        from elftools.elf.dynamic import DynamicSegment
        from elftools.elf.elffile import ELFFile
        from elftools.elf.segments import InterpSegment
    except ImportError:
        raise Failure(f"programs cannot be looked at: {place.get('python3-pyelftools')}") from None
    try:
        f.seek(0)
        elf = ELFFile(f)
        if elf.get_machine_arch() != "x64" or elf.elfclass != 64:
            return Needs(machine=f"{elf.get_machine_arch()} ({elf.elfclass} bit)")
        needs = Needs()
        for segment in elf.iter_segments():
            if isinstance(segment, InterpSegment):
                needs.interpreter = segment.get_interp_name()
            elif isinstance(segment, DynamicSegment):
                tags = list(segment.iter_tags())
                needs.libraries = tuple(t.needed for t in tags if t.entry.d_tag == "DT_NEEDED")
                paths = [t.runpath for t in tags if t.entry.d_tag == "DT_RUNPATH"] or [t.rpath for t in tags if t.entry.d_tag == "DT_RPATH"]
                needs.runpath = tuple(folder for text in paths for folder in text.split(":") if folder)
        return needs
    except (ELFError, AssertionError, ValueError, KeyError, UnicodeDecodeError, AttributeError, TypeError, IndexError):
        return Needs(machine="none that its damaged header names")


def folders(needs: Needs, origin: str) -> list[str]:
    own = [folder.replace("${ORIGIN}", "$ORIGIN").replace("$ORIGIN", origin) for folder in needs.runpath]
    return [*own, *SYSTEM]


def by_search(library: str) -> bool:
    """Not what has a slash and is relative: ld.so opens that from where the program runs, which only its caller knows."""
    return library.startswith("/") or "/" not in library


def missing(path: str, guest: str, has: Callable[[str], bool], more: tuple = ()) -> Optional[str]:
    """Why the program `path` would not start as `guest` in a tree of which has(file) is true for what it holds; and what helps. None: it would.
    more: folders of LD_LIBRARY_PATH."""
    needs = read(path)
    if needs is None:
        return None
    if needs.machine != "x86-64":
        return f"it is for another machine, {needs.machine}: build it for x86-64"
    if not needs.interpreter:
        return None
    absent = [] if has(needs.interpreter) else [f"the interpreter {needs.interpreter}"]
    where = [*more, *folders(needs, os.path.dirname(guest))]
    libraries = [name for name in filter(by_search, needs.libraries) if not any(has(os.path.join(folder, name)) for folder in where)]
    if libraries:
        absent.append(f"{'the library' if len(libraries) == 1 else 'the libraries'} {', '.join(libraries)}")
    if not absent:
        return None
    packages = sorted({"libc6" for name in libraries if name in PACKAGE_C} | {WITH_HELP[name] for name in libraries if name in WITH_HELP})
    if not libraries and needs.interpreter.startswith("/lib64/ld-linux"):
        packages = ["libc6"]
    helps = [f"--add-program {path}:{guest}"] + ([f"--with {','.join(packages)}"] if packages else []) + ["link it with -static"]
    return f"it needs {' and '.join(absent)}, which the guest lacks: {', or '.join(helps)}"


def host_folders() -> list[str]:
    """Where this host's ld.so looks, by /etc/ld.so.conf and what it includes."""
    found = []
    todo = ["/etc/ld.so.conf"]
    while todo:
        try:
            with open(todo.pop(0), encoding="utf-8", errors="replace") as f:
                lines = [line.partition("#")[0].strip() for line in f]
        except OSError:
            continue
        for line in lines:
            if line.startswith("include "):
                todo += sorted(glob.glob(line[8:].strip()))
            elif line.startswith("/"):
                found.append(line)
    return found


def program_find(name: str) -> str:
    path = name if "/" in name else name if os.path.isfile(name) else shutil.which(name) or name
    if not os.path.isfile(path):
        raise Failure(f"--add-program {name}: no such program here")
    return path


def program_pairs(text: str) -> list[tuple[str, str]]:
    """PROGRAM[:GUEST]: (host, guest) of the program, its interpreter, its libraries, and of those all that they need."""
    name, colon, guest = text.rpartition(":")
    if not colon:
        name, guest = text, ""
    path = program_find(name)
    guest = guest or "/bin/" + os.path.basename(path)
    if not guest.startswith("/"):
        raise Failure(f"--add-program {text}: not PROGRAM:GUEST with an absolute GUEST path")
    first = read(path)
    if first is None:
        raise Failure(f"--add-program {text}: {path} is no ELF program: --add brings scripts and data")
    if first.machine != "x86-64":
        raise Failure(f"--add-program {text}: it is for another machine, {first.machine}: build it for x86-64")
    pairs = {guest: path}
    if first.interpreter:
        if not os.path.exists(first.interpreter):
            raise Failure(f"--add-program {text}: its interpreter {first.interpreter} is not on this host either")
        pairs[first.interpreter] = os.path.realpath(first.interpreter)
    done, todo = set(), [(first, path, guest)]
    while todo:
        needs, host, inside = todo.pop()
        for library in filter(by_search, needs.libraries):
            if library in done or os.path.basename(first.interpreter or "") == library:
                continue
            done.add(library)
            at, to = library_find(needs, library, os.path.dirname(os.path.abspath(host)), os.path.dirname(inside))
            if not at:
                raise Failure(f"--add-program {text}: {library}, which {host} needs, is not on this host either: install its package, or use --with")
            pairs[to] = os.path.realpath(at)
            todo.append((read(at) or Needs(), at, to))
    return [(host, inside) for inside, host in pairs.items()]


def library_find(needs: Needs, name: str, origin: str, inside: str) -> tuple[str, str]:
    """Where it is here, and where the guest's ld.so will look for it."""
    for folder, to in zip(folders(needs, origin), folders(needs, inside)):
        if os.path.exists(os.path.join(folder, name)):
            return os.path.join(folder, name), os.path.join(to, name)
    for folder in host_folders():
        if os.path.exists(os.path.join(folder, name)):
            return os.path.join(folder, name), os.path.join(SYSTEM[0], name)
    return "", ""

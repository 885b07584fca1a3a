# SPDX-License-Identifier: MIT
"""Library OSes on rt, run and vm alone: `edf`, and the program of the tutorial in lib/README.md, which runs as it is written there."""

import os
import re
import subprocess

from aril import guest, image
from test_mini import symbols

README = os.path.join(image.TOP, "lib", "README.md")
PROGRAM = os.path.join(image.TOP, "test", "guest", "pager", "main.c")
EDF = os.path.join(image.TOP, "apps", "edf", "main.c")
HIGH = ("fs", "tty", "load", "dev", "posix")  # rooms that neither may pull in


def tutorial() -> list:
    """The blocks of the tutorial: (language, text)."""
    with open(README, encoding="utf-8") as f:
        section = re.search(r"^## A program on lib/vm$(.*?)(?=^## |\Z)", f.read(), re.M | re.S).group(1)
    return re.findall(r"^```(\w*)\n(.*?)^```$", section, re.M | re.S)


def test_edf_misses_nothing():
    """1,000 periods of virtual time at 85 %: no miss by earliest deadline, some in the order of arrival; the working set turns over and no byte is lost."""
    r = guest.run(options=["--icount", "3", "--app", "edf"])
    text = r.out.decode()
    early = re.search(r"edf: earliest deadline first: 1000 periods, (\d+) jobs, (\d+) % of the time, (\d+) misses", text)
    late = re.search(r"edf: first in, first out: 100 periods, \d+ jobs, \d+ % of the time, (\d+) misses", text)
    memory = re.search(r"edf: (\d+) evictions, 48 of 48 sums are right, spun (\d+) (\d+)", text)
    assert r.status == 0 and early and late and memory, r
    jobs, share, misses = map(int, early.groups())
    assert jobs >= 1000 + 666 + 200 - 3 and 85 <= share <= 90 and misses == 0, text
    assert int(late.group(1)) > 0 and all(int(n) > 0 for n in memory.groups()), text


def test_edf_is_small():
    with open(EDF, encoding="utf-8") as f:
        lines = len(f.readlines())
    print(f"edf: {lines} lines")
    assert lines <= 200 and sorted(os.listdir(os.path.dirname(EDF))) == ["main.c"]


def test_kv_is_small():
    with open(os.path.join(image.TOP, "apps", "kv", "main.c"), encoding="utf-8") as f:
        assert len(f.readlines()) <= 200


def test_tutorial():
    """Its program is the one that is built; its commands are run, and what they print is there."""
    blocks = tutorial()
    assert [language for language, _ in blocks] == ["c", "sh", ""]
    with open(PROGRAM, encoding="utf-8") as f:
        text = f.read()
    assert blocks[0][1] == text and len(text.splitlines()) <= 60
    env = {k: v for k, v in os.environ.items() if k not in ("MAKEFLAGS", "MFLAGS", "MAKELEVEL")}
    done = subprocess.run(["sh", "-ec", blocks[1][1]], cwd=image.TOP, env=env, check=False, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, timeout=300)
    out = done.stdout.decode("utf-8", "replace")
    assert done.returncode == 0 and blocks[2][1].strip() in out, out[-2000:]


def pulled(program: set, own: set, high: set) -> set:
    """Names of rooms above that stand in a program, but for those that it or a room that it stands on gives itself."""
    return (program & high) - own


def test_nothing_above_is_linked():
    build = image.build_folder(guest.DEBUG)
    high = set()
    for room in HIGH:
        for folder, _, files in os.walk(os.path.join(build, "posix", "lib", room)):
            paths = [os.path.join(folder, name) for name in files if name.endswith(".o")]
            out = subprocess.run(["gcc-nm", "-g", "--defined-only", *paths], check=True, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL).stdout.decode() if paths else ""
            high |= {line.split()[-1] for line in out.splitlines() if len(line.split()) == 3}
    low = symbols("-g", os.path.join(build, "librooms.a")) | symbols("-g", os.path.join(build, "librt.a"))
    for name, folder in (("pager", "test/guest/pager"), ("edf", "apps/edf")):
        program, own = symbols(os.path.join(build, "apps", name)), symbols("-g", os.path.join(build, "user", folder, "main.c.o"))
        assert {"page_serve", "region_insert", "family_start"} <= program and len(high) > 500
        assert not pulled(program, low | own, high), name
        assert not program & {"sched_keep", "thread_switch", "fork_sealed"}, "what it does not ask for stays away"
    assert pulled({"page_serve", "sys_open"}, {"page_serve"}, {"sys_open", "page_serve"}) == {"sys_open"}

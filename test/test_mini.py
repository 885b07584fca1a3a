# SPDX-License-Identifier: MIT
"""mini: a whole library OS of its own. Frames by number, an ELF program, fork by sealed tables, a scheduler."""

import glob
import os
import re
import subprocess

import pytest

from aril import guest, image
from test_hostile import Bare

FRAME = 0x20123
WORD = 0x4172696c6d696e69


@pytest.fixture(scope="module")
def machine():
    conf = f"app = mini\nmini-frame = {FRAME}\nmini-word = {WORD:x}\nmini-wait = 1\n".encode()
    with Bare(conf=conf) as m:
        assert m.wait(r"mini: waiting$"), m.log()
        yield m


def test_frame_by_number(machine):
    """The word that the test gave lies at the physical address that the test named, seen from outside."""
    assert re.search(rf"mini: frame {FRAME} holds {WORD:x}$", machine.log(), re.M), machine.log()
    text = machine.machine.monitor(f"xp /1gx {FRAME << 12:#x}")
    assert int(text.split(":")[1], 16) == WORD, text


def test_segments(machine):
    assert len(re.findall(r"mini: .*segment", machine.log())) >= 2, machine.log()


def test_fork(machine):
    text = machine.log()
    assert re.search(r"mini: env \w+ forked \w+, pages copied by fork: 0$", text, re.M), text
    assert re.search(r"mini: after a write, pages copied by fork: 1\b", text), text


def test_alternations(machine):
    text = machine.log()
    assert "mini: 100 alternations" in text, text
    found = re.search(r"mini: parent counted to (\d+), child to (\d+)", text)
    assert found and int(found.group(1)) > 0 and int(found.group(2)) > 0, text


def test_frames_come_back(machine):
    found = re.search(r"frames free: (\d+), and after all (\d+)", machine.log())
    assert found and found.group(1) == found.group(2), machine.log()


def test_run_gives_log_and_status():
    r = guest.run(options=["--app", "mini"])
    assert r.status == 0 and b"100 alternations" in r.out, r


def symbols(*command):
    out = subprocess.run(["nm", "--defined-only", *command], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, check=False).stdout.decode()
    return {line.split()[-1] for line in out.splitlines() if len(line.split()) == 3}


def test_posix_is_not_linked():
    """No global name of lib/posix stands in mini, and none of mini's objects asks for one."""
    build = image.build_folder(guest.DEBUG)
    posix = symbols("-g", os.path.join(build, "posix.o"))
    ours = symbols("-g", *glob.glob(os.path.join(build, "user", "apps", "mini", "*.o"))) | symbols("-g", os.path.join(build, "librt.a"))
    mini = symbols(os.path.join(build, "apps", "mini"))
    assert len(posix) > 50 and mini
    assert not (mini & posix) - ours


def test_is_small():
    lines = 0
    for name in ("elf.c", "fork.c", "sched.c", "main.c"):
        with open(os.path.join(image.TOP, "apps", "mini", name), encoding="utf-8") as f:
            lines += len(f.readlines())
    print(f"mini: {lines} lines")
    assert lines <= 300

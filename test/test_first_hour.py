# SPDX-License-Identifier: MIT
"""apps/README.md, "The first hour": every command is run as it is written, and says what stands below it. It leads to a
green grade in at most 25 commands."""

import os
import re
import subprocess

from aril import guest

README = os.path.join(guest.TOP, "apps", "README.md")
MOST = 25


def blocks() -> list:
    """(commands, lines that are to be said) in order; a block of commands may have none."""
    with open(README, encoding="utf-8") as f:
        section = re.search(r"^## The first hour$(.*?)(?=^## |\Z)", f.read(), re.M | re.S).group(1)
    found = []
    for language, text in re.findall(r"^```(\w*)\n(.*?)^```$", section, re.M | re.S):
        if language == "sh":
            found.append((text, []))
        else:
            assert not language and found
            found[-1][1].extend(text.splitlines())
    return found


def test_it_is_short():
    commands = [line for text, _ in blocks() for line in text.splitlines()]
    # Before them: git clone, cd, make deps.
    assert 10 <= len(commands) and len(commands) + 3 <= MOST, len(commands)
    assert "lab 2: green" in blocks()[-1][1]


def test_as_written():
    env = {k: v for k, v in os.environ.items() if k not in ("MAKEFLAGS", "MFLAGS", "MAKELEVEL")}
    for text, wanted in blocks():
        done = subprocess.run(["sh", "-ec", text], cwd=guest.TOP, env=env, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, timeout=600, check=False)
        out = done.stdout.decode("utf-8", "replace")
        assert done.returncode == 0, text + out
        # In any order: what goes to the two streams may come so or so.
        for line in wanted:
            assert line in out, f"{text}says not `{line}`:\n{out[-2000:]}"


def test_files_that_it_names_are_there():
    with open(README, encoding="utf-8") as f:
        section = re.search(r"^## The first hour$(.*?)(?=^## |\Z)", f.read(), re.M | re.S).group(1)
    for path in re.findall(r"`((?:lib|kernel|test|apps)/[\w/.]+)`", section):
        assert os.path.exists(os.path.join(guest.TOP, path)), path
    lines = int(re.search(r"`lib/vm/fork.c`, (\d+) lines", section).group(1))
    with open(os.path.join(guest.TOP, "lib/vm/fork.c"), encoding="utf-8") as f:
        assert lines == len(f.readlines())

# SPDX-License-Identifier: MIT
"""Swap to compressed memory: pages are what they were, whatever is done with them meanwhile; more data than there is memory, by two policies; not one frame is lost."""

import re

import pytest

from aril import guest, programs

KEPT = 8  # frames by which what the family keeps may still grow: test_stress.py
ROUNDS = 3  # what the family keeps for later use grows twice at most: the last round loses nothing
SAID = {"pages": "pages are what they were", "fork": "forks have what they had", "ended": "who is ended leaves nothing",
        "off": "swapoff loses nothing", "others": "sleepers gave, and lost nothing"}


def swapped(*commands: str, options: tuple = ()) -> list:
    """Lines of `swapped` with the words of each, in one machine of 128 MiB."""
    add = ["--mem", "128M", "--add", f"{programs.build('swapped', 'musl')}:/bin/swapped"]
    r = guest.run("sh", "-c", "; ".join(f"swapped {words}" for words in commands), options=[*add, *options], timeout=900)
    assert r.status == 0 and not r.err, r
    return r.out.decode().splitlines()


@pytest.mark.parametrize("name", sorted(SAID))
def test_pages(name):
    """MADV_PAGEOUT and all calls about mappings; fork and kill; swapoff with too little room; sleepers beside who needs memory."""
    lines = swapped(*[name] * ROUNDS)
    assert lines[0::2] == [SAID[name]] * ROUNDS and lines[-1] == "all is back", lines


def test_in_a_box():
    """A box has a swap of its own, of its own memory, and what it packed goes with it; the machine outside has none meanwhile."""
    one = "box --memory 24M --file /bin/swapped sh -c 'swapped big 48; swapped big 48; swapped pages; swapon /dev/zram0; swapped leave; grep -c zram /proc/swaps' 2>&1; " \
        "cat /proc/swaps | wc -l; a=0; until [ $a = $(frames) ]; do a=$(frames); sleep 1; done; frames"
    add = [word for name in ("swapped", "frames") for word in ("--add", f"{programs.build(name, 'musl')}:/bin/{name}")]
    r = guest.run("sh", "-c", "; ".join([one] * ROUNDS) + "; true", options=["--mem", "128M", *add], timeout=900)
    lines = r.out.decode().splitlines()
    print(lines)
    frames = [int(line) for line in lines if line.isdigit() and line != "1"]
    assert r.status == 0 and lines.count("1") == 2 * ROUNDS and len(frames) == ROUNDS, r
    assert lines.count("pages are what they were") == ROUNDS, lines
    assert len([line for line in lines if re.fullmatch(r"48 MiB of 2\d: the sum is right", line)]) == 2 * ROUNDS, lines
    # What the box's family keeps for later use grows in the first.
    assert lines.count("all is back") == 2 * ROUNDS, lines
    assert any(after >= before for before, after in zip(frames, frames[1:])) and frames[0] - frames[-1] <= KEPT, lines


@pytest.mark.parametrize("app", ("linux", "fifo"))
def test_big(app):
    """Three times the machine's memory, by the policy that is shipped and by one that an app of the test suite brings."""
    lines = swapped("big 130", "big 384", "big 384", options=("--app", app))
    assert lines[4:] == ["384 MiB of 122: the sum is right", "all is back"], lines


PYTHON = """
import zlib
blocks = [b"%016d" % i * 65536 for i in range(384)]
sum_, want = 0, 0
for i, block in enumerate(blocks):
    sum_ = zlib.crc32(block, sum_)
for i in range(384):
    want = zlib.crc32(b"%016d" % i * 65536, want)
print(len(blocks), sum_ == want)
"""


def test_python():
    """The same by python3, and what /proc/swaps says of it."""
    r = guest.run("sh", "-c", "swapon /dev/zram0 && python3 -c \"$0\"; cat /proc/swaps; swapoff /dev/zram0; cat /proc/swaps", PYTHON,
                  options=["--mem", "128M", "--with", "python3-minimal"], timeout=900)
    lines = r.out.decode().splitlines()
    assert r.status == 0 and lines[0] == "384 True" and lines[2].split()[:2] == ["/dev/zram0", "partition"], r
    assert lines[1] == lines[3] and len(lines) == 4, r


def test_killed_when_full():
    """Swap is full in the end: who has taken the most is killed then, and the shell goes on."""
    add = ["--mem", "128M", "--add", f"{programs.build('stress', 'musl')}:/bin/stress"]
    r = guest.run("sh", "-c", "swapon /dev/zram0; (stress hog); echo $?; grep -E 'SwapTotal|SwapFree' /proc/meminfo; swapoff /dev/zram0; echo $?", options=add, timeout=900)
    lines = r.out.decode().splitlines()
    total, free = (int(line.split()[1]) for line in lines[1:3])
    assert r.status == 0 and lines[0] == "137" and total == free > 0 and lines[3] == "0", r

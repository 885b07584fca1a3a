# SPDX-License-Identifier: MIT
"""What must not break a family: many processes, bombs, hogs, kills at times drawn by seed. Afterwards the shell goes on and not one frame is lost."""

import re

import pytest

from aril import guest, programs

slow = pytest.mark.slow
KEPT = 8  # frames by which caches may still grow after a command's first run
ROUNDS = 3  # with two, one that grew the caches could not be told from one that lost a frame


def rounds(command, options=(), count=ROUNDS):
    """The command again and again: what it printed. What is lost is lost each time; what the family keeps for later use grows seldom, and not far."""
    add = [word for name in ("stress", "bombs", "frames") for word in ("--add", f"{programs.build(name, 'musl')}:/bin/{name}")]
    text = f"one() {{ {command}; echo \"status $?\"; sleep 1; frames; }}; " + "; ".join(f"N={n}; one" for n in range(count)) + "; echo the shell goes on"
    r = guest.run("sh", "-c", text, options=[*options, *add], timeout=900, debug=False)
    assert r.status == 0, r
    lines = r.out.decode().splitlines()
    assert lines[-1] == "the shell goes on", r
    frames = [int(line) for line in lines if line.isdigit()]
    assert len(frames) == count, r
    print(f"{command}: free frames {frames[0]}, then {frames[1:]}")
    assert any(after >= before for before, after in zip(frames, frames[1:])) and frames[0] - frames[-1] <= KEPT, r
    return lines


def test_thousands_alive():
    """4,000 processes alive at once in 1 GiB."""
    lines = rounds("stress many 4000", ["--mem", "1G"])
    assert lines.count("4000 processes were alive at once") == lines.count("status 0") == ROUNDS


@pytest.mark.parametrize("kills", (30, pytest.param(500, marks=slow)))
def test_kills(kills):
    """Workers that fork, exec, map, write files and make threads are killed at instruction counts drawn by seed, with all that they have started."""
    lines = rounds(f"stress kill $N {kills}", ["--icount", "3"])
    assert lines.count(f"{kills} were killed") == ROUNDS


def test_kills_where_files_sleep():
    """The same where every operation on /tmp sleeps, beside shells that make, write, rename and remove the same names."""
    shells = "for i in 1 2 3; do (for k in 1 2 3 4 5 6; do echo $k >/tmp/a; mv /tmp/a /tmp/b; mkdir /tmp/d; " \
        "mv /tmp/b /tmp/d/c; cat /tmp/d/c; rm -r /tmp/d; done) >/dev/null 2>&1 & done"
    command = f"mkdir /under && mount -t slow /under /tmp; {shells}; stress kill $N 20; wait; rm -rf /tmp/*; " \
        "grep -o ' /tmp slow ' /proc/mounts; umount /tmp && ls -A /under && rmdir /under"
    count = 2 * ROUNDS  # shorter than most
    lines = rounds(command, ["--icount", "3", "--app", "slowfs"], count)
    assert lines.count("20 were killed") == lines.count(" /tmp slow ") == lines.count("status 0") == count
    assert len([line for line in lines if not line.isdigit()]) == 3 * count + 1, lines  # nothing was left in /under


def test_mapped_where_files_sleep():
    """Programs read into, and write out of, mappings of files whose every operation sleeps, and run from there, while some of them are killed."""
    command = "mkdir /under && mount -t slow /under /tmp; cd /tmp; cp /bin/busybox .; slowmap & p=$!; stress kill $N 10; wait $p; echo slowmap $?; " \
        "slowmap; ./busybox echo runs from there; cd /; rm -rf /tmp/*; umount /tmp && rmdir /under"
    lines = rounds(command, ["--icount", "3", "--app", "slowfs", "--add", f"{programs.build('slowmap', 'musl')}:/bin/slowmap"], 2 * ROUNDS)
    for line, count in (("10 were killed", 1), ("mappings of what sleeps", 2), ("slowmap 0", 1), ("runs from there", 1), ("status 0", 1)):
        assert lines.count(line) == count * 2 * ROUNDS, (line, lines)


@slow
def test_forks_in_a_row():
    """10,500 in all."""
    assert rounds("stress row 3500").count("3500 forks in a row") == ROUNDS


def test_fork_bomb():
    """Two forks in every child until the limit of 200 processes refuses."""
    assert rounds("stress bomb").count("status 1") == ROUNDS


@pytest.mark.parametrize("limit", (pytest.param("", id="memory"), pytest.param("ulimit -v 100000; ", id="limit")))
def test_memory_hog(limit):
    """Who has taken the most is killed; who has a limit is refused."""
    lines = rounds(f"({limit}stress hog)", ["--mem", "128M"])
    assert lines.count("refused: Out of memory" if limit else "status 137") == ROUNDS


def test_full_tree():
    """Who fills the tree, or pipes, is refused; everybody else goes on, also beside a hog."""
    lines = rounds("stress full; dd if=/dev/zero of=/tmp/big bs=64k 2>/dev/null; (stress hog); echo \"hog $?\"; ls / | cat >/dev/null && rm /tmp/big",
                   ["--mem", "128M"])
    assert lines.count("full, and nobody was stopped") == lines.count("hog 137") == lines.count("status 0") == ROUNDS


def test_kept_bombs():
    """Who makes pipes or mappings until no more can be had, and keeps them: others go on meanwhile, and afterwards all is there for them."""
    lines = rounds("stress pipes && stress maps", ["--mem", "128M"])
    assert lines.count("pipes, and nobody was stopped") == lines.count("mappings, and nobody was stopped") == lines.count("status 0") == ROUNDS


@pytest.mark.parametrize("kind", ("signals", "reads"))
def test_calls_without_memory(kind):
    """A handler's frame, or what is read, wants a page where another one has all: that one is killed, and the handler runs, the call succeeds."""
    count = 2 * ROUNDS # which page is the last differs from round to round, and with it what the caches hold, by a frame
    lines = rounds(f"stress {kind}", ["--mem", "128M"], count)
    assert lines.count(f"{kind}, and nobody else was stopped") == lines.count("status 0") == count


BOMBS = ("memory", "tree", "fork", "descriptors", "mappings")
PROMPT_MS = 2000  # of the guest's time, which its instructions make


@pytest.mark.parametrize("seconds", (2, pytest.param(30, marks=slow)))
@pytest.mark.parametrize("kind", BOMBS)
def test_bomb(kind, seconds):
    """Four that want all there is of something, and a shell beside them: its prompt answers, `rm` removes, and they end, with all that they made."""
    lines = rounds(f"bombs {kind} {seconds}", ["--mem", "64M", "--icount", "3"])
    said = [re.fullmatch(rf"{kind}: prompt (\d+) ms, work \d+ ms", line) for line in lines if ":" in line]
    print(lines)
    assert len(said) == ROUNDS == lines.count("status 0") and all(m and int(m.group(1)) < PROMPT_MS for m in said), lines


def test_largest_is_killed():
    """One that sleeps on 70 of 116 MiB goes first, though another asks for more than is left; then that one."""
    held = "rm -f /tmp/held; mkfifo /tmp/held; stress hold 70 >/tmp/held & read -r line </tmp/held; echo $line"
    lines = rounds(held + "; (stress hog); echo \"hog $?\"; wait $!", ["--mem", "128M"])
    assert lines.count("held") == lines.count("status 137") == lines.count("hog 137") == ROUNDS


@slow
def test_large_tree():
    """6 GiB in a file, in 8 GiB of RAM: its tables stay, its pages come back."""
    lines = rounds("dd if=/dev/zero of=/tmp/big bs=1M count=6144 2>/dev/null; echo size $(stat -c %s /tmp/big); ls / | cat >/dev/null && rm /tmp/big",
                   ["--mem", "8G"])
    assert lines.count(f"size {6 << 30}") == lines.count("status 0") == ROUNDS


def test_thousand_runnable():
    """1,000 threads of a process that all want to run: each gets its turn. At this instruction rate a scheduler whose own work grows with their square never gives one."""
    r = guest.run("/bin/threads", options=["--icount", "3", "--add", f"{programs.build('threads', 'static')}:/bin/threads"], timeout=100, debug=False)
    assert r.status == 0, r

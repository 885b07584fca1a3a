# SPDX-License-Identifier: MIT
"""No row costs more instructions than test/bench/budget says, no way through the kernel is longer without a look at interrupts than STRETCH_MAX, and no turn of the
monitor longer than TURN_MAX. They read a release build only: the kernel that recounts costs what it costs."""

import os
import random
import subprocess
import sys

import pexpect
import pytest

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "bench"))

from aril import guest, programs  # noqa: E402
from parts import apart, budget, curves, path, rows, shared, store, systems, told, trace, turns  # noqa: E402

STRETCH_MAX = 8000
# Of the host's bytes, both ways; and of text that it shows on the screen. About 50,000 are wanted.
TURN_MAX = {"bytes": 200000, "text": 400000}


@pytest.mark.skipif(os.environ.get("ARIL_DEBUG") == "1", reason="costs are those of the release kernel")
def test_rows():
    failures, remarks = budget.check(budget.measured(), budget.read())
    for remark in remarks:
        print(remark)
    assert not failures, "; ".join(failures)


# From a saved machine's first instruction to its last: `true` takes some 700,000. A boot through the firmware takes
# thousands of times as many.
WARM_MOST = 2000000


@pytest.mark.skipif(os.environ.get("ARIL_DEBUG") == "1", reason="costs are those of the release kernel")
def test_from_a_saved_machine(tmp_path, monkeypatch):
    """`aril run -- true` from a saved machine: no firmware ran, by the instructions that the whole machine executed."""
    (tmp_path / "cache").mkdir()
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.setenv("QEMUFLAGS", f"-plugin file={shared.plugin()},out={tmp_path}/counts")
    counts = []
    for _ in range(3):
        r = guest.run("true")
        assert r.status == 0 and r.err == b"", r
        counts.append(int((tmp_path / "counts").read_text().split("all ")[1]))
    print("instructions:", counts)
    assert min(counts) < WARM_MOST, counts


# Instructions of one operation beside any number of others that wait for something else. Of two processes that wake each
# other, who has run less decides where each is put in the run queue: two ways, some 70 instructions apart.
# Beyond 4,096 open files a word of bits is looked at for each 4,096: 244 of them for a million.
# A timer's place is found by the logarithm.
# The lowest room is sought among 64 leaves at a time.
# A leaf of regions holds at most 85, and a new one (a thread has two, of its stack) is put between them: up to there that grows.
FLAT_MOST = {"poll": 1950, "epoll": 400, "epoll-ready": 550, "open": 1600, "sigqueue": 920, "timer": 850, "wait-one": 400, "wait-any": 400,
             "fork": 80000, "mmap-32bit": 7500, "shmdt": 1100, "mmap": 8000, "mprotect": 1000, "fault": 1950, "munmap": 1550, "thread": 15600}
FLAT_SPREAD = {"poll": 1.05, "epoll": 1.0, "epoll-ready": 1.0, "open": 5, "sigqueue": 1.05, "timer": 1.3, "wait-one": 1.05, "wait-any": 1.05, "fork": 1.15,
               "mmap-32bit": 6, "shmdt": 1.4, "mmap": 3, "mprotect": 1.4, "fault": 1.05, "munmap": 1.7, "thread": 1.75}
FORK_REGION = 25  # instructions of a fork, the child's end included, for each region beyond 100
FORK_FILE_REGION = 48  # where each has a file, in which references are counted; 25 are wanted


@pytest.mark.skipif(os.environ.get("ARIL_DEBUG") == "1", reason="costs are those of the release kernel")
def test_flat():
    """A byte by a pipe beside 900 that sleep in poll, a look at an epoll of 10,000, the next descriptor of a million; a signal
    behind 50,000, a timer among as many; a look at one child of 900, and another one, from its fork to its end; a mapping more,
    another right, a first touch, a mapping less among 60,000; one more where 31 bits reach and a segment less among 30,000
    of a file; a thread beside 900."""
    program = programs.build("flatcost", "musl")
    r = guest.run("flatcost", *"poll epoll open signals timers children maps places threads".split(), options=["--icount", str(systems.SHIFT), "--add", f"{program}:/bin/flatcost"], timeout=250)
    assert r.status == 0, (r.status, r.err)
    points = rows.Figures(r.out.decode().splitlines()).points
    forks = dict(points.pop("fork-maps"))
    assert (forks[60000] - forks[100]) / 59900 <= FORK_REGION, forks
    of_files = dict(points.pop("fork-files"))
    assert (of_files[30000] - of_files[100]) / 29900 <= FORK_FILE_REGION, of_files
    assert points.keys() == FLAT_MOST.keys() and min(map(len, points.values())) >= 7
    for name, of in points.items():
        costs = [cost for _, cost in of]
        print(name, of)
        assert max(costs) <= FLAT_MOST[name] and max(costs) <= min(costs) * FLAT_SPREAD[name], (name, of)


# At most, at the largest n, and the exponent. Linux, there: 12,170,000 for a MiB of arguments, 1,059 a page of a mapped
# file, 20,780 for stat, 1,337 a line of maps, 1,710,000 for the fork beside a GiB, 46,300 for the first write after it.
BESIDE_MOST = {"exec-args": 8100000, "mapped-read": 900, "stat": 16000, "maps-line": 960, "fork-huge": 150000, "fork-huge-write": 40000}
BESIDE_EXPONENT = {"exec-args": 0.8, "mapped-read": 0, "stat": 0.01, "maps-line": 0, "fork-huge": 0.12, "fork-huge-write": 0.05}


@pytest.mark.skipif(os.environ.get("ARIL_DEBUG") == "1", reason="costs are those of the release kernel")
def test_beside_linux():
    """What once cost more than on Linux: exec with 1 MiB of arguments, a mapped file in tmpfs, stat and maps of who has 30,000 mappings; a fork of 1 GiB after MADV_HUGEPAGE."""
    program = programs.build("flatcost", "musl")
    r = guest.run("flatcost", *"args mapped texts huge".split(), options=["--mem", systems.MEMORY, "--icount", str(systems.SHIFT), "--add", f"{program}:/bin/flatcost"], timeout=250)
    assert r.status == 0, (r.status, r.err)
    points = rows.Figures(r.out.decode().splitlines()).points
    assert points.keys() == BESIDE_MOST.keys() and min(map(len, points.values())) >= 7
    for name, of in points.items():
        print(name, of, curves.exponent(of))
        assert of[-1][1] <= BESIDE_MOST[name] and curves.exponent(of) <= BESIDE_EXPONENT[name], (name, of)


@pytest.mark.skipif(os.environ.get("ARIL_DEBUG") == "1", reason="costs are those of the release kernel")
def test_store():
    """A get of 100 bytes from a server in a box, by PCT, and by reading its table; the same of a process behind a Unix socket."""
    box, beside = store.aril()
    print(box, beside)
    assert box["get"] <= 820 and box["put"] <= 1060 and box["read"] <= 165 and beside["get"] <= 4300


@pytest.mark.skipif(os.environ.get("ARIL_DEBUG") == "1", reason="costs are those of the release kernel")
def test_apart():
    """A static and a dynamic program, from before `box` to behind its end."""
    alone, in_box, dynamic, dynamic_in_box = apart.aril()
    print(alone, in_box, dynamic, dynamic_in_box)
    assert in_box - alone <= 740000 and dynamic_in_box - dynamic <= 740000 and alone < in_box and dynamic < dynamic_in_box


def test_commands():
    """The measuring commands find their parts wherever they are started, and say what they take."""
    for name, words in (("bench", "nosuch"), ("profile", "--help"), ("run", "--help")):
        done = subprocess.run([os.path.join(os.path.dirname(budget.build.HERE), "bench", name), words], cwd="/", stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, check=False)
        assert b"usage: " in done.stdout and b"Traceback" not in done.stdout, done


def figures(**medians):
    return rows.Figures([f"row {row.replace('_', '-')} {median * rows.TICKS} 1" for row, median in medians.items()])


def test_told():
    """The ratio is to the best Linux, which the worst row's line names; rounds that differ by more than 1.3 say nothing."""
    columns = {"Aril": figures(null=60, demand_zero=1000, sort=98), "Linux": figures(null=300, demand_zero=1200, sort=100),
               "bare": figures(null=320, demand_zero=800, sort=99), "4K": figures(demand_zero=4000)}
    assert told.against(columns, "null") == (0.2, "Linux") and told.against(columns, "demand-zero") == (1.25, "bare")
    assert told.worst(columns, [("null", "N"), ("demand-zero", "D"), ("sort", "S")]) == "Worst row: D, 1.25 of bare Linux."
    rounds = {"Aril": [{"null": 13, "sort": 10}, {"null": 10, "sort": 10}], "Linux": [{"null": 50, "sort": 40}, {"null": 50, "sort": 40}], "bare": [{"null": 46, "sort": 20}, {"null": 46, "sort": 27}]}
    assert told.agreed(rounds) == {"null": (0.25, 1.3), "sort": (None, 1.35)}
    assert [told.wall(cell) for cell in (*told.agreed(rounds).values(), None)] == ["0.25", "refused: 1.35", ""]


def test_told_in_the_readme():
    """The top README's line names the worst row of its table; programs stand first."""
    with open(os.path.join(budget.build.TOP, "README.md"), encoding="utf-8") as f:
        text = f.read().split("<!-- measured")[1].split("<!-- end")[0]
    line, row = told.worst_of(text)
    assert line == row
    titles = [title for _, title, _ in rows.rows() if title]
    at = [text.find(f"| {title.replace('|', chr(92) + '|')} |") for title in titles]
    assert -1 not in at and at == sorted(at) and {i for i, _, _ in rows.rows()[:len(rows.PROGRAMS)]} == set(rows.PROGRAMS)


def short(kind, path):
    """No turn of the monitor is too long; there were many."""
    with open(path, encoding="utf-8") as f:
        found = turns.turns(f.read())
    print(f"monitor, {kind}: the longest of {len(found)} turns {found[0][0]:,} instructions, the median {found[len(found) // 2][0]:,}")
    assert len(found) > 100 and found[0][0] <= TURN_MAX[kind], found[:8]


@pytest.mark.skipif(os.environ.get("ARIL_DEBUG") == "1", reason="costs are those of the release kernel")
def test_monitor_bytes(tmp_path):
    """While as much goes in and out as the host takes and gives."""
    data = random.Random(4).randbytes(3000000)
    r = guest.run("sh", "-c", "cat; head -c 3000000 /dev/zero", options=["--icount", str(turns.SHIFT), "--trace", f"{tmp_path}/trace"], stdin=data, timeout=150)
    assert r.status == 0 and r.out == data + bytes(3000000), (r.status, len(r.out), r.err)
    short("bytes", tmp_path / "trace")


@pytest.mark.skipif(os.environ.get("ARIL_DEBUG") == "1", reason="costs are those of the release kernel")
def test_monitor_text(tmp_path):
    """While lines as wide as the screen scroll over it; the last one is not lost."""
    line = guest.command_line(["--icount", str(turns.SHIFT), "--trace", f"{tmp_path}/trace"], (), f"{tmp_path}/log", None)
    child = pexpect.spawn(line[0], line[1:], timeout=150, dimensions=(50, 160))
    try:
        child.expect(":~# ")
        child.sendline(f"seq 1 1200 | sed 's/^/{'wide' * 20}/'; echo last-$((40+2)); exit 3")
        child.expect("last-42")
        child.expect(pexpect.EOF)
    finally:
        child.close()
    assert child.exitstatus == 3, child.before
    short("text", tmp_path / "trace")


@pytest.mark.slow
def test_path():
    """Stepping through a sample meets as many instructions as the clock counts, besides the three after the first reading of the clock."""
    title, figure, steps = path.run("yield-to-an-env")
    assert len(steps) == figure + 3, (title, figure, len(steps))
    assert [function for function, _, _ in steps].count("sched_switch") > 50 and all(text for _, _, text in steps)


def bounded(got):
    """The longest stretches, told in names; none is too long."""
    names = trace.Names(None)
    told = [f"{n:,} instructions from {names.of(first)[1]} to {names.of(last)[1]}" for n, first, last, _ in got.stretches]
    print(f"longest of {got.total:,}: {told[0]}")
    assert got.complete
    assert got.stretches[0][0] <= STRETCH_MAX, told
    return {names.of(last)[1] for _, _, last, _ in got.stretches}


@pytest.mark.slow
@pytest.mark.parametrize("name, command", [("stress", "stress kill 9 20"), ("hugepages", "hugepages")], ids=["kills", "runs"])
def test_stretch(name, command):
    """Envs with many frames and tables are made and killed, runs of 2 MiB come and go: all that the kernel does there is seen, instruction by instruction."""
    got, said = trace.run(["command", "sh", "-c", command], 60000000, [f"{programs.build(name, 'musl')}:/bin/{name}"])
    assert got.total > 5000000, said
    assert {"op_env_kill", "set_frames", "op_frame_claim"} <= bounded(got)


@pytest.mark.slow
def test_stretch_native():
    """The same, over all that the native tests do to each op, hostile ones included."""
    got, log = trace.native("gate", 1 << 32, seconds=2400)
    assert "TESTS DONE" in log, log[-500:]
    assert {"op_env_kill", "set_frames", "op_frame_claim", "link_remove", "op_pt_copy", "op_batch"} <= bounded(got)


@pytest.mark.slow
def test_stretch_fuzz():
    """The same, over what fuzzers of the gate come upon."""
    got, log = trace.native("fuzz", 1 << 32, options=("--conf", "fuzz-calls=5000"))
    assert "FUZZ DONE strange 0, damaged 0" in log, log[-500:]
    assert {"op_env_kill", "op_frame_claim"} <= bounded(got)


# A page of 262,144 in a row. Moved ones are unmapped and mapped again by the gate, some 37 instructions each way. A fork
# gives the entries of tables the rights that mprotect gave their links. The last is no page's: all of 64 GiB that were
# touched once in each table, and unmapped before.
RANGES_MOST = {"mincore": 2, "mprotect-less": 2, "mprotect-more": 2, "mremap": 115, "fork-readonly": 62, "munmap-full": 215, "munmap-empty": 100000}
RANGES_EXPONENT = {"munmap-empty": 0.35}  # the others: of what they cost a page, 0


@pytest.mark.skipif(os.environ.get("ARIL_DEBUG") == "1", reason="costs are those of the release kernel")
def test_ranges():
    """mincore, mprotect, mremap, munmap and fork of a GiB that is there; munmap of 64 GiB that were."""
    program = programs.build("flatcost", "musl")
    r = guest.run("flatcost", "ranges", options=["--mem", systems.MEMORY, "--icount", str(systems.SHIFT), "--add", f"{program}:/bin/flatcost"], timeout=250)
    assert r.status == 0, (r.status, r.err)
    points = rows.Figures(r.out.decode().splitlines()).points
    assert points.keys() == RANGES_MOST.keys() and min(map(len, points.values())) >= 7
    for name, of in points.items():
        print(name, of)
        assert of[-1][1] <= RANGES_MOST[name] and curves.exponent(of) <= RANGES_EXPONENT.get(name, 0), (name, of)

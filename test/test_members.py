# SPDX-License-Identifier: MIT
"""Hostile members of a family (test/programs/members.c). Each may end itself, or its family with a line that says why and who had the CPU: nothing hangs, and no end
goes without a line."""

import os
import re
import signal
import subprocess
import tempfile
import threading
import time

import pytest

from aril import conf, guest, image, planted, programs, qemu, session

# Not from the beginning of a line: before it stands what a member wrote without an end.
FAMILY_END = re.compile(r"family: ended: .+; last had the CPU: .+")
# The program that starts them lives in the same family, and may be hit.
VICTIM = re.compile(r"^\[\d+\] \S+\[\d+\]: (?:Segmentation fault|library fault|Bus error|killed|its environment is gone|ended: |"
                    r"page 0x[0-9a-f]+ of shared contents is gone).*", re.M)
# What process 1 had said and the monitor could not make sense of: the output misses it.
LOST = re.compile(r"family: the bytes on their way out .+ are lost; last had the CPU: .+")
DEEDS = 29
SEEDS = 200
# unmap, park, leave, poke, yields, fill, ask, ask_end, unmap_head
WITHOUT_RECORDS = (12, 16, 18, 20, 21, 22, 25, 26, 28)
QUICK = (12, 18, 26) # in every run of the suite
BOOT_SECONDS = 120
LOCK_HOLD = 10


def members(first, last, seconds=150):
    """All seeds of [first, last), in as few boots as they leave: how many ended their family or its first program, and
    how many lines tell of a victim."""
    ends = victims = 0
    while first < last:
        first, how, count = run(first, last, seconds=seconds)
        assert how in ("done", "line", "victim"), f"{how} at seed {first - 1}"
        ends += how != "done"
        victims += count
    return ends, victims


def run(first, last, options=(), seconds=150, quiet=100):
    """One boot: the seed to go on from; how it ended: `done`; `line`: the family, with a line that says why and who had
    the CPU; `victim`: its first program, with a line; `silent`: without one; `hang`: nothing was heard for so many
    quiet seconds; and how many lines tell of a victim. The program lies in the root image, which nobody can write."""
    program = programs.build("members", "musl")
    with tempfile.TemporaryDirectory(prefix="aril-test-") as folder:
        log, out, err = (os.path.join(folder, name) for name in ("log", "out", "err"))
        line = guest.command_line(["--timeout", str(seconds), "--add", f"{program}:/aril/members", *options], ["/aril/members", str(first), str(last)], log)
        with open(out, "wb") as o, open(err, "wb") as e, subprocess.Popen(line, stdin=subprocess.DEVNULL, stdout=o, stderr=e) as process:
            heard, size = time.monotonic(), 0
            while process.poll() is None and time.monotonic() - heard < (quiet if size else BOOT_SECONDS):
                time.sleep(0.2)
                if os.path.getsize(out) != size:
                    heard, size = time.monotonic(), os.path.getsize(out)
            is_quiet = process.poll() is None
            process.terminate()
            status = process.wait(30)
        text = guest.log_text(log)
        with open(out, "rb") as o, open(err, "rb") as e:
            words, errors = o.read(), e.read().decode("utf-8", "replace")
    guest.log_check(text)
    victims = len(VICTIM.findall(text))
    if status == 0 and words.endswith(b"done\n"):
        return last, "done", victims
    if status == 0 and LOST.search(text):
        return last, "line", victims
    begun = [int(n) for n in re.findall(rb"^(\d+) [a-z]", words, re.M)]
    if is_quiet or status == 124:
        how = "hang"
    elif status == 125:
        how = "line" if FAMILY_END.search(errors) else "silent"
    else:
        how = "victim" if victims else "silent"
    print(f"seeds {first} to {max(begun, default=first)}: {how}, status {status}: {errors.strip()[-300:]}")
    return max(begun, default=first) + 1, how, victims


def test_members():
    """Each kind of deed once."""
    ends, victims = members(0, DEEDS)
    print(f"{ends} of {DEEDS} ended more than themselves; {victims} lines tell of a victim")
    assert victims >= 6, "nobody did any damage"


def test_lock_holder():
    """Who holds the family's lock and does not get on is ended, though another member made its env: the others go on."""
    program = programs.build("members", "musl")
    r = guest.run("/aril/members", str(LOCK_HOLD), str(LOCK_HOLD + 1), options=["--add", f"{program}:/aril/members"], timeout=150)
    assert r.status == 0 and r.out.endswith(b"done\n"), r
    assert re.search(r"family: members\[\d+\] \(env [0-9a-f]+\) holds its lock and does not get on: this one is ended", r.log), r


def pauses(machine, out, over):
    """The host stands still for two seconds again and again: QEMU is stopped, which its guest sees as a jump of the clock."""
    while b"ready" not in os.pread(out, 100, 0) and not over.wait(0.1):
        pass
    while not over.wait(0.2):
        os.kill(machine.process.pid, signal.SIGSTOP)
        time.sleep(2)
        os.kill(machine.process.pid, signal.SIGCONT)


def test_pause_of_host():
    """Who holds the lock while the host stands still is not ended for it."""
    program = programs.build("holder", "musl")
    with tempfile.TemporaryDirectory(prefix="aril-test-") as folder:
        nonce = conf.nonce()
        disk = image.Source(folder, guest.DEBUG, "linux", [f"{program}:/t/holder"], ()).disk(conf.text("linux", "pipe", nonce, ["/t/holder"], []))
        machine = qemu.Machine(folder, disk, os.path.join(folder, "log"))
        over = threading.Event()
        with tempfile.TemporaryFile() as out:
            stopper = threading.Thread(target=pauses, args=(machine, out.fileno(), over))
            stopper.start()
            try:
                status = session.Session(machine, nonce, {}, out=out.fileno(), err=out.fileno(), deadline=time.monotonic() + 100).run()
            finally:
                over.set()
                stopper.join()
                machine.stop()
            text = os.pread(out.fileno(), 1000, 0)
        assert status == 0 and text == b"ready\nthe clock has jumped\n", (status, text, guest.log_text(os.path.join(folder, "log"))[-1000:])


def test_unborn():
    """Who dies in the middle of a fork leaves neither an env that nobody has nor a task that never begins."""
    program = programs.build("unborn", "musl")
    r = guest.run("/t/unborn", options=["--add", f"{program}:/t/unborn"], timeout=100)
    assert r.status == 0 and r.out == b"died: 139\n" * 3 + b"all is back\n", r
    assert len(re.findall(r"its maker died before it began", r.log)) >= 2 and "which no process has, is ended" in r.log, r


def test_death_in_the_wait():
    """Who dies in poll or epoll_wait stands in no list any more, and is woken by nobody."""
    program = programs.build("waitdeath", "musl")
    r = guest.run("/t/waitdeath", options=["--add", f"{program}:/t/waitdeath"], timeout=100)
    assert r.status == 0 and r.out == b"all is back\n", r


def frames_return(deeds):
    program = programs.build("members", "musl")
    script = f"for d in {' '.join(map(str, deeds))}; do /aril/members $d $((d + 4 * {DEEDS})) {DEEDS} || echo ended; done"
    r = guest.run("sh", "-c", script, options=["--add", f"{program}:/aril/members"], timeout=150)
    assert r.status == 0 and r.out.count(b"done\n") == len(deeds), r
    for run_of in r.out.split(b"done\n")[:-1]:
        lines = run_of.splitlines()
        assert len(lines) == 4 and not any(b"lost" in line for line in lines[2:]), r


def test_frames_return():
    """Deeds that write no records leave all frames as they were, when the family's caches are as large as they get."""
    frames_return(QUICK)


@pytest.mark.slow
def test_frames_return_from_the_others():
    frames_return([deed for deed in WITHOUT_RECORDS if deed not in QUICK])


def test_data_gone():
    """Who takes pages of files and pipes away does not end the family: EIO and SIGBUS, once. Of its records none can be taken."""
    program = programs.build("datagone", "musl")
    r = guest.run("/t/datagone", options=["--add", f"{program}:/t/datagone"], timeout=100)
    assert r.status == 0, r
    assert r.out.decode().split("\n")[-9:] == [
        "control: 5 of 5 refused", "file 0: EIO, then it can be read", "file 2: EIO, then it can be read", "map: SIGBUS, then 0",
        "pipe: EIO", "read-only 1: EIO", "read-only 3: EIO", "done", ""], r
    assert re.search(r"datagone\[\d+\]: page 0x[0-9a-f]+ of shared contents is gone", r.log), r


@pytest.mark.slow
@pytest.mark.parametrize("part", range(8))
def test_members_by_seed(part):
    """All by seed, in eight parts."""
    ends, victims = members(part * SEEDS // 8, (part + 1) * SEEDS // 8)
    print(f"{ends} of {SEEDS // 8} ended more than themselves; {victims} lines tell of a victim")


# The monitor without its checks: of process 1, of whom the run queue names, of the lock, of the bytes on their way out,
# of what is in use of control memory, of whose end is asked for, of where a table is to be.
UNCHECKED = (
    ("apps/linux/monitor.c", "\t\tkeeper_check(m);\n", "\t\t(void)keeper_check;\n"),
    ("apps/linux/monitor.c", "if (!m->told.running || member_runs(m, m->told.running)) {", "if (1) {"),
    ("apps/linux/monitor.c", "holder = lock_watch(m);", "holder = 0;"),
    ("apps/linux/monitor_io.c", "if (left > TOLD_OUT || left < FRAME_HEAD || ring_read", "if ((0 && left) || ring_read"),
    ("apps/linux/monitor_io.c", "if (n > FRAME_MAX || n > left - FRAME_HEAD || !head[0] || !strchr(TYPES_OUT, head[0])) {", "if (0) {"),
    ("apps/linux/monitor_memory.c", "|| !are_free(wanted, have) ||", "|| (0 && !are_free(wanted, have)) ||"),
    ("apps/linux/monitor_memory.c", "|| !are_free(page, page + HOLE_PAGES))", "|| (0 && !are_free(page, page + HOLE_PAGES)))"),
    ("apps/linux/monitor_memory.c", "if (env != P->self && env != m->keeper)", "(void)m;"),
    ("apps/linux/monitor_memory.c", "if (piece >= SAY->data_homes * (EXO_HOME_SIZE / EXO_RUN_FRAMES / PAGE) || counts_take", "if (counts_take"),
)
FAILURES = 30


@pytest.mark.slow
def test_planted_monitor():
    """The deeds do damage: under a monitor without checks at least thirty of the two hundred hang, or end without a line."""
    first, failures = 0, []
    with tempfile.TemporaryDirectory(prefix="aril-test-") as folder:
        app = planted.build(os.path.join(folder, "tree"), UNCHECKED)
        while first < SEEDS and len(failures) < FAILURES:
            first, how, _ = run(first, SEEDS, options=["--add", f"{app}:/aril/linux"], seconds=300, quiet=30)
            if how in ("hang", "silent"):
                failures.append(f"{first - 1}: {how}")
    print(f"{len(failures)} of the first {first}: {', '.join(failures)}")
    assert len(failures) >= FAILURES

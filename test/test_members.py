# SPDX-License-Identifier: MIT
"""Hostile members of a family (test/programs/members.c). Each may end itself, or its family with a line that says why and who had the CPU: nothing hangs, and no end
goes without a line."""

import os
import re
import signal
import tempfile
import threading
import time

import pytest

from aril import conf, guest, image, programs, qemu, session

# Not from the beginning of a line: before it stands what a member wrote without an end.
FAMILY_END = re.compile(r"family: ended: .+; last had the CPU: .+")
# The program that starts them lives in the same family, and may be hit.
VICTIM = re.compile(r"^\[\d+\] \S+\[\d+\]: (?:Segmentation fault|library fault|Bus error|killed|its environment is gone|ended: ).*", re.M)
DEEDS = 26
LOCK_HOLD = 10


def members(first, last, seconds=150):
    """All seeds of [first, last), in as few boots as they leave: how many ended their family or its first program, and
    how many lines tell of a victim."""
    program = programs.build("members", "musl")
    ends = victims = 0
    while first < last:
        r = guest.run("/t/members", str(first), str(last), options=["--add", f"{program}:/t/members"], timeout=seconds)
        begun = [int(n) for n in re.findall(rb"^(\d+) [a-z]", r.out, re.M)]
        victims += len(VICTIM.findall(r.log))
        if r.status == 0 and r.out.endswith(b"done\n"):
            return ends, victims
        assert r.status != 124, f"a hang: {r}"
        if r.status == 125:
            assert FAMILY_END.search(r.err.decode("utf-8", "replace")), r
        else:
            assert VICTIM.search(r.log), r
        ends += 1
        first = max(begun, default=first) + 1
    return ends, victims


def test_members():
    """Each kind of deed once."""
    ends, victims = members(0, DEEDS)
    print(f"{ends} of {DEEDS} ended more than themselves; {victims} lines tell of a victim")
    assert victims >= 6, "nobody did any damage"


def test_lock_holder():
    """Who holds the family's lock and does not get on is ended, though another member made its env: the others go on."""
    program = programs.build("members", "musl")
    r = guest.run("/t/members", str(LOCK_HOLD), str(LOCK_HOLD + 1), options=["--add", f"{program}:/t/members"], timeout=150)
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
    """More by seed, 200 in all, in eight parts."""
    members(DEEDS + part * 22, DEEDS + (part + 1) * 22)

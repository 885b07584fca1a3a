# SPDX-License-Identifier: MIT
"""An app with each part of its own: loader, fork, pager, scheduler (test/guest/parts). What programs see of them, beside the app that is shipped."""

import struct

import pytest

from aril import guest, programs

BASE, HEAD = 0x400000, 16
TEXT = b"flat\n"
# write(1, text, 5); exit(7)
CODE = bytes.fromhex("b801000000 bf01000000 488d3513000000 ba05000000 0f05 b83c000000 bf07000000 0f05".replace(" ", ""))


def flat() -> bytes:
    """A program of the format that the app's own loader knows."""
    return b"ArilFLAT" + struct.pack("<Q", BASE + HEAD) + CODE + TEXT


def run(app: str, *commands: str) -> list:
    """What the commands print, by that app."""
    add = ["--add", f"{programs.build('parts', 'musl')}:/bin/parts"]
    r = guest.run("sh", "-c", "; ".join(commands), options=["--app", app, *add], timeout=300)
    assert r.status == 0, r
    return r.out.decode().splitlines()


@pytest.mark.parametrize("app", ("linux", "parts"))
def test_loader(app):
    """The one runs it; to the other it is no program."""
    text = "".join(f"\\{byte:03o}" for byte in flat())
    lines = run(app, f"printf '{text}' >/tmp/flat", "chmod +x /tmp/flat", "env /tmp/flat 2>/dev/null", "echo $?")
    assert (lines == ["flat", "7"]) == (app == "parts"), lines


@pytest.mark.parametrize("app", ("linux", "parts"))
def test_pager_and_fork(app):
    """The next page is there; a parent has no fault for what it had."""
    ahead, copied = run(app, "parts ahead", "parts copied")
    if app == "parts":
        assert ahead.startswith("1 1 ") and copied == "0 faults", (ahead, copied)
    else:
        assert ahead == "1 0 0 0" and int(copied.split()[0]) > 0, (ahead, copied)


def test_scheduler():
    """The youngest is through first, however the turns fall."""
    assert run("parts", "parts order") == ["4321"]


def test_goes_on():
    """Pipes, forks, shells by those parts."""
    assert run("parts", "seq 1 200 | while read i; do echo $i; done | sort -rn | head -1", "for i in 1 2 3; do sh -c 'exit '$i; echo $?; done") == \
        ["200", "1", "2", "3"]

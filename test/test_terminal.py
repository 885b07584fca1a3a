# SPDX-License-Identifier: MIT
"""The interactive shell, driven like a person drives it: a terminal on both ends. The steps share one machine and run in order."""

import os
import re
import time

import pexpect
import pytest

from aril import guest

# The shell may ask the terminal where its cursor is: nobody answers here.
# At a line's start, or after vi: editing draws the prompt again in the same line.
PROMPT = r"(?:\n|1049l)aril:\S*[#$] (?:\x1b\[6n)?"


class Terminal:
    def __init__(self):
        line = guest.command_line(["--timeout", "240"], [], "/dev/null" if not os.path.isdir(os.path.join(guest.TOP, "build"))
                                  else os.path.join(guest.TOP, "build", "terminal.log"))
        self.child = pexpect.spawn(line[0], line[1:], dimensions=(30, 100), timeout=30, env=dict(os.environ, TERM="xterm"))
        self.child.delaybeforesend = 0.05
        self.child.expect(PROMPT, timeout=90)

    def type(self, text, expect=None):
        """Types a line; the terminal's text up to the next prompt, without the echo."""
        self.child.send(text + "\r")
        self.child.expect(PROMPT)
        out = self.child.before.decode("utf-8", "replace")
        if expect is not None:
            assert re.search(expect, out, re.M), out
        return out


@pytest.fixture(scope="module")
def t():
    terminal = Terminal()
    yield terminal
    terminal.child.close(force=True)


def test_typing(t):
    """What is typed is echoed once, lines end in CR LF."""
    out = t.type("echo a$((40 + 2))b")
    assert out.count("echo") == 1 and "\r\na42b\r" in out, repr(out)
    t.type("tty; test -t 0 && test -t 1 && echo both", r"^/dev/\w+\r\n.*^both\r$|both")


def test_editing(t):
    """The shell's own line editor: rubout, cursor left, kill line, history."""
    t.type("echo abX\x7fcd", r"^abcd\r$")
    t.type("echo 12\x1b[D\x1b[D0", r"^012\r$")
    t.type("garbage\x15echo clean", r"^clean\r$")
    t.type("echo remember me")
    t.type("\x1b[A\x1b[A", r"^clean\r$")


def test_canonical_editing(t):
    """The terminal's own: erase and kill in a read of cat."""
    t.child.send("cat\r")
    time.sleep(1)
    t.child.send("wrong\x15rightX\x7f\r")
    t.child.expect("\r\nright\r", timeout=10)
    t.child.send("\x04")
    t.child.expect(PROMPT)


def test_interrupt(t):
    t.child.send("sleep 100\r")
    time.sleep(1)
    t.child.send("\x03")
    t.child.expect(PROMPT)
    t.type("echo st=$?", r"^st=130\r$")
    t.child.send("while :; do :; done\r")
    time.sleep(1)
    t.child.send("\x03")
    t.child.expect(PROMPT)
    t.child.send("half a line\x03")
    t.child.expect(PROMPT)
    t.type("echo whole", r"^whole\r$")


def test_stop_and_continue(t):
    t.child.send("sleep 3; echo slept\r")
    time.sleep(1)
    t.child.send("\x1a")
    t.child.expect("Stopped")
    t.child.expect(PROMPT)
    t.type("jobs", r"Stopped.*sleep 3")
    t.child.send("fg\r")
    t.child.expect("sleep 3")
    t.child.expect(PROMPT)
    t.child.send("sleep 50 | cat\r")
    time.sleep(1)
    t.child.send("\x1a")
    t.child.expect("Stopped")
    t.child.expect(PROMPT)
    t.type("bg >/dev/null; kill %1; wait; echo gone", r"gone\r$")


def test_background_reader_stops(t):
    """A job in the background that reads the terminal gets SIGTTIN."""
    t.type("cat &")
    time.sleep(1)
    t.type("jobs", r"Stopped.*cat")
    t.type("kill -9 %1; wait; echo ok", r"^ok\r$")
    t.type("")


def test_window_size(t):
    t.type("stty size", r"^30 100\r$")
    t.child.setwinsize(40, 120)
    time.sleep(1)
    t.type("stty size", r"^40 120\r$")


def test_stty(t):
    t.type("stty -a", r"speed|rows 40")
    t.child.send("stty -echo; read x; stty echo; echo got=$x\r")
    time.sleep(1)
    t.child.send("secret\r")
    t.child.expect(PROMPT)
    out = t.child.before.decode()
    assert "got=secret" in out and out.count("secret") == 1, repr(out)


def test_vi(t):
    t.child.send("vi /tmp/v\r")
    time.sleep(2)
    t.child.send("ihello\x1b")
    time.sleep(1)
    t.child.send(":wq\r")
    t.child.expect(PROMPT)
    t.type("cat /tmp/v", r"^hello\r$")


def test_environment(t):
    t.type("echo $TERM:$-", r"^xterm:\S*i\S*\r$")


def test_end_of_file_ends_all(t):
    """^D at the prompt ends shell and machine; the status is the shell's last."""
    t.type("sh -c 'exit 5'")
    t.child.send("\x04")
    t.child.expect(pexpect.EOF, timeout=30)
    t.child.close()
    assert t.child.exitstatus == 5

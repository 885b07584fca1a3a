# SPDX-License-Identifier: MIT
"""Owns the driver's own terminal and signals: sizes, the line of progress, what tells the driver to end."""

import os
import signal

from . import channel


class Signalled(Exception):
    """The driver itself was told to end."""


def input_open():
    """Descriptor 0, or None when it is closed."""
    try:
        os.fstat(0)
        return 0
    except OSError:
        return None


def size(fd: int) -> tuple[int, int]:
    try:
        got = os.get_terminal_size(fd)
        return (got.lines or 24, got.columns or 80)
    except OSError:
        return (24, 80)


class Signals:
    """Turns signals into bytes of a pipe, so that they are handled between two steps of the session; before there is one, they raise."""

    def __init__(self):
        self.read, self.write = os.pipe2(os.O_NONBLOCK | os.O_CLOEXEC)
        self.ended_by = None
        self.resized = False
        self.raises = True
        signal.set_wakeup_fd(self.write, warn_on_full_buffer=False)
        for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
            # nohup means it; a shell's `&`, which ignores SIGINT, does not.
            if number != signal.SIGHUP or signal.getsignal(number) != signal.SIG_IGN:
                signal.signal(number, self.on_end)
        signal.signal(signal.SIGWINCH, self.on_resize)

    def on_end(self, number, _frame):
        first = self.ended_by is None
        self.ended_by = number
        if self.raises and first:
            raise Signalled

    def on_resize(self, _number, _frame):
        self.resized = True

    def handle(self, s):
        os.read(self.read, 512)
        if self.ended_by is not None:
            raise Signalled
        if self.resized:
            self.resized = False
            if s.hello:
                s.send(channel.window(*size(1)))


class Progress:
    """One line on the host's terminal while the machine boots; gone with the guest's first word."""

    def __init__(self):
        self.on = os.isatty(2)
        self.last = ""

    def say(self, text: str) -> None:
        if self.on and text != self.last:
            self.last = text
            os.write(2, b"\r\x1b[K" + text.encode())

    def end(self) -> None:
        self.say("")
        self.on = False

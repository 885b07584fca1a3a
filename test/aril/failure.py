# SPDX-License-Identifier: MIT
"""Owns how the driver fails: with status 125 and one line that begins `aril:` and says what to do. Never by a traceback."""

import os
import sys
import traceback

STATUS_TIMEOUT = 124
STATUS_FAILURE = 125


class Failure(Exception):
    """What the driver, its tools or the machine could not do; the text names it, and what helps."""


class Usage(Failure):
    """Wrong options. usage: how the sub-command is called."""

    def __init__(self, text: str, usage: str):
        super().__init__(text)
        self.usage = usage


def say(text: str) -> None:
    """One line on stderr, where the boot's progress may stand. A stderr that is closed or full is nobody's."""
    line = " ".join(text.split("\n")).strip()
    start = "\r\x1b[K" if os.isatty(2) else ""
    try:
        os.write(2, f"{start}aril: {line}\n".encode("utf-8", "surrogateescape"))
    except OSError:
        pass


def reason(e: BaseException) -> str:
    """What went wrong, in words."""
    if isinstance(e, Failure):
        return str(e)
    if isinstance(e, OSError) and e.strerror:
        return f"{e.filename}: {e.strerror}" if e.filename else e.strerror
    return f"the driver itself failed: {type(e).__name__}: {e} (ARIL_TRACEBACK=1 shows where)"


def tell(e: BaseException) -> int:
    """Says what went wrong; the status to end with."""
    say(reason(e))
    if isinstance(e, Usage):
        try:
            os.write(2, (e.usage.rstrip("\n") + "\n").encode())
        except OSError:
            pass
    elif os.environ.get("ARIL_TRACEBACK") == "1":
        traceback.print_exception(e, file=sys.stderr)
    return STATUS_FAILURE

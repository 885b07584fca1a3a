# SPDX-License-Identifier: MIT
"""Owns the reading of the machine's log (COM1): panics, statuses, and which part of it is ours and not the firmware's."""

import re

ESCAPES = re.compile(r"\x1b(\[[0-9;?=]*[A-Za-z]|[()][A-Za-z0-9]|[=>])")
PANIC = re.compile(r"^(?:panic: .*|invariant.*violated.*)$", re.M)
# Printed by the loader when it stops: on screen and on the serial port.
STOP = re.compile(r"^efi: stopped: .*$", re.M)
STATUS = re.compile(r"^.*\bexit status (-?\d+)", re.M)


def clean(text):
    """Without the firmware's escape codes and carriage returns."""
    return ESCAPES.sub("", text.replace("\r", ""))


def own(text):
    """The log from the loader's first line on."""
    text = clean(text)
    at = re.search(r"^efi: ", text, re.M)
    return text[at.start():] if at else text


def failure(text):
    """The line that says why the machine cannot go on, or None."""
    found = PANIC.search(clean(text)) or STOP.search(clean(text))
    return found.group(0) if found else None


def status(text):
    """The status that the kernel printed at power-off, or None."""
    found = STATUS.findall(clean(text))
    return int(found[-1]) & 255 if found else None

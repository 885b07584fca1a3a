# SPDX-License-Identifier: MIT
"""Owns the foresight that a transfer will not come to its end before --timeout is over: it is said once, while something can still be done about it."""

import os
import stat
import time
from typing import Optional

# Seconds before a rate is believed; and what is never worth a word.
AFTER = 1.0
LITTLE = 1 << 20


class Pace:
    """Of one transfer of so many bytes."""

    def __init__(self, what: str, total: int):
        self.what, self.total, self.done = what, total, 0
        self.begin = time.monotonic()
        self.is_told = total < LITTLE

    def late(self, deadline: Optional[float]) -> Optional[str]:
        """What to say, the first time that there is something."""
        now = time.monotonic()
        spent = now - self.begin
        if self.is_told or deadline is None or spent < AFTER or not self.done:
            return None
        rest = spent * (self.total - self.done) / self.done
        if now + rest <= deadline:
            return None
        self.is_told = True
        return f"{self.what}: at {self.done / spent / 1e6:.1f} MB/s the other {self.total - self.done >> 20} MiB outlast --timeout"


def of_input(fd: Optional[int], first: int) -> Optional[Pace]:
    """Of standard input, of which `first` bytes were read already; None: nobody knows how much comes."""
    if fd is None:
        return None
    status = os.fstat(fd)
    if not stat.S_ISREG(status.st_mode):
        return None
    return Pace("standard input", status.st_size - os.lseek(fd, 0, os.SEEK_CUR) + first)

# SPDX-License-Identifier: MIT
"""Owns the frames on the channel: a type byte, a little-endian 16-bit length, a payload. Knows neither files nor processes."""

import struct

from .failure import Failure

# The firmware may have written escape codes before this: all up to it is ignored.
MAGIC = b"\0ARIL1\0"
PAYLOAD_MAX = 8192


class Error(Failure):
    """The guest sent what no library OS of ours sends."""


class Decoder:
    """Bytes in, frames out. `open` is true once the guest has sent MAGIC."""

    def __init__(self):
        self.open = False
        self.buffer = b""

    def feed(self, data):
        self.buffer += data
        if not self.open:
            at = self.buffer.find(MAGIC)
            if at < 0:
                self.buffer = self.buffer[-(len(MAGIC) - 1):]
                return []
            self.open = True
            self.buffer = self.buffer[at + len(MAGIC):]
        frames = []
        at = 0
        while len(self.buffer) - at >= 3:
            kind, size = struct.unpack_from("<cH", self.buffer, at)
            if size > PAYLOAD_MAX:
                raise Error(f"frame {kind!r} of {size} bytes on the channel")
            if len(self.buffer) - at < 3 + size:
                break
            frames.append((kind, self.buffer[at + 3:at + 3 + size]))
            at += 3 + size
        self.buffer = self.buffer[at:]
        return frames


def head(kind, size):
    """What stands before a payload of that size."""
    assert size <= PAYLOAD_MAX
    return struct.pack("<cH", kind, size)


def frame(kind, payload=b""):
    return head(kind, len(payload)) + payload


def window(rows, columns):
    return frame(b"S", struct.pack("<HH", rows, columns))

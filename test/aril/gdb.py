# SPDX-License-Identifier: MIT
"""Owns the talk with QEMU's debugger stub: stop, write memory, go on. For tests that break the kernel on purpose."""

import re
import socket


class Stub:
    def __init__(self, path, seconds=20):
        self.socket = socket.socket(socket.AF_UNIX)
        self.socket.settimeout(seconds)
        self.socket.connect(path)
        self.buffer = b""
        # Who connects stops the machine: it says so, and again when asked.
        self.ask("?", "T")

    def ask(self, text, begins=""):
        """The answer that begins so; without that, the first that is no word of a stop."""
        data = text.encode()
        self.socket.sendall(b"$" + data + b"#%02x" % (sum(data) & 255))
        while True:
            found = re.search(rb"\$([^#]*)#..", self.buffer)
            if not found:
                self.buffer += self.socket.recv(4096)
                continue
            self.buffer = self.buffer[found.end():]
            self.socket.sendall(b"+")
            answer = found.group(1).decode()
            if begins and answer.startswith(begins) or not begins and not answer.startswith("T"):
                return answer

    def read(self, address, size):
        return bytes.fromhex(self.ask(f"m{address:x},{size:x}"))

    def write(self, address, data):
        answer = self.ask(f"M{address:x},{len(data):x}:{data.hex()}")
        assert answer == "OK", answer

    def leave(self):
        """Detaches: the machine goes on."""
        self.ask("D")
        self.socket.close()

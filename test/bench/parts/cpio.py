# SPDX-License-Identifier: MIT
"""Writes a folder as an initramfs (cpio, format newc: Linux's Documentation/driver-api/early-userspace/buffer-format)."""

import os
import stat

DEVICES = {"dev/console": (5, 1), "dev/null": (1, 3)}


def entry(number, name, mode, data=b"", device=(0, 0)):
    raw = name.encode() + b"\0"
    fields = [number, mode, 0, 0, 1, 0, len(data), 0, 0, *device, len(raw), 0]
    head = b"070701" + b"".join(b"%08X" % f for f in fields) + raw
    return head + b"\0" * (-len(head) % 4) + data + b"\0" * (-len(data) % 4)


def write(folder, path):
    """All of the folder, owned by root, without times: the same bytes for the same content."""
    out = []
    names = []
    for base, folders, files in os.walk(folder):
        names += [os.path.relpath(os.path.join(base, n), folder) for n in folders + files]
    for name in sorted(names):
        full = os.path.join(folder, name)
        mode = os.lstat(full).st_mode
        if stat.S_ISLNK(mode):
            data = os.readlink(full).encode()
        elif stat.S_ISDIR(mode):
            data = b""
        else:
            with open(full, "rb") as f:
                data = f.read()
        out.append(entry(len(out) + 1, name, mode, data))
    for name, device in DEVICES.items():
        out.append(entry(len(out) + 1, name, stat.S_IFCHR | 0o666, device=device))
    out.append(entry(0, "TRAILER!!!", 0))
    with open(path, "wb") as f:
        f.write(b"".join(out))

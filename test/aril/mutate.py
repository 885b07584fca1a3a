# SPDX-License-Identifier: MIT
"""Makes broken ELF executables by a fixed seed. Half of them pass the checks of magic, class, byte order and machine."""

import os
import random
import struct

SEED = 20240229
# Fields of the ELF header and of a program header: offset, struct format.
HEADER = {"type": (16, "<H"), "machine": (18, "<H"), "version": (20, "<I"), "entry": (24, "<Q"), "phoff": (32, "<Q"), "ehsize": (52, "<H"),
          "phentsize": (54, "<H"), "phnum": (56, "<H")}
SEGMENT = {"type": (0, "<I"), "flags": (4, "<I"), "offset": (8, "<Q"), "vaddr": (16, "<Q"), "filesz": (32, "<Q"), "memsz": (40, "<Q"), "align": (48, "<Q")}
ODD = [0, 1, 2, 3, 7, 0xfff, 0x1000, 0x1001, 0xffff, 0x400000, 0x400001, 0x7fffffff, 0x80000000, 0xffffffff, 1 << 30, 1 << 39, (1 << 39) + 4096, 509 << 30, 510 << 30,
       1 << 46, (1 << 47) - 4096, 1 << 47, 0xffff800000000000, 0xffffffff80000000, (1 << 63) - 1, 1 << 63, (1 << 64) - 4096, (1 << 64) - 1]


def put(data, at, form, value):
    size = struct.calcsize(form)
    if at + size <= len(data):
        struct.pack_into(form, data, at, value & ((1 << 8 * size) - 1))


def early(rng, data):
    """Fails the first checks: magic, class, byte order, version, machine, length."""
    how = rng.randrange(5)
    if how == 0:
        data[rng.randrange(4)] ^= rng.randrange(1, 256)
    elif how == 1:
        data[rng.choice((4, 5, 6))] = rng.choice((0, 3, 9, 255))
    elif how == 2:
        put(data, 18, "<H", rng.choice((0, 3, 40, 183, 243, 65535)))
    elif how == 3:
        put(data, 16, "<H", rng.choice((0, 1, 4, 0xfe00, 0xffff)))
    else:
        del data[rng.randrange(0, 64):]


def late(rng, data):
    """Passes them: fields of headers and segments, the interpreter, the length, the code."""
    phoff, phnum = struct.unpack_from("<Q", data, 32)[0], struct.unpack_from("<H", data, 56)[0]
    for _ in range(rng.choice((1, 1, 1, 2, 3))):
        how = rng.randrange(10)
        if how < 3:
            at, form = HEADER[rng.choice(("entry", "phoff", "phentsize", "phnum"))]
            put(data, at, form, rng.choice(ODD))
        elif how < 8:
            at, form = rng.choice(list(SEGMENT.values()))
            old = phoff + 56 * rng.randrange(max(1, phnum)) + at
            now = struct.unpack_from(form, data, old)[0] if old + 8 <= len(data) else 0
            put(data, old, form, rng.choice((rng.choice(ODD), now + rng.choice((-4096, -1, 1, 4096, 1 << 21)), rng.getrandbits(64))))
        elif how == 8 and len(data) > 200:
            del data[rng.randrange(64, len(data)):]
        else:
            for _ in range(rng.randrange(1, 30)):
                if len(data) > 64:
                    data[rng.randrange(64, len(data))] = rng.randrange(256)


def make(folder, sources, count):
    """Writes count mutants 000, 001, ... of the source programs, executable, into the folder."""
    rng = random.Random(SEED)
    os.makedirs(folder, exist_ok=True)
    originals = []
    for source in sources:
        with open(source, "rb") as f:
            originals.append(f.read())
    for i in range(count):
        data = bytearray(originals[i // 2 % len(originals)])
        (early if i % 2 else late)(rng, data)
        path = os.path.join(folder, f"{i:03d}")
        with open(path, "wb") as f:
            f.write(data)
        os.chmod(path, 0o755)

# SPDX-License-Identifier: MIT
"""Owns variables in OVMF's variable store (a VARS file): adds boot entries as a firmware's setup would. Layout: EDK2's VariableFormat.h, UEFI 2.10."""

import struct
import uuid

STORE = uuid.UUID("aaf32c78-947b-439a-a180-2e144ec37792").bytes_le  # variables with time-based authentication
GLOBAL = uuid.UUID("8be4df61-93ca-11d2-aa0d-00e098032b8c").bytes_le
HEADER = struct.Struct("<HBBIQ16sIII16s")
ADDED = 0x3f
ATTRIBUTES = 7  # non-volatile, at boot time, at run time
SHIM = uuid.UUID("605dab50-e046-4300-abb6-3dd810dd8b23").bytes_le
SHIM_ATTRIBUTES = 3  # shim believes its own variables only if no system can write them
X509 = uuid.UUID("a5c059a1-94e4-4aa7-87b5-ab155c2bf072").bytes_le


def wide(text):
    return text.encode("utf-16-le") + b"\0\0"


def variables_add(path, variables, space=GLOBAL, attributes=ATTRIBUTES):
    """Appends (name, data) pairs of one namespace to the store."""
    with open(path, "r+b") as f:
        data = bytearray(f.read())
        at = data.find(STORE)
        assert at > 0, f"{path}: no variable store"
        end = at + struct.unpack_from("<I", data, at + 16)[0]
        at += 28
        while struct.unpack_from("<H", data, at)[0] == 0x55aa:
            fields = HEADER.unpack_from(data, at)
            at = (at + HEADER.size + fields[7] + fields[8] + 3) & ~3
        for name, value in variables:
            record = HEADER.pack(0x55aa, ADDED, 0, attributes, 0, bytes(16), 0, len(wide(name)), len(value), space) + wide(name) + value
            assert at + len(record) <= end, f"{path}: full"
            data[at:at + len(record)] = record
            at = (at + len(record) + 3) & ~3
        f.seek(0)
        f.write(data)


def key_enrol(path, der):
    """Adds shim's list of machine owner keys, with one certificate, as MokManager writes it (UEFI 2.10, 32.4.1)."""
    size = 16 + len(der)
    variables_add(path, [("MokList", X509 + struct.pack("<III", 28 + size, 0, size) + SHIM + der)], SHIM, SHIM_ATTRIBUTES)


def node(kind, sub, data):
    return struct.pack("<BBH", kind, sub, 4 + len(data)) + data


def boot_entry(label, disk, path, options):
    """A load option for a file on the first partition of a GPT disk image, found by the partition's GUID wherever the disk is plugged in."""
    with open(disk, "rb") as f:
        head = f.read(3 * 4096)
    sector = 512 if head[512:520] == b"EFI PART" else 4096
    entry = head[2 * sector:2 * sector + 128]
    first, last = struct.unpack_from("<QQ", entry, 32)
    device = node(4, 1, struct.pack("<IQQ16sBB", 1, first, last - first + 1, entry[16:32], 2, 2)) + node(4, 4, wide(path)) + node(0x7f, 0xff, b"")
    return struct.pack("<IH", 1, len(device)) + wide(label) + device + options

# SPDX-License-Identifier: MIT
"""What stands on a volume that is not in use now, but nobody's to lose: by the magic numbers at their fixed places. Reads, and decides nothing."""

import os
import struct
from collections.abc import Iterator

KIB = 1 << 10
SWAP_PAGES = (4 * KIB, 8 * KIB, 16 * KIB, 32 * KIB, 64 * KIB)  # page sizes that Linux has anywhere
SWAP_MAGIC = (b"SWAPSPACE2", b"SWAP-SPACE", b"S1SUSPEND\0", b"S2SUSPEND\0", b"ULSUSPEND\0", b"LINHIB0001")
BCACHE = bytes.fromhex("c68573f64e1a45ca8265f57f48ba6d81")
# Name, magic, places from the volume's beginning.
FIXED = (
    ("a LUKS volume (encrypted)", b"LUKS\xba\xbe", (0,)),
    # LUKS 2's second header, where the first one was overwritten (on-disk format, table 1).
    ("a LUKS volume (encrypted)", b"SKUL\xba\xbe", tuple(16 * KIB << i for i in range(9))),
    ("a BitLocker volume (encrypted)", b"-FVE-FS-", (3,)),
    ("a btrfs file system", b"_BHRfS_M", (64 * KIB + 64, (64 << 20) + 64, (256 << 30) + 64)),
    ("a bcache or bcachefs volume", BCACHE, (4 * KIB + 24,)),
    ("an LVM volume", b"LABELONE", (0, 512, 1024, 1536)),
    ("a Ceph volume", b"bluestore block device", (0,)),
    ("an APFS container", b"NXSB", (32,)),
    *(("a swap area", magic, tuple(page - 10 for page in SWAP_PAGES)) for magic in SWAP_MAGIC),
)
RAID_MAGIC = struct.pack("<I", 0xA92B4EFC)
ZFS_LABEL = 256 * KIB
ZFS_RING = 128 * KIB  # the uberblocks: the label's second half
ZFS_MAGIC = (struct.pack("<Q", 0x00BAB10C), struct.pack(">Q", 0x00BAB10C))


def raid_places(size: int) -> tuple[int, ...]:
    """Superblocks 1.1, 1.2, 1.0, 0.90 (md(4)), and the big-endian hosts' of 0.90 are none of ours."""
    sectors = size // 512
    return 0, 4 * KIB, (sectors - 16 & ~7) * 512, ((sectors & ~127) - 128) * 512


def zfs_labels(size: int) -> tuple[int, ...]:
    end = size & -ZFS_LABEL
    return 0, ZFS_LABEL, end - 2 * ZFS_LABEL, end - ZFS_LABEL


def signatures(node: str, size: int) -> Iterator[str]:
    """The names of what is found on the volume `node` of `size` bytes. OSError when it cannot be read."""
    with open(node, "rb", buffering=0) as f:
        def at(place: int, count: int) -> bytes:
            return os.pread(f.fileno(), count, place) if 0 <= place < size else b""

        for name, magic, places in FIXED:
            if any(at(place, len(magic)) == magic for place in places):
                yield name
        if any(at(place, 4) == RAID_MAGIC for place in raid_places(size)):
            yield "a member of a RAID"
        if at(size - KIB, 24) == b"Intel Raid ISM Cfg Sig. ":
            yield "a member of a RAID of the firmware"
        for label in zfs_labels(size):
            ring = at(label + ZFS_RING, ZFS_RING)
            if any(ring[i:i + 8] in ZFS_MAGIC for i in range(0, len(ring), KIB)):
                yield "a member of a ZFS pool"
                break

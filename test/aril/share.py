# SPDX-License-Identifier: MIT
"""Owns --share: which folders of this host a guest sees, what QEMU is told of them, and the guest's words that mount them before COMMAND."""

import os
from typing import NamedTuple, Sequence

from . import qemu
from .failure import Failure

# SHARES, lib/family/monitor.h
MOST = 8
# Devices that a saved machine has: more folders than these, and the run boots cold.
SAVED = 2
# In the guest: for each share tag, place and options, up to a `--`; then COMMAND.
MOUNT = """while [ "$1" != -- ]; do
	/bin/busybox mkdir -p "$2" && /bin/busybox mount -t 9p -o "trans=virtio,$3" "$1" "$2" || { echo "$2: the share cannot be mounted there" >&2; exit 125; }
	shift 3
done
shift
exec "$@"
"""


class Share(NamedTuple):
    """A folder of the host, where the guest sees it, and whether it may write there."""
    host: str
    guest: str
    read_only: bool


def one(text: str) -> Share:
    body, read_only = (text[:-3], True) if text.endswith(":ro") else (text, False)
    host, colon, guest = body.rpartition(":")
    if not colon or not host or not guest.startswith("/"):
        raise Failure(f"--share {text}: not HOSTDIR:GUEST or HOSTDIR:GUEST:ro with an absolute GUEST path")
    guest = os.path.normpath("/" + guest.lstrip("/"))
    if guest == "/":
        raise Failure(f"--share {text}: the guest's / is its own tree; name a folder in it")
    if not os.path.isdir(host):
        raise Failure(f"--share {text}: {host} is no folder here")
    if not os.access(host, os.R_OK | os.X_OK):
        raise Failure(f"--share {text}: {host} cannot be read")
    return Share(os.path.abspath(host), guest, read_only)


def read(texts: Sequence[str]) -> list[Share]:
    shares = [one(text) for text in texts]
    if len(shares) > MOST:
        raise Failure(f"--share: {len(shares)} folders; a guest has room for {MOST}")
    for n, share in enumerate(shares):
        if share.guest in [other.guest for other in shares[:n]]:
            raise Failure(f"--share: two folders at {share.guest}")
    return sorted(shares, key=lambda share: share.guest.count("/")) # one that lies in another's place comes after it


def tag(n: int) -> str:
    return f"share{n}"


def devices(shares: Sequence[Share]) -> list[str]:
    """QEMU's arguments. Inode numbers of several file systems below one folder are kept apart."""
    words = []
    for n, share in enumerate(shares):
        words += ["-fsdev", f"local,id={tag(n)},path={qemu.comma(share.host)},security_model=none,multidevs=remap{',readonly=on' if share.read_only else ''}",
                  "-device", f"virtio-9p-pci,fsdev={tag(n)},mount_tag={tag(n)},disable-legacy=on"]
    return words


def saved_devices(shares: Sequence[Share], empty: str) -> list[str]:
    """The same for a machine that is saved, or goes on: its devices are always as many, and those that nobody wants lead to a folder with nothing in it."""
    return devices([*shares, *[Share(empty, "", True)] * (SAVED - len(shares))])


def mounted(shares: Sequence[Share], command: list) -> list:
    """COMMAND, or a shell, behind the mounts."""
    if not shares:
        return list(command)
    words = [word for n, share in enumerate(shares) for word in (tag(n), share.guest, "ro" if share.read_only else "rw")]
    return ["/bin/busybox", "sh", "-c", MOUNT, "sh", *words, "--", *(command or ["/bin/sh"])]

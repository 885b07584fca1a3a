# SPDX-License-Identifier: MIT
"""Owns the choice between QEMU's ways to run a machine. KVM can be there and useless, so only a boot that came to its end in time counts; its answer is kept
until the host starts again."""

import os
import tempfile
import time
from typing import Optional

from . import cache, conf, image, qemu, session
from .failure import Failure

SECONDS = 20
DEVICE = os.environ.get("ARIL_KVM", "/dev/kvm")


def limit() -> float:
    return float(os.environ.get("ARIL_PROBE_SECONDS", SECONDS))


def unusable() -> Optional[str]:
    """What can be seen without a boot."""
    if not os.path.exists(DEVICE):
        return f"there is no {DEVICE}: as root, modprobe kvm_intel or kvm_amd; in a virtual machine its host must allow nesting"
    if not os.access(DEVICE, os.R_OK | os.W_OK):
        return f"{DEVICE} is not ours to use: as root, adduser USER kvm; then log in again"
    return None


def boot(debug: bool) -> Optional[str]:
    """A trial: why it failed, or None."""
    with tempfile.TemporaryDirectory(prefix="aril-") as folder:
        nonce = conf.nonce()
        disk = image.Source(folder, debug, "linux", [], ()).disk(conf.text("linux", "pipe", nonce, ["true"], []))
        machine = qemu.Machine(folder, disk, os.path.join(folder, "log"), accel="kvm")
        end = time.monotonic() + limit()
        try:
            s = session.Session(machine, nonce, {}, deadline=end)
            s.patience = lambda: "paused" if machine.paused() else None
            status = s.run()
            said = machine.said()
        except session.Timeout:
            return f"the trial boot did not end within {limit():.0f} s"
        except Failure as e:
            return f"the trial boot failed: {e}"
        finally:
            machine.stop()
        if status is None:
            return f"QEMU ended in the trial boot{': ' + said if said else ''}"
        return None if status == 0 else f"the trial boot ended with {status}"


def probe(debug: bool = False) -> Optional[str]:
    """Why KVM is of no use here, or None. Boots a machine the first time."""
    why = unusable()
    if why:
        return why
    with open("/proc/sys/kernel/random/boot_id", encoding="ascii") as f:
        name = cache.key("kvm", f.read(), os.stat(DEVICE).st_rdev, cache.digest(qemu.binary()), *(cache.digest(p) for p in qemu.firmware_files()))
    known = cache.get("seen", "kvm-" + name)
    if known:
        with open(known, encoding="utf-8") as f:
            return f.read() or None
    why = boot(debug)

    def write(at):
        with open(at, "w", encoding="utf-8") as f:
            f.write(why or "")
    cache.put("seen", "kvm-" + name, write)
    return why


def choose(asked: str, debug: bool) -> tuple[str, str]:
    """(accelerator, why it is that one) for --accel."""
    if asked == "auto":
        why = probe(debug)
        return ("tcg", why) if why else ("kvm", "a trial boot worked")
    if asked == "kvm" and not os.path.exists(DEVICE):
        raise Failure(f"--accel kvm: {unusable()}; or leave --accel away")
    return asked, "asked for"

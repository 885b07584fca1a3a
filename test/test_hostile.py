# SPDX-License-Identifier: MIT
"""Hostile and broken input: programs, executables, configurations, images. Nothing but the culprit may end."""

import errno
import os
import re
import subprocess
import tempfile
import time

import pytest

from aril import firmware, guest, image, log, mutate, programs, qemu

MUTANTS = 320


def test_ring3_deeds():
    """Every privileged instruction and forbidden address ends its program with the signal that Linux gives, and the shell goes on."""
    cases = {"deeds": "$T/hostile", "after": "echo alive"}
    files = {"hostile": programs.build("hostile", "musl")}
    ours, host = guest.boot_script(cases, files, idle=90), guest.host_script(cases, files)
    assert "deeds" in ours, "hung, or took the machine along"
    assert ours["deeds"].out.decode().splitlines() == host["deeds"].out.decode().splitlines()
    assert ours == host


def test_elf_mutants():
    """Refused with ENOEXEC or ENOMEM, or run and end alone; frames come back (once the family's caches are as large as they get)."""
    with tempfile.TemporaryDirectory() as folder:
        mutants = os.path.join(folder, "m")
        mutate.make(mutants, [programs.build("entry", "bare"), programs.build("entry", "barepie"), programs.build("args", "musl")], MUTANTS)
        runner, frames = programs.build("mutants", "musl"), programs.build("frames", "musl")
        # Counts go to files that exist: a page in a pipe would be counted too. At fixed places: what lies elsewhere each time has caches of other sizes.
        script = f"echo 0 >/proc/sys/kernel/randomize_va_space; echo 0 >/tmp/a; echo 0 >/tmp/b; for i in 1 2; do /t/mutants /t/m {MUTANTS} >/tmp/o; /t/frames >/tmp/a; done; /t/frames >/tmp/a; " \
            f"/t/mutants /t/m {MUTANTS} >/tmp/o; /t/frames >/tmp/b; cat /tmp/a /tmp/b /tmp/o; echo alive"
        r = guest.run("sh", "-c", script,
                      options=["--add", f"{mutants}:/t/m", "--add", f"{runner}:/t/mutants", "--add", f"{frames}:/t/frames"], timeout=300)
    assert r.status == 0, r
    lines = r.out.decode().splitlines()
    assert lines[-1] == "alive" and lines[-2] == "done" and len(lines) == MUTANTS + 4, r
    counts = {}
    for line in lines[2:-2]:
        number, how, code = line.split()
        counts[how] = counts.get(how, 0) + 1
        if how == "refused":
            assert int(code) in (errno.ENOEXEC, errno.ENOMEM, errno.EINVAL, errno.ENOENT, errno.EIO, errno.ELIBBAD), line
        if int(number) % 2:
            assert how == "refused" and int(code) == errno.ENOEXEC, line
    print(counts)
    assert counts["refused"] >= MUTANTS // 2
    assert lines[0] == lines[1], "free frames before and after"


class Bare:
    """A machine on a disk of the test's own making, watched over its log."""

    def __init__(self, efi=None, root=None, conf=b"", more=()):
        self.folder = tempfile.TemporaryDirectory(prefix="aril-test-")
        build = image.build_folder(guest.DEBUG)
        disk = os.path.join(self.folder.name, "disk.img")
        command = [os.path.join(image.TOP, "esp", "mkimage"), "--efi", self.file("efi", efi) or os.path.join(build, "BOOTX64.EFI")]
        if root != "missing":
            command += ["--root", self.file("root.img", root) or os.path.join(build, "root.img")]
        if conf is not None:
            command += ["--conf", self.file("aril.conf", conf)]
        image.call(command + [disk])
        self.machine = qemu.Machine(self.folder.name, disk, os.path.join(self.folder.name, "log"), more=more,
                                    begin=lambda machine, command: firmware.start(machine, command, disk))

    def file(self, name, content):
        if content is None:
            return None
        path = os.path.join(self.folder.name, name)
        with open(path, "wb") as f:
            f.write(content)
        return path

    def log(self):
        return log.clean(self.machine.log_text())

    def wait(self, pattern, seconds=40):
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            found = re.search(pattern, self.log(), re.M)
            if found:
                return found
            if self.machine.wait(0.2):
                break
        return re.search(pattern, self.log(), re.M)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.machine.stop()
        self.folder.cleanup()


def stops(reason, key=False, **arguments):
    """The loader says why and stays: no reset loop. key: also see that a key powers it off (firmware takes its time to listen)."""
    with Bare(**arguments) as m:
        assert m.wait(r"^efi: stopped: .*" + reason), m.log()
        assert not m.machine.wait(0.5), "it did not wait"
        assert len(re.findall(r"^efi: stopped", m.log(), re.M)) == 1, m.log()
        if key:
            assert m.wait(r"Press a key", 60), m.log()
            m.machine.monitor("sendkey ret")
            assert m.machine.wait(10), "a key did not power it off"


CONFS = {
    "garbage": (bytes(range(1, 256)) * 4, "aril.conf"),
    "zeros": (b"app = linux\n" + bytes(100), "aril.conf"),
    "no_equals": (b"app linux\n", "aril.conf"),
    "no_app": (b"app = nosuch\n", "nosuch"),
    "path": (b"app = ../bin/busybox\n", "app"),
    "not_an_app": (b"app = " + b"x" * 500 + b"\n", "app"),
}


@pytest.mark.parametrize("name", CONFS)
def test_bad_conf(name):
    conf, reason = CONFS[name]
    stops(reason, key=name == "no_app", conf=conf)


def test_no_conf():
    with Bare(conf=None) as m:
        assert m.wait(r"^efi: .*aril\.conf.*default"), m.log()
        assert m.wait(r"time to first user instruction"), m.log()


def root_bytes():
    with open(os.path.join(image.build_folder(guest.DEBUG), "root.img"), "rb") as f:
        return bytearray(f.read())


def test_root_missing():
    stops("root.img", root="missing")


@pytest.mark.parametrize("how", ["empty", "zeros", "magic", "cut", "block_size", "root_inode"])
def test_root_broken(how):
    data = root_bytes()
    if how == "empty":
        data = b""
    elif how == "zeros":
        data = bytes(len(data))
    elif how == "magic":
        data[1024] ^= 0xff
    elif how == "cut":
        data = data[:8192]
    elif how == "block_size":
        data[1024 + 12] = 77
    else:
        data[1024 + 14:1024 + 16] = b"\xff\xff"
    stops("root|aril", root=bytes(data))


def test_kernel_broken():
    """One bit of the kernel inside BOOTX64.EFI is wrong: its checksum tells."""
    build = image.build_folder(guest.DEBUG)
    with open(os.path.join(build, "BOOTX64.EFI"), "rb") as f:
        efi = bytearray(f.read())
    with open(os.path.join(build, "kernel.bare"), "rb") as f:
        kernel = f.read()
    at = efi.find(kernel[:4096])
    assert at > 0
    efi[at + len(kernel) // 2] ^= 4
    stops("kernel", efi=bytes(efi))


def test_efi_is_signed_shape():
    """PE: sections are W^X, NX_COMPAT is set."""
    out = subprocess.run(["objdump", "-p", os.path.join(image.build_folder(guest.DEBUG), "BOOTX64.EFI")], stdout=subprocess.PIPE, check=True).stdout.decode()
    found = re.search(r"DllCharacteristics\s+([0-9a-f]+)", out)
    assert found and int(found.group(1), 16) & 0x100, out[:2000]

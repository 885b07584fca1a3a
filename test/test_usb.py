# SPDX-License-Identifier: MIT
"""`make usb` on stand-ins: a folder for /sys, one for /proc, one for /dev with plain files as disks. Every wrong target is refused with its reason,
and then nothing is written."""

import hashlib
import os
import subprocess

import pexpect
import pytest

from aril import image

USB = os.path.join(image.TOP, "esp", "usb")
MIB = 1 << 20
SERIAL = "4C530001"
ROOT_LINE = "22 1 8:2 / / rw,relatime shared:1 - ext4 /dev/sda2 rw\n"


class Bench:
    """One removable disk sdz (8:400) with one partition, as large as a test wants it; nothing of it is used."""

    def __init__(self, folder, size=64 * MIB):
        self.folder = str(folder)
        self.image = self.write("image", os.urandom(4096) * 300)
        self.disk = os.path.join(self.folder, "dev", "sdz")
        self.sys("sdz", "dev", "8:400")
        self.sys("sdz", "removable", "1")
        self.sys("sdz", "ro", "0")
        self.sys("sdz", "size", str(size // 512))
        self.sys("sdz", "device/model", "Stick 3000      ")
        self.sys("sdz", "device/vendor", "Acme    ")
        self.sys("sdz", "device/serial", SERIAL)
        self.sys("sdz", "holders/", "")
        self.node("sdz", min(size, 64 * MIB))
        self.part("sdz1", "8:401")
        self.write("proc/self/mountinfo", ROOT_LINE.encode())
        self.write("proc/swaps", b"Filename Type Size Used Priority\n")

    def write(self, name, data):
        path = os.path.join(self.folder, name)
        os.makedirs(os.path.dirname(path), exist_ok=True)
        with open(path, "wb") as f:
            f.write(data)
        return path

    def sys(self, disk, name, text):
        path = os.path.join("sys/class/block", disk, name)
        if name.endswith("/"):
            os.makedirs(os.path.join(self.folder, path), exist_ok=True)
        else:
            self.write(path, text.encode() + b"\n")

    def node(self, name, size):
        with open(self.write("dev/" + name, b""), "r+b") as f:
            f.truncate(size)

    def part(self, name, number):
        """A partition stands in the disk's folder and, by a link, beside it."""
        inside = f"sdz/{name}"
        self.sys(inside, "partition", "1")
        self.sys(inside, "dev", number)
        self.sys(inside, "size", str(16 * MIB // 512))
        self.sys(inside, "holders/", "")
        os.symlink(inside, os.path.join(self.folder, "sys/class/block", name))
        self.node(name, 16 * MIB)

    def env(self, **more):
        return dict(os.environ, USB_SYS=os.path.join(self.folder, "sys"), USB_PROC=os.path.join(self.folder, "proc"),
                    USB_DEV=os.path.join(self.folder, "dev"), USB_ANY_FILE="1", **{"CONFIRM": "", "DRY_RUN": "", "FORCE": "", **more})

    def run(self, target="sdz", **more):
        done = subprocess.run([USB, os.path.join(self.folder, "dev", target), self.image], env=self.env(**more), stdin=subprocess.DEVNULL,
                              stdout=subprocess.PIPE, stderr=subprocess.STDOUT, timeout=60, check=False)
        return done.returncode, done.stdout.decode()

    def written(self):
        with open(self.disk, "rb") as f:
            return any(f.read(8 * MIB))


@pytest.fixture
def bench(tmp_path):
    return Bench(tmp_path)


def put(bench, name, place, data):
    with open(os.path.join(bench.folder, "dev", name), "r+b") as f:
        f.seek(place)
        f.write(data)


def mounts(at, source, number="8:401"):
    return lambda b: b.write("proc/self/mountinfo", (ROOT_LINE + f"40 22 {number} / {at} rw - vfat {source} rw\n").encode())


def holder(part, name):
    def make(b):
        b.sys(part, f"holders/{name}/", "")
        b.sys(name, "dev", "253:0")
    return make


# What is wrong: how it comes about, and what the refusal says.
WRONG = {
    "not_removable": (lambda b: b.sys("sdz", "removable", "0"), "not removable"),
    "read_only": (lambda b: b.sys("sdz", "ro", "1"), "write-protected"),
    "no_medium": (lambda b: b.sys("sdz", "size", "0"), "no medium"),
    "too_small": (lambda b: b.sys("sdz", "size", "100"), "too small"),
    "too_large": (lambda b: b.sys("sdz", "size", str(128 << 21)), "FORCE=1"),
    "no_size": (lambda b: b.sys("sdz", "size", "many"), "size cannot be read"),
    "unknown": (lambda b: os.rename(os.path.join(b.folder, "sys/class/block/sdz"), os.path.join(b.folder, "sys/sdz")), "unknown to the kernel"),
    "mounted_by_number": (mounts("/media/stick", "/dev/other"), "sdz1 is mounted on /media/stick"),
    "mounted_by_name": (lambda b: mounts("/media/stick", os.path.join(b.folder, "dev/sdz1"), "0:45")(b), "sdz1 is mounted on /media/stick"),
    "mounted_whole": (mounts("/media/stick", "/dev/other", "8:400"), "sdz is mounted on"),
    "root": (lambda b: b.write("proc/self/mountinfo", b"22 1 8:401 / / rw - ext4 /dev/root rw\n"), "root file system"),
    "no_mountinfo": (lambda b: os.unlink(os.path.join(b.folder, "proc/self/mountinfo")), "mountinfo cannot be read"),
    "swap_in_use": (lambda b: b.write("proc/swaps", f"Filename Type\n{b.folder}/dev/sdz1 partition\n".encode()), "swap in use"),
    "swap_area": (lambda b: put(b, "sdz1", 4086, b"SWAPSPACE2"), "swap area"),
    "lvm_in_use": (holder("sdz/sdz1", "dm-0"), "LVM or an encrypted volume"),
    "lvm_whole_disk": (holder("sdz", "dm-3"), "sdz belongs to LVM"),
    "lvm_label": (lambda b: put(b, "sdz1", 512, b"LABELONE"), "LVM volume"),
    "raid_in_use": (holder("sdz/sdz1", "md0"), "belongs to the RAID md0"),
    "raid_1_0": (lambda b: put(b, "sdz1", 16 * MIB - 8192, b"\xfc\x4e\x2b\xa9"), "member of a RAID"),
    "raid_1_1": (lambda b: put(b, "sdz", 0, b"\xfc\x4e\x2b\xa9"), "sdz is a member of a RAID"),
    "raid_1_2": (lambda b: put(b, "sdz1", 4096, b"\xfc\x4e\x2b\xa9"), "member of a RAID"),
    "raid_0_90": (lambda b: put(b, "sdz1", 16 * MIB - 65536, b"\xfc\x4e\x2b\xa9"), "member of a RAID"),
    "held_by_other": (holder("sdz/sdz1", "bcache0"), "used by bcache0"),
}


@pytest.mark.parametrize("name", WRONG)
def test_refuses(bench, name):
    how, reason = WRONG[name]
    how(bench)
    before = hashlib.sha256(open(bench.disk, "rb").read()).digest()
    for more in ({"CONFIRM": SERIAL}, {"DRY_RUN": "1"}):
        status, said = bench.run(**more)
        assert status == 1 and reason in said and "writing" not in said, said
    assert hashlib.sha256(open(bench.disk, "rb").read()).digest() == before


@pytest.mark.parametrize("target,reason", [("sdz1", "give the whole disk"), ("nosuch", "does not exist"), ("../image", "not below"), ("loop0", "not a plain disk"),
                                           ("dm-0", "not a plain disk"), ("md0", "not a plain disk"), ("sr0", "not a plain disk")])
def test_refuses_target(bench, target, reason):
    if "not a plain" in reason:
        bench.node(target, MIB)
        bench.sys(target, "size", "2048")
    status, said = bench.run(target, CONFIRM=SERIAL)
    assert status == 1 and reason in said, said


def test_refuses_plain_file(bench):
    """Without the tests' switch a file is no disk."""
    env = bench.env(CONFIRM=SERIAL)
    del env["USB_ANY_FILE"]
    done = subprocess.run([USB, bench.disk, bench.image], env=env, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, check=False)
    assert done.returncode == 1 and b"not a block device" in done.stdout and not bench.written()


def test_refuses_without_confirmation(bench):
    status, said = bench.run()
    assert status == 1 and "CONFIRM=<serial>" in said and not bench.written(), said
    status, said = bench.run(CONFIRM="wrong")
    assert status == 1 and "is not wrong" in said and not bench.written(), said
    os.unlink(os.path.join(bench.folder, "sys/class/block/sdz/device/serial"))
    status, said = bench.run(CONFIRM=SERIAL)
    assert status == 1 and "no serial number" in said and not bench.written(), said


def test_dry_run(bench):
    status, said = bench.run(DRY_RUN="1")
    assert status == 0 and "nothing is written" in said and not bench.written(), said
    for word in ("Acme Stick 3000", "64 MiB", SERIAL):
        assert word in said


def test_writes(bench):
    status, said = bench.run(CONFIRM=SERIAL)
    assert status == 0 and "done" in said, said
    with open(bench.image, "rb") as f:
        data = f.read()
    with open(bench.disk, "rb") as f:
        assert f.read(len(data)) == data
        assert not any(f.read(MIB)), "more than the image was written"


def test_force_large(bench):
    bench.sys("sdz", "size", str(128 << 21))
    status, said = bench.run(CONFIRM=SERIAL, FORCE="1")
    assert status == 0 and bench.written(), said


def test_force_lifts_nothing_else(bench):
    bench.sys("sdz", "removable", "0")
    status, said = bench.run(CONFIRM=SERIAL, FORCE="1")
    assert status == 1 and "not removable" in said and not bench.written(), said


def test_reads_back(bench):
    """A disk that takes writes and keeps none."""
    tools = bench.write("bin/dd", b'#!/bin/sh\ncase "$*" in *of=*sdz*) exit 0 ;; esac\nexec /bin/dd "$@"\n')
    os.chmod(tools, 0o755)
    status, said = bench.run(CONFIRM=SERIAL, PATH=os.path.dirname(tools) + ":" + os.environ["PATH"])
    assert status == 1 and "reads back something else" in said, said


@pytest.mark.parametrize("answer,good", [("sdz", True), ("yes", False), ("", False)])
def test_question(bench, answer, good):
    child = pexpect.spawn(USB, [bench.disk, bench.image], env=bench.env(), timeout=30, encoding="utf-8")
    child.expect(r"type its name \(sdz\): ")
    child.sendline(answer)
    child.expect(pexpect.EOF)
    child.close()
    assert (child.exitstatus == 0) == good and bench.written() == good, child.before

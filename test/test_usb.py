# SPDX-License-Identifier: MIT
"""`make usb` on stand-ins: a folder for /sys, one for /proc, one for /dev with plain files as disks. Every wrong target is refused with its reason,
and then nothing is written. Where the host lets us have loop devices, one of them stands for the disk, and the kernel says who uses it."""

import contextlib
import hashlib
import os
import resource
import shutil
import struct
import subprocess
import sys

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


def space(b, pid, lines):
    """A process in a mount namespace of its own."""
    b.write(f"proc/{pid}/mountinfo", lines.encode())
    os.makedirs(os.path.join(b.folder, f"proc/{pid}/ns"))
    os.symlink("mnt:[4026531999]", os.path.join(b.folder, f"proc/{pid}/ns/mnt"))


def gpt(b, sector):
    """The image is one for disks with such sectors."""
    with open(b.image, "r+b") as f:
        f.seek(sector)
        f.write(b"EFI PART")


def on_usb(b):
    real = os.path.join(b.folder, "sys/devices/usb1/1-1")
    os.makedirs(real)
    os.rename(os.path.join(b.folder, "sys/class/block/sdz"), os.path.join(real, "sdz"))
    os.symlink("../../devices/usb1/1-1/sdz", os.path.join(b.folder, "sys/class/block/sdz"))


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
    "lvm_in_use": (holder("sdz/sdz1", "dm-0"), "LVM or an encrypted volume"),
    "lvm_whole_disk": (holder("sdz", "dm-3"), "sdz belongs to LVM"),
    "raid_in_use": (holder("sdz/sdz1", "md0"), "belongs to the RAID md0"),
    "held_by_other": (holder("sdz/sdz1", "bcache0"), "used by bcache0"),
    "mounted_elsewhere": (lambda b: space(b, 77, "40 22 8:401 / /data rw - ext4 /dev/other rw\n"), "sdz1 is mounted on /data"),
    "btrfs_member": (lambda b: b.write("sys/fs/btrfs/4172-696c/devices/sdz1", b""), "sdz1 is a member of a mounted btrfs file system (4172-696c)"),
    "under_a_loop": (lambda b: b.sys("loop7", "loop/backing_file", os.path.join(b.folder, "dev/sdz1")), "sdz1 is what loop7 stands on"),
    "sector_4096": (lambda b: (b.sys("sdz", "queue/logical_block_size", "4096"), gpt(b, 512)), "make image SECTOR=4096"),
    "sector_512": (lambda b: gpt(b, 4096), "make image SECTOR=512"),
    "fixed_on_usb": (lambda b: (b.sys("sdz", "removable", "0"), on_usb(b)), f"FORCE=1 CONFIRM={SERIAL}"),
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


END = 16 * MIB  # of sdz1
SWAP_PAGES = (4096, 8192, 16384, 32768, 65536)
BCACHE = bytes.fromhex("c68573f64e1a45ca8265f57f48ba6d81")
RAID = b"\xfc\x4e\x2b\xa9"
ZFS = struct.pack("<Q", 0xbab10c)
# What stands on it, unused: the volume, the place, the bytes, what the refusal says.
SIGNATURES = {
    **{f"swap_{page}": ("sdz1", page - 10, b"SWAPSPACE2", "swap area") for page in SWAP_PAGES},
    "swap_hibernated": ("sdz1", 4086, b"S1SUSPEND\0", "swap area"),
    "luks": ("sdz1", 0, b"LUKS\xba\xbe\0\2", "LUKS"),
    "luks_second_header": ("sdz", 0x4000, b"SKUL\xba\xbe\0\2", "LUKS"),
    "bitlocker": ("sdz1", 3, b"-FVE-FS-", "BitLocker"),
    "btrfs": ("sdz1", 65600, b"_BHRfS_M", "btrfs"),
    "bcache": ("sdz1", 4120, BCACHE, "bcache"),
    "lvm_label": ("sdz1", 512, b"LABELONE", "LVM volume"),
    "zfs_first_label": ("sdz1", 131072 + 4096, ZFS, "ZFS"),
    "zfs_last_label": ("sdz1", END - 131072 + 1024, ZFS[::-1], "ZFS"),
    "raid_1_0": ("sdz1", END - 8192, RAID, "member of a RAID"),
    "raid_1_1": ("sdz", 0, RAID, "sdz is a member of a RAID"),
    "raid_1_2": ("sdz1", 4096, RAID, "member of a RAID"),
    "raid_0_90": ("sdz1", END - 65536, RAID, "member of a RAID"),
    "raid_of_firmware": ("sdz1", END - 1024, b"Intel Raid ISM Cfg Sig. ", "RAID of the firmware"),
    "apfs": ("sdz1", 32, b"NXSB", "APFS"),
    "ceph": ("sdz1", 0, b"bluestore block device", "Ceph"),
}


@pytest.mark.parametrize("name", SIGNATURES)
def test_refuses_signature(bench, name):
    """Unless forced: nobody mounts it now, and it may be all that somebody has."""
    node, place, data, reason = SIGNATURES[name]
    put(bench, node, place, data)
    status, said = bench.run(DRY_RUN="1")
    assert status == 1 and reason in said and "FORCE=1" in said, said
    if name in ("luks", "zfs_last_label"):
        status, said = bench.run(CONFIRM=SERIAL, FORCE="1")
        assert status == 0 and "done" in said, said


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


FAKE_WRITE = """
import importlib.machinery, sys
sys.dont_write_bytecode = True
sys.path.insert(0, sys.argv[1])
usb = importlib.machinery.SourceFileLoader("usb", sys.argv[1] + "/usb").load_module()
usb.write = lambda *arguments: None
usb.main(sys.argv[2:])
"""


def test_reads_back(bench):
    """A disk that takes writes and keeps none."""
    done = subprocess.run([sys.executable, "-W", "ignore", "-c", FAKE_WRITE, os.path.dirname(USB), bench.disk, bench.image], env=bench.env(CONFIRM=SERIAL),
                          stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, timeout=60, check=False)
    assert done.returncode == 1 and b"reads back something else" in done.stdout, done.stdout


def test_half_written(bench):
    """A write that fails says how the stick is left. Here it is the size of files that has an end."""
    done = subprocess.run([USB, bench.disk, bench.image], env=bench.env(CONFIRM=SERIAL), stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                          stderr=subprocess.STDOUT, timeout=60, check=False,
                          preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (MIB, MIB)))
    assert done.returncode == 1 and b"File too large" in done.stdout and b"HALF WRITTEN" in done.stdout, done.stdout


def test_fixed_stick(bench):
    """Written when it is named by its serial number, and only on USB."""
    on_usb(bench)
    bench.sys("sdz", "removable", "0")
    status, said = bench.run(CONFIRM=SERIAL)
    assert status == 1 and "some sticks" in said and not bench.written(), said
    status, said = bench.run(CONFIRM=SERIAL, FORCE="1")
    assert status == 0 and bench.written(), said


MEANWHILE = {
    "mounted": (mounts("/media/stick", "/dev/other"), "sdz1 is mounted on /media/stick"),
    "another_disk": (lambda b: b.sys("sdz", "diskseq", "42"), "another disk"),
    "under_a_loop": (WRONG["under_a_loop"][0], "loop7 stands on"),
}


@pytest.mark.parametrize("name", MEANWHILE)
def test_while_the_question_stands(bench, name):
    """What happens to the disk before the answer counts."""
    change, reason = MEANWHILE[name]
    child = pexpect.spawn(USB, [bench.disk, bench.image], env=bench.env(), timeout=60, encoding="utf-8")
    child.expect(r"type its name \(sdz\): ")
    change(bench)
    child.sendline("sdz")
    child.expect(pexpect.EOF)
    child.close()
    assert child.exitstatus == 1 and reason in child.before and not bench.written(), child.before


@pytest.mark.parametrize("answer,good", [("sdz", True), ("yes", False), ("", False)])
def test_question(bench, answer, good):
    child = pexpect.spawn(USB, [bench.disk, bench.image], env=bench.env(), timeout=30, encoding="utf-8")
    child.expect(r"type its name \(sdz\): ")
    child.sendline(answer)
    child.expect(pexpect.EOF)
    child.close()
    assert (child.exitstatus == 0) == good and bench.written() == good, child.before


@contextlib.contextmanager
def loop_disk(bench):
    """sdz's node is a loop device of the host's, which this yields; everything else of it is still made up."""
    if os.getuid() or not shutil.which("losetup"):
        pytest.skip("needs root and losetup")
    back = os.path.join(bench.folder, "backing")
    with open(back, "wb") as f:
        f.truncate(64 * MIB)
    done = subprocess.run(["losetup", "-f", "--show", back], stdout=subprocess.PIPE, stderr=subprocess.PIPE, check=False)
    if done.returncode:
        pytest.skip("this host has no loop devices")
    loop = done.stdout.decode().strip()
    try:
        os.unlink(bench.disk)
        os.mknod(bench.disk, 0o600 | 0o060000, os.stat(loop).st_rdev)
        yield loop
    finally:
        subprocess.run(["losetup", "-d", loop], check=False)


def erofs(bench, loop):
    """A file system on it, as large as a file."""
    made = os.path.join(bench.folder, "erofs")
    tree = os.path.dirname(bench.write("tree/a", b"a"))
    subprocess.run(["mkfs.erofs", made, tree], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, check=True)
    shutil.copyfile(made, loop)


def real(bench, **more):
    """On a block device: without the switch that lets files through."""
    env = bench.env(**more)
    del env["USB_ANY_FILE"]
    done = subprocess.run([USB, bench.disk, bench.image], env=env, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, check=False)
    return done.returncode, done.stdout.decode()


def test_exclusive(bench):
    """The kernel's word, whatever /proc shows: a mount that is in no namespace of ours is refused, and nothing can be mounted while the question stands."""
    with loop_disk(bench) as loop:
        at = os.path.join(bench.folder, "at")
        os.mkdir(at)
        erofs(bench, loop)
        held = subprocess.Popen(["unshare", "-m", "sh", "-c", 'mount -t erofs "$1" "$2" && echo mounted && read -r _', "-", loop, at], stdin=subprocess.PIPE,
                                stdout=subprocess.PIPE)
        if held.stdout.readline() != b"mounted\n":
            held.kill()
            held.wait()
            pytest.skip("this host mounts no erofs in a namespace of its own")
        try:
            for more in ({"CONFIRM": SERIAL}, {"DRY_RUN": "1"}, {"CONFIRM": SERIAL, "FORCE": "1"}):
                status, said = real(bench, **more)
                assert status == 1 and "in use: the kernel holds it" in said, said
        finally:
            held.communicate(b"\n")
        env = bench.env()
        del env["USB_ANY_FILE"]
        child = pexpect.spawn(USB, [bench.disk, bench.image], env=env, timeout=60, encoding="utf-8")
        child.expect(r"type its name \(sdz\): ")
        assert subprocess.run(["mount", "-t", "erofs", loop, at], stderr=subprocess.DEVNULL, check=False).returncode, "it can be mounted while it is held"
        child.sendline("sdz")
        child.expect(pexpect.EOF)
        child.close()
        assert child.exitstatus == 0, child.before
        with open(loop, "rb") as f, open(bench.image, "rb") as image_file:
            assert f.read(os.stat(bench.image).st_size) == image_file.read()


def test_open_for_writing(bench):
    """Another program that writes it now, such as a virtual machine."""
    with loop_disk(bench) as loop, open(loop, "r+b"):
        env = bench.env(CONFIRM=SERIAL)
        env["USB_PROC"] = "/proc"
        done = subprocess.run([USB, bench.disk, bench.image], env=env, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, check=False)
        assert done.returncode == 1 and b"sdz is open for writing in process" in done.stdout, done.stdout


def test_btrfs_of_two(bench):
    """The member that mountinfo does not name."""
    if not shutil.which("mkfs.btrfs"):
        pytest.skip("mkfs.btrfs is not installed")
    other = os.path.join(bench.folder, "other")
    with open(other, "wb") as f:
        f.truncate(256 * MIB)
    with loop_disk(bench) as loop:
        os.truncate(os.path.join(bench.folder, "backing"), 256 * MIB)
        subprocess.run(["losetup", "-c", loop], check=True)
        first = subprocess.run(["losetup", "-f", "--show", other], stdout=subprocess.PIPE, check=True).stdout.decode().strip()
        at = os.path.join(bench.folder, "at")
        os.mkdir(at)
        try:
            subprocess.run(["mkfs.btrfs", "-q", "-f", "-m", "raid1", first, loop], check=True)
            subprocess.run(["mount", "-t", "btrfs", "-o", f"device={loop}", first, at], check=True)
            status, said = real(bench, CONFIRM=SERIAL, FORCE="1")
            assert status == 1 and "in use: the kernel holds it" in said, said
        finally:
            subprocess.run(["umount", at], check=False)
            subprocess.run(["losetup", "-d", first], check=False)


# Out of the recipe's quotes; and what shell and make run inside of them, or on a line of its own.
BAD = ["'; touch {}; '", "$(touch {0}) $$(touch {0}) $(shell touch {0}) `touch {0}`\ntouch {0}\n"]
TARGETS = {
    "DEV": ["usb"], "IMAGE": ["usb", "DEV=/dev/nosuch"], "CONFIRM": ["usb", "DEV=/dev/nosuch", "IMAGE=Makefile"], "FORCE": ["usb", "DEV=/dev/nosuch", "IMAGE=Makefile"],
    "KEY": ["sign", "CERT=x"], "CERT": ["sign", "KEY=x"], "ROOT": ["sign", "KEY=x", "CERT=x"], "CONF": ["sign", "KEY=x", "CERT=x"],
    "WITH": ["-o", "all", "image"], "SECTOR": ["image"], "DISK": ["boot-entry"], "PART": ["boot-entry"], "OPTIONS": ["boot-entry"],
}


@pytest.mark.parametrize("name", [name if name in ("DEV", "WITH", "OPTIONS") else pytest.param(name, marks=pytest.mark.slow) for name in TARGETS])
def test_make_runs_no_value(tmp_path, name):
    """What is typed behind the name of one of make's variables is never a command, of the shell's or of make's."""
    for n, bad in enumerate(BAD):
        witness = os.path.join(tmp_path, f"ran{n}")
        said = subprocess.run(["make", "-s", *TARGETS[name], f"{name}={bad.format(witness)}"], cwd=image.TOP, stdin=subprocess.DEVNULL,
                              stdout=subprocess.PIPE, stderr=subprocess.STDOUT, timeout=300, check=False).stdout
        assert not os.path.exists(witness), said

# SPDX-License-Identifier: MIT
"""What the loader reads and writes: keys of aril.conf that are its own, load options over them, the boot log on the medium, media of other forms."""

import os
import re
import shutil
import subprocess

import pytest

from aril import hardware, image, log


def bootlog(disk):
    """The boot log on the medium, or None."""
    done = subprocess.run(["mtype", "-i", f"{disk}@@1048576", "::/aril/bootlog.txt"], env=dict(os.environ, MTOOLS_SKIP_CHECK="1", MTOOLSRC=os.devnull),
                          stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE, check=False)
    return done.stdout.decode() if done.returncode == 0 else None


def test_keys():
    """memory, log = errors, bootlog: what is not shown stands in the file, and a file of an earlier boot is replaced."""
    seen = []
    r = hardware.boot(hardware.Shape(), ["sh", "-c", "grep MemTotal /proc/meminfo"], extra=["memory = 200m", "log = errors", "bootlog = yes"],
                      after=lambda disk: seen.append(bootlog(disk)))
    assert r.status == 0 and r.out.split() == [b"MemTotal:", b"204800", b"kB"], r
    assert "efi: memory map" not in r.log, r.log
    for line in ("efi: Aril", "efi: \\aril\\root.img: ", "efi: kernel tables: ", "\nfirmware:  EDK II", "\nACPI:  ", " 030000 VGA\n"):
        assert line in seen[0], seen


def test_bootlog_is_off_by_itself():
    """A volume that may be another system's is not written to unasked."""
    seen = []
    r = hardware.boot(hardware.Shape(), ["true"], after=lambda disk: seen.append(bootlog(disk)))
    assert r.status == 0 and seen == [None]


def test_bootlog_is_replaced():
    """A longer one of an earlier boot leaves no tail."""
    def before(disk):
        old = disk + ".old"
        with open(old, "w", encoding="ascii") as f:
            f.write("old line\n" * 5000)
        hardware.mtools(disk, "mcopy", old, "::/aril/bootlog.txt")
    seen = []
    r = hardware.boot(hardware.Shape(), ["true"], extra=["bootlog = yes"], before=before, after=lambda disk: seen.append(bootlog(disk)))
    assert r.status == 0 and "efi: Aril" in seen[0] and "old line" not in seen[0], r


def test_bootlog_tells_why_it_stopped():
    seen = []
    text = hardware.watch(hardware.Shape(), "bootlog = yes\napp = nosuch\n", r"Press a key", after=lambda disk: seen.append(bootlog(disk)))
    assert "Press a key" in text and "stopped: /aril/nosuch" in seen[0], (text, seen)


BAD = ["memory = lots", "memory = 1M", "log = loud"]
MORE_BAD = ["memory = 2GB", "memory =", "bootlog = perhaps", "verify = 1", "panic = never"]


@pytest.mark.parametrize("line", BAD + [pytest.param(line, marks=pytest.mark.slow) for line in MORE_BAD])
def test_bad_value(line):
    text = hardware.watch(hardware.Shape(), "app = linux\n" + line + "\n", r"^efi: stopped|entering ring 3")
    assert re.search(r"^efi: stopped: .*aril\.conf: line 2: `" + line.split()[0] + "` must", text, re.M), log.own(text)


ENTRY = hardware.Shape(start="nvram")


def test_options_override():
    """Those of the boot entry win, key by key; the rest of aril.conf stays."""
    r = hardware.boot(ENTRY, ["sh", "-c", "echo by conf"], extra=["memory = 300M", "term = aril"], options='arg=sh arg=-c "arg=grep MemTotal /proc/meminfo" memory=200M')
    assert r.status == 0 and b"204800 kB" in r.out, r
    assert re.search(r"^efi: load options: \d+ bytes of settings", r.log, re.M), r.log


def test_options_in_bytes():
    """As efibootmgr writes them without --unicode."""
    r = hardware.boot(ENTRY, ["false"], options=b'arg=sh arg=-c "arg=echo bytes"')
    assert r.status == 0 and r.out == b"bytes\n", r


@pytest.mark.parametrize("options", [bytes(range(128, 160)), b"\x01\x00", b""], ids=["high", "control", "none"])
def test_options_that_are_not_text(options):
    r = hardware.boot(ENTRY, ["echo", "by conf"], options=options)
    assert r.status == 0 and r.out == b"by conf\n", r
    assert ("not text" in r.log) == bool(options), r.log


def test_options_bad_value():
    r = hardware.boot(ENTRY, ["true"], options="memory=none")
    assert r.status == 125 and "efi: stopped: load options: line 1: `memory` must be a size" in r.log, r


def fat_only(disk):
    """The files of the image on a volume without a partition table, in a folder of their own, as one finds on a stick with other things on it."""
    folder = os.path.dirname(disk)
    for name in ("EFI/BOOT/BOOTX64.EFI", "aril/root.img", "aril/aril.conf"):
        hardware.mtools(disk, "mcopy", "::/" + name, os.path.join(folder, os.path.basename(name).lower()))
    env = dict(os.environ, MTOOLS_SKIP_CHECK="1", MTOOLSRC=os.devnull)
    with open(disk, "wb") as f:
        f.truncate(64 << 20)
    for command in (["mformat", "-i", disk, "-F", "::"], ["mmd", "-i", disk, "::/EFI", "::/EFI/BOOT", "::/EFI/aril"],
                    ["mcopy", "-i", disk, os.path.join(folder, "bootx64.efi"), "::/EFI/BOOT/BOOTX64.EFI"],
                    ["mcopy", "-i", disk, os.path.join(folder, "root.img"), os.path.join(folder, "aril.conf"), "::/EFI/aril/"]):
        subprocess.run(command, env=env, check=True, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE)


def test_files_copied_to_a_stick():
    """Two files and a folder, copied onto any FAT32 volume: no image, no partition table; \\aril may stand in \\EFI."""
    r = hardware.boot(hardware.Shape(disk="usb"), ["echo", "up"], before=fat_only)
    assert r.status == 0 and r.out == b"up\n" and "\\EFI\\aril\\root.img" in r.log, r


@pytest.mark.skipif(not shutil.which("xorriso"), reason="xorriso: missing; make deps")
@pytest.mark.slow
@pytest.mark.parametrize("drive", ["cd", "usb"])
def test_cd(tmp_path, drive):
    """`make iso`: the same file as a CD, of a size that a boot catalog cannot count, and as a stick."""
    tree, root = os.path.join(tmp_path, "tree"), os.path.join(tmp_path, "root.img")
    image.call(["cp", "-a", os.path.join(image.build_folder(False), "roottree"), tree])
    with open(os.path.join(tree, "big"), "wb") as f:
        f.truncate(200 << 20)
    image.call([os.path.join(image.TOP, "esp", "mkroot"), tree, root])

    def cd_make(disk):
        if drive != "cd":
            image.call([os.path.join(image.TOP, "esp", "mkiso"), disk, disk + ".iso"])
            os.rename(disk + ".iso", disk)
    r = hardware.boot(hardware.Shape(disk=drive), ["wc", "-c", "/big"], root=root, before=cd_make)
    assert r.status == 0 and r.out == b"209715200 /big\n", r


def keys_read(*path):
    """The keys that a file compares lines of aril.conf with."""
    with open(os.path.join(image.TOP, *path), encoding="utf-8") as f:
        return set(re.findall(r'conf_is\(\w+, "([\w-]+)"\)', f.read()))


def test_keys_are_all_listed():
    """conf_keys.def names what code reads, no more; aril.conf shows each, set or as an example, and once (but for `arg`)."""
    with open(os.path.join(image.TOP, "lib", "base", "conf_keys.def"), encoding="utf-8") as f:
        listed = set(re.findall(r'^CONF_KEY\("([\w-]+)"', f.read(), re.M))
    with open(os.path.join(image.TOP, "esp", "aril.conf"), encoding="utf-8") as f:
        shown = [key for key in re.findall(r"^#?([\w-]+) = ", f.read(), re.M) if key != "arg"]
    read = keys_read("efi", "config.c") | keys_read("apps", "linux", "monitor_config.c")
    assert len(read) > 10 and listed == read == {"arg", *shown} and len(shown) == len(set(shown))


def test_unknown_key_is_told():
    r = hardware.boot(hardware.Shape(), ["true"], extra=["colour = green"])
    assert r.status == 0 and re.search(r"init: aril\.conf line \d+: nobody reads the key `colour`", r.log), r
    assert r.log.count("nobody reads") == 1, r


def test_the_image_as_it_is():
    """What `make image` makes boots to a shell, and its configuration holds nothing that is not read."""
    with open(os.path.join(image.TOP, "esp", "aril.conf"), encoding="utf-8") as f:
        text = hardware.watch(hardware.Shape(disk="usb"), f.read(), r"init: started")
    assert "init: started" in text and "nobody reads" not in text, text


@pytest.mark.skipif(not shutil.which("sgdisk"), reason="sgdisk: missing; make deps-boot")
def test_partition_table(tmp_path):
    """Both copies of the table, their checksums and their places, by somebody else's eyes."""
    disk = str(tmp_path / "disk.img")
    build = os.path.join(image.TOP, "build")
    image.call([os.path.join(image.TOP, "esp", "mkimage"), "--efi", os.path.join(build, "BOOTX64.EFI"), "--root", os.path.join(build, "root.img"), disk])
    said = subprocess.run(["sgdisk", "-v", disk], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, check=True).stdout.decode()
    assert "No problems found" in said and "Caution" not in said and "Warning" not in said, said
    said = subprocess.run(["sgdisk", "-p", disk], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, check=True).stdout.decode()
    assert re.search(r"^ +1 +2048 +\d+ .* EF00 +Aril", said, re.M), said
    assert re.search(r"^ +1 +2048 +\d+ .* EF00 +Aril", said, re.M), said


def test_first_and_last_words():
    """The maker's picture is cleared before the first line. At the end the firmware's status has its name beside it."""
    with hardware.running(hardware.Shape(com2=False), "app = linux\n",
                          before=lambda disk: hardware.mtools(disk, "mdel", "::/aril/root.img")) as machine:
        hardware.log_wait(machine, r"Press a key to power off", 90)
        text = machine.log_text()
    assert re.search(r"\x1b\[2J(\x1b\[[0-9;]+H)?efi: Aril ", text), text
    assert re.search(r"^efi: stopped: .*root\.img.*\r?\nefi: firmware status: not found \(800000000000000e\)\r?$", text, re.M), text

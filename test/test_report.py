# SPDX-License-Identifier: MIT
"""`hwinfo --report` on machines with sticks: the report stands in HWINFO.TXT of the stick that is Aril's, whose file system is sound, and no byte of any other has changed."""

import hashlib
import os
import re
import shutil
import subprocess

import pytest

from aril import hardware, image

MARK = "Aril keeps this file for `hwinfo --report`, which writes over it and over nothing else.\n"
REPORT = ["sh", "-c", "cd /tmp; hwinfo --report; hwinfo | grep -A9 ^USB:; cat aril-report.txt; dd if=/dev/zero of=/proc/aril-report bs=70000 count=1"]
BLANK = MARK + "\n" * (65536 - len(MARK))


def stick(path, name, more=""):
    """On its own port of the controller of `more`."""
    return ["-drive", f"if=none,id={name},format=raw,file={path}{more}"]


def fixture(folder, name, sector=512):
    """An image of Aril's with the loader alone."""
    path = os.path.join(folder, name)
    image.call([os.path.join(image.TOP, "esp", "mkimage"), "--efi", os.path.join(image.build_folder(False), "BOOTX64.EFI"), "--sector", str(sector), path])
    return path


def digest(path):
    with open(path, "rb") as f:
        return hashlib.file_digest(f, "sha256").hexdigest()


def read(path, offset="@@1048576"):
    env = dict(os.environ, MTOOLS_SKIP_CHECK="1", MTOOLSRC=os.devnull)
    return subprocess.run(["mtype", "-i", path + offset, "::HWINFO.TXT"], env=env, check=True, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE).stdout.decode()


def sound(path, start=1 << 20):
    """fsck.vfat has nothing to say of the partition, which ends before the second GPT."""
    part = path + ".part"
    with open(path, "rb") as f, open(part, "wb") as to:
        f.seek(start)
        to.write(f.read()[:-(1 << 20)])
    done = subprocess.run([hardware.packaged("dosfstools", "sbin/fsck.fat"), "-n", part], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                          check=False)
    os.unlink(part)
    assert done.returncode == 0 and b"bad" not in done.stdout.lower(), done.stdout


def place(path):
    """Where the file lies in an image that nobody has written to yet: its bytes are all in one piece."""
    with open(path, "rb") as f:
        return f.read().index(BLANK.encode())


def outside(path, at):
    """The image's bytes without those of the file."""
    with open(path, "rb") as f:
        data = f.read()
    return data[:at] + data[at + 65536:]


def written(said, text):
    """What stands in the file is the page that was said, the rest is empty lines."""
    assert text.startswith(MARK) and len(text) == 65536
    report = text[len(MARK):].rstrip("\n")
    assert report in said and "\n---- dmesg\n" in report and "\nPCI:  " in report and len(report) > 5000


def test_on_the_stick_it_booted_from(tmp_path):
    """With a second stick that has none of Aril's files, and a third that has a file of the same name."""
    bare, foreign = os.path.join(tmp_path, "bare"), fixture(str(tmp_path), "foreign")
    with open(bare, "wb") as f:
        f.truncate(40 << 20)
    env = dict(os.environ, MTOOLS_SKIP_CHECK="1", MTOOLSRC=os.devnull)
    subprocess.run(["mformat", "-i", bare, "-F", "::"], env=env, check=True)
    theirs = os.path.join(tmp_path, "theirs")
    with open(theirs, "w", encoding="ascii") as f:
        f.write("What somebody wrote about their machine. " * 1600)
        f.truncate(65536)
    hardware.mtools(foreign, "mcopy", "-o", theirs, "::HWINFO.TXT")
    before = digest(bare), digest(foreign)
    own = {}

    def keep(disk):
        own["at"] = place(disk)
        own["before"] = outside(disk, own["at"])
        assert read(disk) == BLANK

    def look(disk):
        own["after"], own["text"] = outside(disk, own["at"]), read(disk)
        sound(disk)
    more = [*stick(bare, "bare"), "-device", "usb-storage,drive=bare,port=3", *stick(foreign, "foreign"), "-device", "usb-storage,drive=foreign,port=4"]
    r = hardware.boot(hardware.Shape(disk="usb", more=tuple(more)), REPORT, before=keep, after=look)
    said = r.out.decode()
    print(said)
    assert r.status != 0 and "File too large" in said, r
    assert re.search(r"^/tmp/aril-report\.txt: \d{4,5} bytes\.\n(.*\n){0,2}\S+ port \d+ has the report: it is in HWINFO\.TXT\nSwitch off", said), said
    assert len(re.findall(r"port \d+  46f4:0001 \w+ ?\w*, disk, \d+ MiB, sectors of 512 bytes$", said, re.M)) == 3
    written(said, own["text"])
    assert own["before"] == own["after"] and (digest(bare), digest(foreign)) == before


def test_on_another_stick(tmp_path):
    """One that is write-protected, then one with sectors of 4096 bytes behind a hub; the disk that was booted from is none."""
    first, second = fixture(str(tmp_path), "first"), fixture(str(tmp_path), "second", 4096)
    before, at = digest(first), place(second)
    rest = outside(second, at)
    more = ["-device", "nec-usb-xhci,id=usb", *stick(first, "first", ",readonly=on"), "-device", "usb-storage,drive=first,port=1,bus=usb.0",
            "-device", "usb-hub,port=2,bus=usb.0", *stick(second, "second"),
            "-device", "usb-bot,id=bot,port=2.1,bus=usb.0", "-device", "scsi-hd,bus=bot.0,drive=second,logical_block_size=4096,physical_block_size=4096"]
    own = {}

    def keep(disk):
        own["before"] = digest(disk)

    def look(disk):
        own["after"] = digest(disk)
    r = hardware.boot(hardware.Shape(more=tuple(more)), REPORT, before=keep, after=look)
    said = r.out.decode()
    assert re.search(r"bytes\.\n\S+ port \d+ is write-protected\n\S+ port \d+\.1 has the report: it is in HWINFO\.TXT\nSwitch off", said), said
    written(said, read(second))
    sound(second)
    assert outside(second, at) == rest and digest(first) == before and own["before"] == own["after"]


def test_on_none():
    """Without a controller, and with one that has no stick: a reason, and other ways."""
    for more, why in (((), r"There is no xHCI controller, so no stick\."), (("-device", "qemu-xhci"), r"\S+ has no disk behind it")):
        r = hardware.boot(hardware.Shape(more=more), ["hwinfo", "--report"])
        assert r.status == 0 and re.search(r"bytes\.\n" + why + r"\nSo it is on no stick\. It lies in memory, ", r.out.decode()), r
        assert "send \\aril\\bootlog.txt, which" in r.out.decode()


@pytest.mark.skipif(not shutil.which("xorriso"), reason="xorriso: missing; make deps")
@pytest.mark.slow
def test_on_a_cd_s_image(tmp_path):
    """`make iso`, written to a stick."""
    cd = os.path.join(tmp_path, "cd")
    image.call([os.path.join(image.TOP, "esp", "mkiso"), fixture(str(tmp_path), "image"), cd])
    at = place(cd)
    rest = outside(cd, at)
    r = hardware.boot(hardware.Shape(more=("-device", "qemu-xhci", *stick(cd, "cd"), "-device", "usb-storage,drive=cd")), REPORT)
    said = r.out.decode()
    assert "has the report: it is in HWINFO.TXT" in said, said
    with open(cd, "rb") as f:
        f.seek(at)
        written(said, f.read(65536).decode())
    assert outside(cd, at) == rest

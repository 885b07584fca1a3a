# SPDX-License-Identifier: MIT
"""Secure Boot with OVMF's own snakeoil key: what is signed boots, what was altered is refused, by the firmware or by the loader that it has checked."""

import os
import re
import shutil
import subprocess

import pytest

from aril import chain, hardware, image, log

TOP = image.TOP
BUILD = os.path.join(TOP, "build")
SHAPE = hardware.Shape(firmware="secure")
MISSING = [tool for tool in ("sbsign", "openssl") if not shutil.which(tool)] + [f for f in (chain.KEY, chain.CERT) if not os.path.exists(f)]
needs_tools = pytest.mark.skipif(bool(MISSING), reason=f"{', '.join(MISSING)}: missing; make deps-boot")


@pytest.fixture(scope="module")
def key(tmp_path_factory):
    return chain.signing_key(str(tmp_path_factory.mktemp("key")))


@pytest.fixture(scope="module")
def signed(key, tmp_path_factory):
    return chain.signed(key, tmp_path_factory.mktemp("signed"))


def altered(path, to, find, offset):
    """A copy with one bit changed, offset bytes behind the first place of find."""
    with open(path, "rb") as f:
        data = bytearray(f.read())
    at = data.find(find)
    assert at >= 0
    data[at + offset] ^= 1
    with open(to, "wb") as f:
        f.write(data)
    return str(to)


def kernel_head():
    with open(os.path.join(BUILD, "kernel.bare"), "rb") as f:
        return f.read(4096)


def altered_root(tmp_path):
    """One letter of a text file, which no other check would notice."""
    return altered(os.path.join(BUILD, "root.img"), tmp_path / "root.img", b"root:x:0:0", 4)


def firmware_refuses(efi):
    text = hardware.watch(SHAPE, "app = linux\n", r"Access Denied|^efi: ", efi=efi)
    assert "Access Denied" in text and not re.search(r"^efi: ", text, re.M), text


def loader_refuses(efi, root, reason, conf="app = linux\n", shape=SHAPE):
    text = hardware.watch(shape, conf, r"^efi: stopped|entering ring 3", efi=efi, root=root)
    assert re.search(r"^efi: stopped: .*" + reason, text, re.M), log.own(text)
    assert "leaving firmware" not in text


@needs_tools
def test_signed_boots(key, tmp_path):
    """With the run's own configuration sealed: else its command would not be taken from it."""
    r = hardware.boot(SHAPE, ["echo", "up"], efi=lambda conf: chain.signed(key, tmp_path, conf=conf))
    assert r.status == 0 and r.out == b"up\n", r
    assert "efi: Secure Boot: on" in r.log and r.log.count("SHA-256 is the one in BOOTX64.EFI") == 2, r.log
    assert "is ignored" not in r.log, r.log


RUNS = ("app = mini", "arg = evil", "channel = com2", "mode = pipe", "strace = 1", "trace = 1", "exit-port = 244", "busmaster = keep", "get = /etc/motd",
        "unheard = of")
HARMLESS = ("memory = 512M", "log = all", "panic = reset", "console = serial", "keyboard = de", "rows = 30")


@needs_tools
def test_unsigned_settings(signed):
    """What nobody signed chooses nothing that runs: each such key is named, and the app does not see it."""
    text = hardware.watch(SHAPE, "\n".join(RUNS + HARMLESS) + "\n", r"init: started|^efi: stopped", seconds=150, efi=signed)
    named = re.findall(r"^efi: \\aril\\aril\.conf: line \d+: `([\w-]+)` is ignored", text, re.M)
    assert named == [line.split()[0] for line in RUNS], log.own(text)
    assert re.search(r"^efi: app: /aril/linux", text, re.M) and re.search(r"init: started -sh", text), log.own(text)
    assert "evil" not in text and "aril.conf: SHA-256 is the one" not in text, log.own(text)


@needs_tools
def test_sbat(signed):
    """shim refuses a second stage without it: the format's own line, then ours (shim's SBAT.md)."""
    with open(signed, "rb") as f:
        data = f.read()
    lines = re.search(rb"sbat,1,SBAT Version,sbat,1,[^\n]+\n[^\0]*", data).group(0).decode("ascii").splitlines()
    assert len(lines) == 2 and lines[1].startswith("aril,1,Aril,aril,"), lines
    assert all(len(line.split(",")) == 6 and line.split(",")[1].isdigit() for line in lines), lines
    dump = subprocess.run(["objdump", "-h", signed], check=True, stdout=subprocess.PIPE).stdout.decode()
    assert re.search(r"\.sbat\s.*\n\s+CONTENTS, ALLOC, LOAD, READONLY, DATA", dump), dump


@needs_tools
def test_unsigned_is_refused():
    firmware_refuses(os.path.join(BUILD, "BOOTX64.EFI"))


@needs_tools
def test_altered_loader_is_refused(signed, tmp_path):
    firmware_refuses(altered(signed, tmp_path / "a.efi", b"leaving firmware", 2))


@needs_tools
def test_altered_kernel_is_refused(signed, tmp_path):
    firmware_refuses(altered(signed, tmp_path / "a.efi", kernel_head(), 20000))


@needs_tools
def test_altered_root_is_refused(signed, tmp_path):
    # What the configuration says does not lift it.
    loader_refuses(signed, altered_root(tmp_path), r"root\.img: not the root image .* signed with", conf="verify = no\n")


@needs_tools
def test_kernel_signed_with_old_checksum_is_refused(key, tmp_path):
    broken = altered(os.path.join(BUILD, "BOOTX64.EFI"), tmp_path / "a.efi", kernel_head(), 20000)
    signed_anew = chain.signed(key, tmp_path, efi=broken)
    loader_refuses(signed_anew, os.path.join(BUILD, "root.img"), "embedded kernel: checksum")


@needs_tools
@pytest.mark.slow
def test_shim(key, tmp_path):
    """With the key in shim's list it boots. Without, or when the file is not signed, shim says so and nothing of Aril runs."""
    shape = hardware.Shape()
    before = chain.by_shim(shape)
    root = image.Source(str(tmp_path), False, "linux", [], ("mokutil",)).root
    r = hardware.boot(shape, ["sh", "-c", "hwinfo; mokutil --sb-state; mokutil --list-enrolled"], efi=lambda conf: chain.signed(key, tmp_path, root=root, conf=conf),
                      root=root, before=before)
    assert r.status == 0 and b"Secure Boot on" in r.out and "efi: Secure Boot: on" in r.log, r
    assert b"SecureBoot enabled" in r.out and b"[key 1]" in r.out, r
    for is_enrolled, loader in ((False, chain.signed(key, tmp_path / "other")), (True, None)):
        shape = hardware.Shape()
        before = chain.by_shim(shape, is_enrolled)
        text = hardware.watch(shape, "app = linux\n", r"Security Violation|^efi: ", 90, efi=loader, before=before)
        assert "Security Violation" in text and not re.search(r"^efi: ", text, re.M), text


@needs_tools
def test_root_with_additions_is_signed_again(signed, key, tmp_path):
    """What --add makes is another root image: refused, until the loader is signed with it."""
    tree, root, more = str(tmp_path / "tree"), str(tmp_path / "root.img"), tmp_path / "more"
    more.write_text("#!/bin/sh\necho added\n")
    more.chmod(0o755)
    image.call(["cp", "-a", os.path.join(BUILD, "roottree"), tree])
    image.add(tree, f"{more}:/bin/more-of-it")
    image.call([os.path.join(TOP, "esp", "mkroot"), tree, root])
    loader_refuses(signed, root, r"root\.img: not the root image")
    r = hardware.boot(SHAPE, ["more-of-it"], efi=lambda conf: chain.signed(key, tmp_path, root=root, conf=conf), root=root)
    assert r.status == 0 and r.out == b"added\n", r


def test_verify_without_secure_boot(tmp_path):
    """`verify = yes` asks for the same check on any machine."""
    shape = hardware.Shape()
    root = altered_root(tmp_path)
    loader_refuses(os.path.join(BUILD, "BOOTX64.EFI"), root, r"root\.img: not the root image .* built with", conf="verify = yes\n", shape=shape)
    r = hardware.boot(shape, ["true"], root=root)
    assert r.status == 0 and "efi: Secure Boot: off" in r.log, r


def test_sign_needs_its_arguments(tmp_path):
    """As `make sign` without KEY and CERT calls it."""
    done = subprocess.run([os.path.join(TOP, "esp", "sign"), "--efi", os.path.join(BUILD, "BOOTX64.EFI"), "--root", os.path.join(BUILD, "root.img"), "", "",
                           str(tmp_path / "signed")], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, check=False)
    assert done.returncode == 2 and b"usage: make sign KEY=" in done.stdout and not os.path.exists(tmp_path / "signed"), done.stdout

# SPDX-License-Identifier: MIT
"""Debian packages in the root tree: what is asked for runs, what cannot be had is said, what was fetched is not fetched again, nothing is installed here."""

import hashlib
import os
import subprocess

import pytest

from aril import guest, image

GETPACKAGES = os.path.join(guest.TOP, "esp", "getpackages")
NAMES = ["bash", "lua5.4"]


@pytest.fixture(scope="module")
def tree():
    try:
        return image.packages(NAMES)
    except image.Error as e:
        pytest.skip(f"packages cannot be fetched: {e}")


def get(*arguments, before=()):
    return subprocess.run([*before, GETPACKAGES, *arguments], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE, check=False)


def test_closure(tree):
    """What the packages depend on is there, usr-merged, with the links of update-alternatives."""
    with open(tree + ".list", encoding="ascii") as f:
        names = [line.split("_")[0] for line in f]
    assert {"bash", "lua5.4", "libc6", "libtinfo6"} <= set(names)
    assert os.readlink(os.path.join(tree, "lib64")) == "usr/lib64"
    assert os.path.exists(os.path.join(tree, "usr/lib/x86_64-linux-gnu/libc.so.6"))
    assert os.readlink(os.path.join(tree, "usr/bin/lua")) == "/usr/bin/lua5.4"
    assert not os.path.exists(os.path.join(tree, "usr/share/man"))


def test_cached(tree, tmp_path):
    """Packages that were fetched once are unpacked again without network."""
    done = get(str(tmp_path / "once"), *NAMES)
    assert done.returncode == 0, done.stderr
    done = get(str(tmp_path / "again"), *NAMES, before=["unshare", "-n", *([] if os.getuid() == 0 else ["-r"])])
    assert done.returncode == 0, done.stderr
    assert (tmp_path / "again" / "usr" / "bin" / "bash").exists()


def test_unknown(tree, tmp_path):
    done = get(str(tmp_path / "x"), "bash", "no-such-package-anywhere")
    assert done.returncode and b"Unable to locate package no-such-package-anywhere" in done.stderr
    assert not (tmp_path / "x").exists()
    done = get(str(tmp_path / "x"), "../bash")
    assert done.returncode and b"not a name of a package" in done.stderr
    refused = guest.run("true", options=["--with", "bash,no-such-package-anywhere"])
    assert refused.status == 125 and refused.err.startswith(b"aril: getpackages: Unable to locate package"), refused


def test_no_network(tree, tmp_path):
    """A package that was never fetched, on a machine without network."""
    if os.getuid():
        pytest.skip("only root can be without network here and keep apt's caches")
    done = subprocess.run(["unshare", "-n", GETPACKAGES, f"{tmp_path}/x", "figlet"], cwd=guest.TOP,
                          env=dict(os.environ, XDG_CACHE_HOME=str(tmp_path)), stdin=subprocess.DEVNULL, stderr=subprocess.PIPE, check=False)
    assert done.returncode and b"getpackages: Failed to fetch" in done.stderr, done.stderr
    assert not (tmp_path / "x").exists()


def test_runs(tree):
    """Programs and their interpreter come from the packages, /etc from the skeleton, the rest from busybox."""
    done = guest.run("bash", "-c", "a=(1 2 3); echo ${#a[@]} ${a[@]:1}; lua -e 'print(2^10)'; head -1 /etc/passwd; ls -d /bin/ls /aril/linux; exit 9", options=["--with", ",".join(NAMES)])
    assert (done.status, done.err) == (9, b""), done
    assert done.out == b"3 2 3\n1024.0\nroot:x:0:0:root:/root:/bin/sh\n/aril/linux\n/bin/ls\n", done


def test_image(tree):
    """`make image WITH=...` makes an image whose loader carries the hash of that root image; without WITH the plain one comes back."""
    top = os.path.join(guest.TOP, "build")

    def made(*options):
        subprocess.run(["make", "-s", "image", *options], cwd=guest.TOP, check=True, stdin=subprocess.DEVNULL)
        disk = os.path.join(top, "aril.img") + "@@1048576"
        return [subprocess.run(["mtype", "-i", disk, "::" + path], stdout=subprocess.PIPE, check=True).stdout for path in ("/EFI/BOOT/BOOTX64.EFI", "/aril/root.img")]
    efi, root = made("WITH=" + " ".join(NAMES))
    assert len(root) > 10 << 20 and hashlib.sha256(root).digest() in efi
    efi, root = made()
    assert len(root) < 10 << 20 and hashlib.sha256(root).digest() in efi

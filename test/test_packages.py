# SPDX-License-Identifier: MIT
"""Debian packages in the root tree: what is asked for runs, what cannot be had is said, what was fetched is not fetched again, nothing is installed here."""

import hashlib
import os
import runpy
import signal
import subprocess
import time

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


POSTINST = r"""#!/bin/sh
priority=17
base='/opt/tool'
when=$(date)
if [ "$1" = configure ]; then
	for i in one two; do
		for j in a b; do
			update-alternatives --install /usr/bin/$i$j $i $base/${i}-$j \
				$priority --slave /usr/share/$i.$j x $base/$when$j $slave
		done
	done
	update-alternatives --remove-all $i
fi
"""


def test_alternatives():
    """A postinst is read, not run: its loops, its plain variables; what only a command tells is empty."""
    lines_of = runpy.run_path(GETPACKAGES)["alternatives_lines"]
    lines = [line.split() for line in lines_of(POSTINST)]
    assert [line[2:6] for line in lines[:4]] == [[f"/usr/bin/{i}{j}", i, f"/opt/tool/{i}-{j}", "17"] for i in ("one", "two") for j in ("a", "b")]
    assert lines[3][6:] == ["--slave", "/usr/share/two.b", "x", "/opt/tool/b"]
    assert lines[4] == ["update-alternatives", "--remove-all"] and len(lines) == 5


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


FAKE_APT = """#!/bin/sh
case "$*" in
*--print-uris*) echo "'http://none/half_1_all.deb' half_1_all.deb 1 SHA256:0";;
*download*) cp "$HALF" half_1_all.deb; [ -z "$HALF_FETCHED" ] || { touch "$HALF_FETCHED"; sleep 60; };;
esac
"""


@pytest.fixture
def half(tmp_path):
    """getpackages with one package, `half`, which an apt of its own fetches from the path of $HALF: (folder, environment)."""
    (tmp_path / "bin").mkdir()
    for name, text in (("apt-get", FAKE_APT), ("apt-cache", "#!/bin/sh\n")):
        (tmp_path / "bin" / name).write_text(text, encoding="ascii")
        (tmp_path / "bin" / name).chmod(0o755)
    (tmp_path / "deb" / "DEBIAN").mkdir(parents=True)
    (tmp_path / "deb" / "DEBIAN" / "control").write_text("Package: half\nVersion: 1\nArchitecture: all\nMaintainer: n <n@x>\nDescription: d\n", encoding="ascii")
    (tmp_path / "deb" / "usr").mkdir()
    (tmp_path / "deb" / "usr" / "file").write_text("whole\n", encoding="ascii")
    subprocess.run(["dpkg-deb", "--root-owner-group", "-b", tmp_path / "deb", tmp_path / "good.deb"], check=True, stdout=subprocess.DEVNULL)
    (tmp_path / "bad.deb").write_bytes((tmp_path / "good.deb").read_bytes()[:-100])
    env = dict(os.environ, PATH=f"{tmp_path}/bin:{os.environ['PATH']}", XDG_CACHE_HOME=str(tmp_path / "cache"), HALF=str(tmp_path / "bad.deb"), HALF_FETCHED="")
    return tmp_path, env


def left_of(folder):
    return sorted(os.listdir(folder / "to")), sorted(os.listdir(folder / "cache" / "aril" / "archives"))


def test_half_a_package(half):
    """One that cannot be unpacked leaves nothing of the tree; with a whole one the tree is there."""
    folder, env = half
    done = subprocess.run([GETPACKAGES, folder / "to" / "x", "half"], env=env, stdin=subprocess.DEVNULL, stderr=subprocess.PIPE, check=False)
    assert done.returncode == 1 and done.stderr.startswith(b"getpackages: half_1_all.deb: cannot be unpacked") and done.stderr.count(b"\n") == 1, done
    assert left_of(folder) == ([], ["half_1_all.deb"])
    os.unlink(folder / "cache" / "aril" / "archives" / "half_1_all.deb")
    subprocess.run([GETPACKAGES, folder / "to" / "x", "half"], env=dict(env, HALF=str(folder / "good.deb")), stdin=subprocess.DEVNULL, check=True)
    assert left_of(folder) == (["x", "x.list"], ["half_1_all.deb"]) and (folder / "to" / "x" / "usr" / "file").read_text() == "whole\n"


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGKILL])
def test_ended_half_way(half, number):
    """Ended while it fetches: no half package is taken for a whole one later, and what a killed one leaves goes with the next."""
    folder, env = half
    (folder / "to").mkdir()
    there = folder / "there"
    with subprocess.Popen([GETPACKAGES, folder / "to" / "x", "half"], env=dict(env, HALF_FETCHED=str(there)), stdin=subprocess.DEVNULL, start_new_session=True) as process:
        end = time.monotonic() + 60
        while not there.exists() and time.monotonic() < end:
            time.sleep(0.02)
        assert there.exists()
        os.killpg(process.pid, number)
        assert process.wait(60) in (128 + number, -number)
    assert number == signal.SIGKILL or left_of(folder) == ([], [])
    (folder / "to" / f"x.{process.pid}.new").mkdir()
    subprocess.run([GETPACKAGES, folder / "to" / "x", "half"], env=dict(env, HALF=str(folder / "good.deb")), stdin=subprocess.DEVNULL, check=True)
    assert left_of(folder) == (["x", "x.list"], ["half_1_all.deb"])

# SPDX-License-Identifier: MIT
"""The homes that apps are linked in: lib/rt/apphome chooses by what an app is made of, and refuses what would lie on something else."""

import os
import shutil
import subprocess

import pytest

from aril import image, source

TOP = image.TOP
APPHOME = os.path.join(TOP, "lib", "rt", "apphome")
FIRST, EACH = 0x8000000000, 1 << 30
LINUX, KEPT, OTHERS, END = 1, 64, 512, 16384  # lib/base/homes.h


def apphome(*words):
    return subprocess.run([APPHOME, *map(str, words)], stdout=subprocess.PIPE, stderr=subprocess.PIPE, check=False)


def number(address):
    assert address % EACH == 0, hex(address)
    return (address - FIRST) // EACH


def test_range_and_hash(tmp_path):
    """The same bytes give the same home, wherever they lie; of a thousand others few do, and all are in the range that there is for their kind."""
    here, there = tmp_path / "a.o", tmp_path / "there"
    there.mkdir()
    for kind, first, end, most in (("linux", LINUX, KEPT, 8), ("app", OTHERS, END, 2)):
        homes = []
        for n in range(40):
            here.write_bytes(b"object %d" % n)
            homes.append(number(int(apphome(kind, here).stdout, 16)))
        shutil.copy(here, there / "b.o")
        assert number(int(apphome(kind, there / "b.o").stdout, 16)) == homes[-1]
        assert all(first <= home < end for home in homes) and max(map(homes.count, homes)) <= most, homes
    assert apphome("app", here).stdout != apphome("app", here, here).stdout
    assert apphome("linux", tmp_path / "none").returncode != 0


def app(folder, name, address, size=4096):
    """An app of one instruction that is linked there."""
    (folder / "a.s").write_text(f".globl _start\n_start: ud2\n.bss\n.space {size}\n")
    path = folder / name
    subprocess.run(["gcc", "-c", "-o", folder / "a.o", folder / "a.s"], check=True)
    subprocess.run(["ld", "-static", "-z", "max-page-size=4096", "--defsym", f"app_base={address:#x}", "-T", "lib/rt/app.ld", "-o", path, folder / "a.o"], cwd=TOP, check=True)
    return path


def test_refused(tmp_path):
    """One where families lie, one that leaves its home: a line each, and no tree is made of them. Two in one home are told. One in slot 0 and two that are alone on their machine are well."""
    one, two = app(tmp_path, "one", FIRST + 600 * EACH), app(tmp_path, "two", FIRST + 600 * EACH)
    other, low = app(tmp_path, "other", FIRST + 601 * EACH), app(tmp_path, "low", 0x400000)
    kept, wide = app(tmp_path, "kept", FIRST + 70 * EACH), app(tmp_path, "wide", FIRST + 603 * EACH - 4096, 65536)
    alone = app(tmp_path, "alone", FIRST), app(tmp_path, "alone2", FIRST)
    done = apphome("check", one, other, low, *alone)
    assert done.returncode == 0 and done.stderr == b"", done
    for apps, says, status in (((one, other, two), b"two: home 600 is that of one, too", 0), ((kept,), b"kept: home 70 is kept for the root image and for families", 1),
                               ((wide,), b"wide: it does not fit into home 602", 1)):
        done = apphome("check", *apps)
        assert done.returncode == status and done.stderr.count(b"\n") == 1 and says in done.stderr, done
    tools = tmp_path / "tools"
    tools.mkdir()
    (tools / "program").write_text("")
    build = os.path.join(TOP, "build")
    done = subprocess.run(["esp/mktree", tmp_path / "tree", "esp/root", f"{build}/pkg/bin/busybox", f"{build}/pkg-zones/usr/share/zoneinfo", tools, one, kept], cwd=TOP,
                          stderr=subprocess.PIPE, check=False)
    assert done.returncode != 0 and b"kept: home 70 is kept" in done.stderr and not os.path.exists(tmp_path / "tree"), done


@pytest.mark.parametrize("name,kind", (("linux", "linux"), ("slowfs", "linux"), ("edf", "app"), ("kv", "app"), ("mini", "app")))
def test_built(name, kind):
    """What make built lies in a home of that range, and not where everybody did before: a fixed one."""
    first, end = (LINUX, KEPT) if kind == "linux" else (OTHERS, END)
    assert first <= number(source.home(os.path.join(image.build_folder(False), "apps", name))) < end


def test_by_content(tmp_path):
    """Relinked with other objects, it gets another home: here, of 20 Linux libraries that differ by a byte of their archive, not all the same."""
    build = image.build_folder(False)
    files = [os.path.join(build, "posix.o"), os.path.join(build, "librt.a"), os.path.join(TOP, "lib/rt/app.ld"), os.path.join(TOP, "apps/linux/app.ld")]
    assert int(apphome("linux", *files).stdout, 16) == source.home(os.path.join(build, "apps", "linux"))
    homes = set()
    for n in range(20):
        (tmp_path / "x.o").write_bytes(bytes([n]))
        homes.add(apphome("linux", *files, tmp_path / "x.o").stdout)
    assert len(homes) > 5

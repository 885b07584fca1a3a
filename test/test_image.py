# SPDX-License-Identifier: MIT
"""The image: reproducible, with Debian's own busybox in it; and rules about the sources that no compiler checks."""

import glob
import hashlib
import os
import re
import shutil
import subprocess
import tempfile

import pytest

from aril import cache, guest, image

TOP = image.TOP
KERNEL_LINES = 5160  # 4,750, 350 for PCI functions and their messages, and 60 for opened homes; of C and assembly with the kernel's own headers, without those of the ABI; the aim is about 4,000 (kernel/README.md, "Size")


def sources(to):
    """The tree without build/ and .git, with the downloaded packages linked in."""
    os.makedirs(to)
    for name in os.listdir(TOP):
        if name not in ("build", ".git"):
            call = shutil.copytree if os.path.isdir(os.path.join(TOP, name)) else shutil.copy2
            call(os.path.join(TOP, name), os.path.join(to, name))
    os.makedirs(os.path.join(to, "build"))
    shutil.copytree(os.path.join(TOP, "build", "pkg"), os.path.join(to, "build", "pkg"), symlinks=True)


def digest(path):
    with open(path, "rb") as f:
        return hashlib.sha256(f.read()).hexdigest()


@pytest.mark.slow
def test_two_builds_are_identical():
    """Other folder, other length of its name, other order of jobs, other times, other umask: the same image."""
    env = {k: v for k, v in os.environ.items() if k not in ("MAKEFLAGS", "MFLAGS", "MAKELEVEL", "DEBUG", "CMD", "V")}
    with tempfile.TemporaryDirectory() as folder:
        sums = []
        for name, jobs, mask in (("a", "-j1", "022"), ("another-and-longer", "-j3", "027")):
            to = os.path.join(folder, name)
            sources(to)
            done = subprocess.run(["sh", "-c", f"umask {mask}; exec make -s {jobs} image"], cwd=to, env=env, check=False, stdout=subprocess.PIPE,
                                  stderr=subprocess.STDOUT)
            assert done.returncode == 0, done.stdout.decode("utf-8", "replace")[-2000:]
            sums.append(digest(os.path.join(to, "build", "aril.img")))
    assert sums[0] == sums[1]


def test_busybox_is_the_package(tmp_path):
    with open(os.path.join(TOP, "build", "pkg.list"), encoding="ascii") as f:
        name = f.read().strip().replace(":", "%3a")
    # The archive that the build unpacked may have left the cache since.
    subprocess.run([os.path.join(TOP, "esp", "getpackages"), "--alone", str(tmp_path / "again"), "busybox-static"], stdin=subprocess.DEVNULL, check=True)
    package = cache.path("archives", f"{name}.deb")
    tar = subprocess.run(["dpkg-deb", "--fsys-tarfile", package], stdout=subprocess.PIPE, check=True).stdout
    want = hashlib.sha256(subprocess.run(["tar", "xO", "./bin/busybox"], input=tar, stdout=subprocess.PIPE, check=True).stdout).hexdigest()
    r = guest.run("sha256sum", "/bin/busybox")
    assert r.status == 0 and r.out.split()[0].decode() == want, r


def c_files(*folders):
    for folder in folders:
        folder = os.path.join(TOP, folder)
        for path in [folder, *glob.glob(os.path.join(folder, "**", "*"), recursive=True)]:
            if path.endswith((".c", ".h", ".S", ".def")):
                yield os.path.relpath(path, TOP)


def includes(path):
    with open(os.path.join(TOP, path), encoding="utf-8") as f:
        return re.findall(r'^\s*#\s*include\s+([<"][^>"]+[>"])', f.read(), re.M)


# The rooms of the Linux library OS.
LINUX_OS = r"<((posix|load|tty|fs|vm|run|family|dev|rt|exo|base)/.*|std\w+\.h|(linux|asm|asm-generic)/.*)>"
# Folder or file: what it may include beside private headers of their own folder.
RULES = {
    "efi": r"<(efi\w*\.h|exo/.*|base/.*|std\w+\.h)>",
    "kernel": r"<(exo/.*|base/.*|std\w+\.h|qrcodegen/qrcodegen\.h)>",
    "lib/base": r"<(base/.*|std\w+\.h|limits\.h|elf\.h)>",
    "lib/rt": r"<(rt/.*|exo/.*|base/.*|std\w+\.h)>",
    **{f"lib/{room}": LINUX_OS for room in ("family", "run", "vm", "fs", "tty", "load", "dev", "posix")},
    "lib/vm/swap_store.c": LINUX_OS.replace("<(", r"<(lz4\.h|", 1),
    "apps/linux": LINUX_OS,
    "apps/edf": r"<((vm|run|family|rt|exo|base)/.*|std\w+\.h)>",
    "apps/lab": r"<(lab\d\.h|check\.h|(rt|exo|base)/.*|std\w+\.h)>",
    "apps/lab/5/client.c": r"<(kv/client\.h|lab5\.h|(signal|stdio|stdlib|sys/mman|sys/wait)\.h)>",  # a program of Linux's
    "apps/kv": r"<((rt|exo|base)/.*|std\w+\.h)>",
    "apps/kv/client.h": r"<(fs/box\.h|rt/gate\.h|(errno|fcntl|string|unistd|sys/ioctl)\.h)>",  # for programs of Linux's
    "apps": r"<(rt/.*|exo/.*|base/.*|std\w+\.h)>",
}


# The binding core on the host, under sanitizers: not what boots.
HOST_ONLY = [("kernel/cpu.h", "<string.h>")]


def test_include_rules():
    wrong = []
    seen = set()
    for folder in sorted(RULES, key=len, reverse=True):
        for path in c_files(folder):
            if path in seen:
                continue
            seen.add(path)
            for name in includes(path):
                if name.startswith('"'):
                    private = os.path.normpath(os.path.join(os.path.dirname(path), name[1:-1]))
                    if "/" in name or not (os.path.exists(os.path.join(TOP, private)) or name.endswith('.def"') or name.startswith('"ksyms')):
                        wrong.append(f"{path}: {name}")
                elif not re.fullmatch(RULES[folder], name) and (path, name) not in HOST_ONLY:
                    wrong.append(f"{path}: {name}")
    assert len(seen) > 50 and not wrong, wrong


def test_compile_flags():
    """lib, apps and efi never see the kernel's private headers."""
    with open(os.path.join(TOP, "Makefile"), encoding="utf-8") as f:
        assert not re.search(r"-Ikernel(?!/include)", f.read())


def test_one_place_loads_cr3():
    places = []
    for path in c_files("kernel"):
        with open(os.path.join(TOP, path), encoding="utf-8") as f:
            places += [path] * len(re.findall(r"mov\w*\s+%[\w\[\]]+,\s*%%?cr3", f.read()))
    assert len(places) == 1, places


def code_lines(paths):
    count = 0
    for path in paths:
        with open(os.path.join(TOP, path), encoding="utf-8") as f:
            text = re.sub(r"/\*.*?\*/", "", f.read(), flags=re.S)
        count += sum(1 for line in text.split("\n") if line.strip() and not line.strip().startswith("//"))
    return count


def ring0_others():
    """What is linked into ring 0 from elsewhere: lib/base by lines, the made font and the library by bytes."""
    with open(os.path.join(TOP, "Makefile"), encoding="utf-8") as f:
        names = re.search(r"kernel/lib/base/%.c.o,([\w ]+)\)", f.read()).group(1).split()
    lines = code_lines(f"lib/base/{name}.c" for name in names)
    built = os.path.join(TOP, "build", "kernel")
    sizes = subprocess.run(["size", os.path.join(built, "build", "font.c.o"), "/usr/lib/x86_64-linux-gnu/libqrcodegen.a"], check=True, stdout=subprocess.PIPE)
    font, code = (int(row.split()[0]) for row in sizes.stdout.decode().splitlines()[1:])
    return f"from elsewhere: {lines} lines of lib/base, {code} bytes of libqrcodegen, a font of {font} bytes"


def test_kernel_size():
    files = [path for path in c_files("kernel") if path != "kernel/rule.def"]  # prose
    abi = [path for path in files if path.startswith("kernel/include/")]
    count, all_lines = code_lines(path for path in files if path not in abi), 0
    for path in files:
        with open(os.path.join(TOP, path), encoding="utf-8") as f:
            all_lines += len(f.readlines())
    private = code_lines(path for path in files if path not in abi and path.endswith(".h"))
    print(f"kernel: {count} lines of code ({count - private} without its private headers), {code_lines(abi)} of ABI headers, {all_lines} in all with comments; {ring0_others()}")
    assert count <= KERNEL_LINES
    with open(os.path.join(TOP, "kernel/include/exo/gate.def"), encoding="utf-8") as f:
        assert 0 < len(re.findall(r"^GATE\(", f.read(), re.M)) <= 24


def test_every_file_has_a_licence_line():
    wrong = []
    for path in list(c_files("efi", "kernel", "lib", "apps", "test")):
        with open(os.path.join(TOP, path), encoding="utf-8") as f:
            if "SPDX-License-Identifier: MIT" not in f.readline():
                wrong.append(path)
    assert not wrong


def test_no_machine_paths():
    """No absolute path of the builder's machine in what is built or written."""
    with open(os.path.join(TOP, "build", "BOOTX64.EFI"), "rb") as f:
        assert TOP.encode() not in f.read()
    for app in glob.glob(os.path.join(TOP, "build", "roottree", "aril", "*")):
        with open(app, "rb") as f:
            assert TOP.encode() not in f.read(), app

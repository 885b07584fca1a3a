# SPDX-License-Identifier: MIT
"""Owns what a run boots from: the root tree with --with and --add merged in, and the disk image around it. All private to one run, but for unpacked packages."""

import hashlib
import os
import subprocess

TOP = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))


class Error(Exception):
    """The image cannot be made; the message names the file and what to do."""


def build_folder(debug):
    return os.path.join(TOP, "build", "debug") if debug else os.path.join(TOP, "build")


def tree_path(tree, guest):
    """Where the guest's absolute path lies in the tree. Links are followed inside the tree, never out into the host; missing folders are made."""
    todo = [part for part in guest.split("/") if part not in ("", ".")]
    done = []
    links = 0
    while todo:
        part = todo.pop(0)
        if part == "..":
            done = done[:-1]
            continue
        here = os.path.join(tree, *done, part)
        if todo and os.path.islink(here):
            links += 1
            if links > 40:
                raise Error(f"--add: {guest}: too many symbolic links in the root tree")
            target = os.readlink(here)
            if target.startswith("/"):
                done = []
            todo = [p for p in target.split("/") if p not in ("", ".")] + todo
            continue
        done.append(part)
        if todo and not os.path.isdir(here):
            if os.path.lexists(here):
                raise Error(f"--add: {guest}: {'/'.join(done)} is not a folder")
            os.mkdir(here, 0o755)
    return os.path.join(tree, *done)


def add(tree, pair):
    """HOST:GUEST. A file becomes GUEST; a folder's content goes below GUEST. Modes, times and links are kept."""
    host, colon, guest = pair.rpartition(":")
    if not colon or not host or not guest.startswith("/"):
        raise Error(f"--add {pair}: not HOST:GUEST with an absolute GUEST path")
    if not os.path.lexists(host):
        raise Error(f"--add {pair}: {host} does not exist")
    if os.path.isdir(host) and not os.path.islink(host):
        to = tree_path(tree, guest + "/.")
        os.makedirs(to, exist_ok=True)
        command = ["cp", "-a", "--remove-destination", host.rstrip("/") + "/.", to + "/"]
    else:
        command = ["cp", "-a", "-T", "--remove-destination", host, tree_path(tree, guest)]
    call(command)


def call(command):
    done = subprocess.run(command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, check=False)
    if done.returncode:
        text = done.stdout.decode("utf-8", "replace").strip()
        name = os.path.basename(command[0]) + ": "
        raise Error(f"{'' if text.startswith(name) else name}{text or 'status %d' % done.returncode}")


def packages(names):
    """The unpacked tree of these Debian packages with their dependencies, in build/pkg-with; fetched the first time."""
    names = sorted(set(names))
    name = "+".join(names)
    if len(name) > 100:
        name = hashlib.sha256(name.encode()).hexdigest()[:16]
    tree = os.path.join(TOP, "build", "pkg-with", name)
    call([os.path.join(TOP, "esp", "getpackages"), tree, *names])
    return tree


def root_choose(build, app):
    """Root image and its tree: those of the suite for an app that only they carry."""
    if not os.path.exists(os.path.join(build, "roottree", "aril", app)) and os.path.exists(os.path.join(build, "roottree-test", "aril", app)):
        return os.path.join(build, "root-test.img"), os.path.join(build, "roottree-test")
    return os.path.join(build, "root.img"), os.path.join(build, "roottree")


def tree_make(tree, base, adds, names):
    """A copy of the root tree `base` with packages and added files merged in."""
    call(["cp", "-a", base, tree])
    if names:
        call([os.path.join(TOP, "esp", "addpackages"), tree, packages(names), os.path.join(TOP, "esp", "root")])
    for pair in adds:
        add(tree, pair)


def make(folder, debug, app, adds, conf, names=()):
    """Makes the disk image in the run's own folder; conf: text of aril.conf, or None for an image without one; names: of Debian packages. Returns its path."""
    build = build_folder(debug)
    efi = os.path.join(build, "BOOTX64.EFI")
    root, base = root_choose(build, app)
    for need in (efi, root):
        if not os.path.exists(need):
            raise Error(f"{os.path.relpath(need, TOP)} is missing: run `make {'DEBUG=1 ' if debug else ''}all` first")
    if adds or names:
        tree = os.path.join(folder, "tree")
        tree_make(tree, base, adds, names)
        root = os.path.join(folder, "root.img")
        call([os.path.join(TOP, "esp", "mkroot"), tree, root])
    disk = os.path.join(folder, "disk.img")
    command = [os.path.join(TOP, "esp", "mkimage"), "--efi", efi, "--root", root]
    if conf is not None:
        path = os.path.join(folder, "aril.conf")
        with open(path, "w", encoding="ascii") as f:
            f.write(conf)
        command += ["--conf", path]
    call(command + [disk])
    return disk

# SPDX-License-Identifier: MIT
"""Other people's boot programs in front of the loader, as Debian packages them: each starts it from its own menu or script, to a command that runs."""

import os
import re
import shutil

import pytest

from aril import hardware, image, log

pytestmark = pytest.mark.slow
OPTIONS = "arg=echo arg=by-options"


def installed(disk, manager, files):
    """The loader moves to \\EFI\\aril; the manager takes the removable-media path, with its files (path to text)."""
    folder = os.path.dirname(disk)
    efi = os.path.join(folder, "loader.efi")
    hardware.mtools(disk, "mcopy", "::/EFI/BOOT/BOOTX64.EFI", efi)
    hardware.mtools(disk, "mdel", "::/EFI/BOOT/BOOTX64.EFI")
    hardware.mtools(disk, "mmd", "::/EFI/aril")
    hardware.mtools(disk, "mcopy", efi, "::/EFI/aril/aril.efi")
    if manager:
        hardware.mtools(disk, "mcopy", manager, "::/EFI/BOOT/BOOTX64.EFI")
    made = {"/EFI", "/EFI/BOOT", "/EFI/aril"}
    for path, text in files.items():
        parts = path.split("/")[1:-1]
        for name in ("/" + "/".join(parts[:i + 1]) for i in range(len(parts))):
            if name not in made:
                hardware.mtools(disk, "mmd", "::" + name)
                made.add(name)
        own = os.path.join(folder, "text")
        with open(own, "w", encoding="ascii") as f:
            f.write(text)
        hardware.mtools(disk, "mcopy", own, "::" + path)


MANAGERS = {
    "systemd-boot": ("systemd-boot-efi", "usr/lib/systemd/boot/efi/systemd-bootx64.efi", {
        "/loader/loader.conf": "timeout 0\ndefault aril.conf\n",
        "/loader/entries/aril.conf": f"title Aril\nefi /EFI/aril/aril.efi\noptions {OPTIONS}\n"}),
    "grub": ("grub-efi-amd64-bin", "usr/lib/grub/x86_64-efi/monolithic/grubx64.efi", {
        "/EFI/debian/grub.cfg": f"chainloader /EFI/aril/aril.efi {OPTIONS}\nboot\n"}),
    "refind": ("refind", "usr/share/refind/refind/refind_x64.efi", {
        "/EFI/BOOT/refind.conf": "timeout -1\ntextonly true\nscanfor manual\ndefault_selection Aril\n"
                                 f'menuentry "Aril" {{\n\tloader /EFI/aril/aril.efi\n\toptions "{OPTIONS}"\n}}\n'}),
}


@pytest.mark.parametrize("name", MANAGERS)
def test_chain(name):
    """With the words of its own entry as load options."""
    package, path, files = MANAGERS[name]
    r = hardware.boot(hardware.Shape(), ["echo", "by conf"], before=lambda disk: installed(disk, hardware.packaged(package, path), files))
    assert r.status == 0 and r.out == b"by-options\n", r


def test_ipxe(tmp_path):
    """Over the network: iPXE fetches the loader and, under the names that it will look for, what stands in \\aril."""
    served = os.path.join(tmp_path, "tftp")
    os.mkdir(served)
    shutil.copy(os.path.join(image.build_folder(False), "BOOTX64.EFI"), served)
    shutil.copy(os.path.join(image.build_folder(False), "root.img"), served)
    with open(os.path.join(served, "aril.ipxe"), "w", encoding="ascii") as f:
        f.write("#!ipxe\nimgfetch --name aril\\root.img tftp://${next-server}/root.img\nimgfetch --name aril\\aril.conf tftp://${next-server}/aril.conf\n"
                "chain tftp://${next-server}/BOOTX64.EFI\n")

    def before(disk):
        hardware.mtools(disk, "mcopy", "::/aril/aril.conf", os.path.join(served, "aril.conf"))
        installed(disk, hardware.packaged("ipxe", "boot/ipxe.efi"), {})
        hardware.mtools(disk, "mdel", "::/EFI/aril/aril.efi", "::/aril/root.img", "::/aril/aril.conf")
    network = ("-netdev", f"user,id=net,tftp={served},bootfile=aril.ipxe", "-device", "virtio-net-pci,netdev=net,romfile=")
    r = hardware.boot(hardware.Shape(more=network), ["echo", "by net"], before=before)
    assert r.status == 0 and r.out == b"by net\n", r


def test_plain_pxe(tmp_path):
    """The firmware's own network boot gives the loader no file system: it says so, and what helps."""
    served = os.path.join(tmp_path, "tftp")
    os.mkdir(served)
    shutil.copy(os.path.join(image.build_folder(False), "BOOTX64.EFI"), served)
    network = ("-netdev", f"user,id=net,tftp={served},bootfile=BOOTX64.EFI", "-device", "virtio-net-pci,netdev=net,romfile=")
    text = hardware.watch(hardware.Shape(more=network), "app = linux\n", r"efi: stopped", 120,
                          before=lambda disk: hardware.mtools(disk, "mdel", "::/EFI/BOOT/BOOTX64.EFI"))
    assert re.search(r"efi: stopped: .*over the network by iPXE", text), text


@pytest.mark.parametrize("machine,disk", [("pc", "ahci"), ("q35", "virtio")])
def test_u_boot(machine, disk):
    """A firmware that is not EDK II: it has no PciIo protocol and no graphics output, and replaces ResetSystem at the exit. The load options that it gives are Linux's."""
    rom = hardware.packaged("u-boot-qemu", "usr/lib/u-boot/qemu-x86_64/u-boot.rom")
    shape = hardware.Shape(firmware="bios", disk=disk, machine=machine, com2=False, keyboard=False, parts=("qemu-xhci", "usb-kbd"), more=("-bios", rom))
    with hardware.running(shape, "app = linux\n") as run:
        hardware.log_wait(run, r"0627:0001 a keyboard$", 60)
        for key in (*"hwinfo", "semicolon", "spc", *"poweroff", "ret"):
            run.monitor(f"sendkey {key}")
        assert run.wait(30), run.log_text()
        text = log.clean(run.log_text())
    # Who is told of no device looks for itself: each is listed, may not write memory any more, and has its driver.
    for line in (r"^efi: screen: none", r"^efi: PCI: .* no PciIo protocol; \d functions are found by ports$", r"^efi: PCI: [1-9] of \d functions have been stopped",
                 r"nobody reads the key `root`", r"^firmware:  Das U-Boot, ", r"^  ..:..\..  1234:1111  030000 VGA$", r"^  ..:..\..  1b36:000d  0c0330 USB, xHCI$",
                 r"^USB:  +..:..\.. xHCI, driven, ", r"^kernel: power off, exit status 0$"):
        assert re.search(line, text, re.M), (line, text)
    assert "ResetSystem" not in text and "panic" not in text, text

# SPDX-License-Identifier: MIT
"""Owns other people's programs that boot the loader, from Debian's packages, which are unpacked and not installed:
boot managers, iPXE, shim, and U-Boot as a firmware."""

import base64
import os
import shutil
import subprocess
from typing import Callable, Dict, Tuple

from . import hardware, image, nvram

KEY, CERT = "/usr/share/ovmf/PkKek-1-snakeoil.key", "/usr/share/ovmf/PkKek-1-snakeoil.pem"
Before = Callable[[str], None]  # what is done to a disk before it boots

# Name: package, program, and its files, with {options} for the loader.
MANAGERS: Dict[str, Tuple[str, str, Dict[str, str]]] = {
    "systemd-boot": ("systemd-boot-efi", "usr/lib/systemd/boot/efi/systemd-bootx64.efi", {
        "/loader/loader.conf": "timeout 0\ndefault aril.conf\n",
        "/loader/entries/aril.conf": "title Aril\nefi /EFI/aril/aril.efi\noptions {options}\n"}),
    "grub": ("grub-efi-amd64-bin", "usr/lib/grub/x86_64-efi/monolithic/grubx64.efi", {
        "/EFI/debian/grub.cfg": "chainloader /EFI/aril/aril.efi {options}\nboot\n"}),
    "refind": ("refind", "usr/share/refind/refind/refind_x64.efi", {
        "/EFI/BOOT/refind.conf": "timeout -1\ntextonly true\nscanfor manual\ndefault_selection Aril\n"
                                 "menuentry \"Aril\" {{\n\tloader /EFI/aril/aril.efi\n\toptions \"{options}\"\n}}\n"}),
}
IPXE = """#!ipxe
imgfetch --name aril\\root.img tftp://${next-server}/root.img
imgfetch --name aril\\aril.conf tftp://${next-server}/aril.conf
chain tftp://${next-server}/BOOTX64.EFI
"""


def installed(disk: str, manager: str, files: Dict[str, str]) -> None:
    """The loader moves to \\EFI\\aril; the manager takes the removable-media path, with its files (path to text)."""
    folder = os.path.dirname(disk)
    efi = os.path.join(folder, "loader.efi")
    hardware.mtools(disk, "mcopy", "::/EFI/BOOT/BOOTX64.EFI", efi)
    hardware.mtools(disk, "mdel", "::/EFI/BOOT/BOOTX64.EFI")
    hardware.mtools(disk, "mmd", "::/EFI/aril")
    hardware.mtools(disk, "mcopy", efi, "::/EFI/aril/aril.efi")
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


def managed(name: str, options: str) -> Before:
    """By that manager, whose entry has these options."""
    package, path, files = MANAGERS[name]
    program = hardware.packaged(package, path)
    texts = {at: text.format(options=options) for at, text in files.items()}
    return lambda disk: installed(disk, program, texts)


def by_ipxe(shape: hardware.Shape, folder: str) -> Before:
    """iPXE on the disk fetches loader, root image and aril.conf over the network, from folder; the disk has none."""
    program = hardware.packaged("ipxe", "boot/ipxe.efi")
    for name in ("BOOTX64.EFI", "root.img"):
        shutil.copy(os.path.join(image.build_folder(False), name), folder)
    with open(os.path.join(folder, "aril.ipxe"), "w", encoding="ascii") as f:
        f.write(IPXE)
    shape.more = (*shape.more, "-netdev", f"user,id=net,tftp={folder},bootfile=aril.ipxe",
                  "-device", "virtio-net-pci,netdev=net,romfile=")

    def before(disk: str) -> None:
        hardware.mtools(disk, "mcopy", "::/aril/aril.conf", os.path.join(folder, "aril.conf"))
        installed(disk, program, {})
        hardware.mtools(disk, "mdel", "::/EFI/aril/aril.efi", "::/aril/root.img", "::/aril/aril.conf")
    return before


def by_u_boot(shape: hardware.Shape) -> None:
    """U-Boot's UEFI is the firmware, on a machine without an i8042."""
    rom = hardware.packaged("u-boot-qemu", "usr/lib/u-boot/qemu-x86_64/u-boot.rom")
    shape.firmware = "bios"
    shape.keyboard = False
    if shape.disk != "usb":
        shape.parts = (*shape.parts, "qemu-xhci")
    shape.parts = (*shape.parts, "usb-kbd")
    shape.more = (*shape.more, "-bios", rom)


def signing_key(folder: str) -> str:
    """The snakeoil key without its pass phrase, in folder."""
    plain = os.path.join(folder, "key.pem")
    subprocess.run(["openssl", "rsa", "-in", KEY, "-passin", "pass:snakeoil", "-out", plain], check=True,
                   stderr=subprocess.PIPE)
    return plain


def signed(key: str, folder: str, efi: str = "", root: str = "", conf: str = "") -> str:
    """esp/sign as `make sign` calls it; conf is the configuration that it seals. The signed loader."""
    build = os.path.join(image.TOP, "build")
    out = os.path.join(str(folder), "signed")
    subprocess.run([os.path.join(image.TOP, "esp", "sign"), "--efi", efi or os.path.join(build, "BOOTX64.EFI"),
                    "--root", root or os.path.join(build, "root.img"), *(["--conf", conf] if conf else []), key, CERT, out],
                   check=True, stderr=subprocess.PIPE)
    return os.path.join(out, "BOOTX64.EFI")


def by_shim(shape: hardware.Shape, is_enrolled: bool = True) -> Before:
    """Debian's shim, which Microsoft has signed, on a firmware that knows Microsoft's keys alone; Aril is its second
    stage, and its key in shim's list or not."""
    shim = hardware.packaged("shim-signed", "usr/lib/shim/shimx64.efi.signed")
    shape.firmware = "ms"

    def before(disk: str) -> None:
        folder = os.path.dirname(disk)
        hardware.mtools(disk, "mcopy", "::/EFI/BOOT/BOOTX64.EFI", os.path.join(folder, "aril.efi"))
        hardware.mtools(disk, "mcopy", os.path.join(folder, "aril.efi"), "::/EFI/BOOT/grubx64.efi")
        hardware.mtools(disk, "mcopy", "-o", shim, "::/EFI/BOOT/BOOTX64.EFI")
        shape.arguments(folder)
        if is_enrolled:
            with open(CERT, encoding="ascii") as f:
                der = base64.b64decode("".join(f.read().split("-----")[2].split()))
            nvram.key_enrol(os.path.join(folder, "vars.fd"), der)
    return before

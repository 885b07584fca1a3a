# SPDX-License-Identifier: MIT
"""Other people's boot programs in front of the loader, as Debian packages them: each starts it from its own menu or script, to a command that runs."""

import os
import re
import shutil

import pytest

from aril import chain, hardware, image, log

pytestmark = pytest.mark.slow
OPTIONS = "arg=echo arg=by-options"


@pytest.mark.parametrize("name", chain.MANAGERS)
def test_chain(name):
    """With the words of its own entry as load options."""
    r = hardware.boot(hardware.Shape(), ["echo", "by conf"], before=chain.managed(name, OPTIONS))
    assert r.status == 0 and r.out == b"by-options\n", r


def test_ipxe(tmp_path):
    """Over the network: iPXE fetches the loader and, under the names that it will look for, what stands in \\aril."""
    shape = hardware.Shape()
    r = hardware.boot(shape, ["echo", "by net"], before=chain.by_ipxe(shape, str(tmp_path)))
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
    shape = hardware.Shape(disk=disk, machine=machine, com2=False)
    chain.by_u_boot(shape)
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

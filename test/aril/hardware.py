# SPDX-License-Identifier: MIT
"""Owns machines of other shapes than `test/machine run` makes: disk on another bus, other firmware, other ways to start, parts missing.
Boots one command with its streams and status."""

import contextlib
import dataclasses
import os
import re
import subprocess
import tempfile
import time

from . import conf, firmware, image, log, nvram, qemu, session

OVMF = "/usr/share/OVMF"
# Code, variables ("bios" is QEMU's own, SeaBIOS, without any); the code of the last three needs SMM. "secure" lets only what is signed with the snakeoil key
# run, "ms" what Microsoft has signed, as PCs that are sold do.
FIRMWARE = {
    "2M": ("OVMF_CODE.fd", "OVMF_VARS.fd"),
    "4M": ("OVMF_CODE_4M.fd", "OVMF_VARS_4M.fd"),
    "secure": ("OVMF_CODE_4M.secboot.fd", "OVMF_VARS_4M.snakeoil.fd"),
    "ms": ("OVMF_CODE_4M.secboot.fd", "OVMF_VARS_4M.ms.fd"),
    "ia32": ("OVMF32_CODE_4M.secboot.fd", "OVMF32_VARS_4M.fd"), # package ovmf-ia32; it needs SMM too
}
SMM = ("secure", "ms", "ia32")
DISK = {
    "virtio": ["-device", "virtio-blk-pci,drive=disk{blocks}"],
    "usb": ["-device", "qemu-xhci", "-device", "usb-storage,drive=disk{blocks}"],
    "ahci": ["-device", "ich9-ahci,id=sata", "-device", "ide-hd,drive=disk,bus=sata.0{blocks}"],
    "cd": ["-device", "ich9-ahci,id=sata", "-device", "ide-cd,drive=disk,bus=sata.0"],
    "nvme": ["-device", "nvme,serial=aril,drive=disk{blocks}"],
}
# How the loader is started: by its removable-media path; by a UEFI shell; by a boot entry; by the EFI app of that name in test/efi.
STARTS = ("default", "shell", "nvram", "la57", "stale", "noreset", "odd")
LOADER = "\\EFI\\aril\\aril.efi"


@dataclasses.dataclass
class Shape:
    disk: str = "virtio"
    firmware: str = "2M"
    mem: str = "1G"
    machine: str = "q35"
    cpus: int = 1
    cpu: str = "max"
    start: str = "default"
    sector: int = 512
    com1: bool = True
    com2: bool = True
    screen: bool = True
    keyboard: bool = True
    parts: tuple = ()  # settings of the machine (`hpet=off`), and intel-iommu
    more: tuple = ()

    def machine_option(self):
        settings = [self.machine, *(part for part in self.parts if "=" in part)]
        return ",".join(settings + ["smm=on"] * (self.firmware in SMM) + ["i8042=off"] * (not self.keyboard))

    def arguments(self, folder):
        line = ["-machine", self.machine_option(), "-cpu", self.cpu, "-smp", str(self.cpus), "-m", self.mem]
        copy = os.path.join(folder, "vars.fd")
        blocks = "" if self.sector == 512 else f",logical_block_size={self.sector},physical_block_size={self.sector}"
        if self.firmware in FIRMWARE:
            code, store = (os.path.join(OVMF, name) for name in FIRMWARE[self.firmware])
            if not os.path.exists(copy):
                with open(store, "rb") as source, open(copy, "wb") as to:
                    to.write(source.read())
            line += ["-drive", f"if=pflash,format=raw,unit=0,readonly=on,file={code}", "-drive", f"if=pflash,format=raw,unit=1,file={copy}"]
        line += [word.format(blocks=blocks) for word in DISK[self.disk]]
        for device in (part for part in self.parts if "=" not in part):
            line += ["-device", device]
        if self.firmware in SMM:
            line += ["-global", "driver=cfi.pflash01,property=secure,value=on"]
        more = [word.replace("%(channel)s", os.path.join(folder, "com2")) for word in self.more]
        return line + ([] if self.screen else ["-vga", "none"]) + more


class Machine(qemu.Machine):
    """One QEMU of that shape."""

    def __init__(self, folder, disk, log_path, shape):
        self.folder = folder
        self.log = log_path
        self.monitor_path = os.path.join(folder, "monitor")
        self.channel = qemu.Fifos(os.path.join(folder, "com2"))
        command = [qemu.binary(), "-name", "aril", "-accel", "tcg,thread=single", "-net", "none", "-no-reboot", "-display", "none", "-nodefaults",
                   *(["-vga", "std"] if shape.screen else []), *shape.arguments(folder), "-drive", f"if=none,id=disk,format=raw,file={disk}",
                   "-monitor", f"unix:{self.monitor_path},server=on,wait=off"]
        if shape.com1:
            command += ["-chardev", f"file,id=com1,path={log_path}", "-device", "isa-serial,index=0,chardev=com1"]
        if shape.com2:
            command += ["-chardev", f"pipe,id=com2,path={self.channel.path}", "-device", "isa-serial,index=1,chardev=com2"]
        with open(log_path, "wb"):
            pass
        self.errors = open(os.path.join(folder, "qemu.err"), "w+b")
        self.is_saved = firmware.start(self, command, disk)


def packaged(name, path):
    """A file of a Debian package, which is unpacked and not installed."""
    folder = os.path.join(image.TOP, "build", "pkg-boot", name)
    image.call([os.path.join(image.TOP, "esp", "getpackages"), "--alone", folder, name])
    return os.path.join(folder, path)


def mtools(disk, *command):
    """mtools on the image's first partition, which begins at 1 MiB."""
    env = dict(os.environ, MTOOLS_SKIP_CHECK="1", MTOOLSRC=os.devnull)
    subprocess.run([command[0], "-i", f"{disk}@@1048576", *command[1:]], env=env, check=True, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE)


def elsewhere(folder, disk, options, shape):
    """Moves the loader out of the removable-media path: something else starts it, with options where it can."""
    efi = os.path.join(folder, "loader.efi")
    mtools(disk, "mcopy", "::/EFI/BOOT/BOOTX64.EFI", efi)
    mtools(disk, "mdel", "::/EFI/BOOT/BOOTX64.EFI")
    mtools(disk, "mmd", "::/EFI/aril")
    mtools(disk, "mcopy", efi, "::" + LOADER.replace("\\", "/"))
    if shape.start == "shell":
        script = os.path.join(folder, "startup.nsh")
        with open(script, "w", encoding="ascii", newline="\r\n") as f:
            f.write(f"fs0:\n{LOADER} {options}\n")
        mtools(disk, "mcopy", script, "::/startup.nsh")
    elif shape.start == "nvram":
        words = options if isinstance(options, bytes) else nvram.wide(options)
        shape.arguments(folder)
        nvram.variables_add(os.path.join(folder, "vars.fd"), [("Boot0000", nvram.boot_entry("Aril", disk, LOADER, words)),
                                                              ("BootOrder", b"\0\0")])
    else:
        mtools(disk, "mcopy", os.path.join(image.build_folder(False), "efi-test", shape.start + ".efi"), "::/EFI/BOOT/BOOTX64.EFI")


@contextlib.contextmanager
def running(shape, text, efi=None, root=None, options=None, before=None, after=None):
    """A machine of that shape, on an image with that aril.conf (and, if given, another loader or root image). options: load options for a start that has
    them (bytes as they are, text as UTF-16). efi may be a function that makes the loader for the path of that aril.conf. before(disk) may change the disk, after(disk) sees it when the machine is off."""
    with tempfile.TemporaryDirectory(prefix="aril-boot-") as folder:
        own = os.path.join(folder, "aril.conf")
        with open(own, "w", encoding="ascii") as f:
            f.write(text)
        disk = os.path.join(folder, "disk.img")
        if callable(efi):
            efi = efi(own)
        build = image.build_folder(False)
        image.call([os.path.join(image.TOP, "esp", "mkimage"), "--efi", efi or os.path.join(build, "BOOTX64.EFI"),
                    "--root", root or os.path.join(build, "root.img"), "--conf", own,
                    "--ia32", os.path.join(build, "BOOTIA32.EFI"), "--sector", str(shape.sector), disk])
        if before:
            before(disk)
        if shape.start != "default":
            elsewhere(folder, disk, options or "", shape)
        if shape.disk == "cd":
            image.call([os.path.join(image.TOP, "esp", "mkiso"), disk, disk + ".iso"])
            os.rename(disk + ".iso", disk)
        machine = Machine(folder, disk, os.path.join(folder, "log"), shape)
        try:
            yield machine
        finally:
            machine.stop()
        if after:
            after(disk)


@dataclasses.dataclass
class Ended:
    status: int
    out: bytes
    log: str
    seconds: float
    reason: str = ""


def boot(shape, command, extra=(), seconds=150, typed=b"", **how):
    """Boots and runs command, with `typed` as its standard input; how: see running(). Status 125 with a reason when the
    machine failed."""
    begin = time.monotonic()
    nonce = conf.nonce()
    status, reason = None, ""
    with tempfile.TemporaryFile() as out:
        with running(shape, conf.text("linux", "pipe", nonce, command, [], extra=extra), **how) as machine:
            try:
                status = session.Session(machine, nonce, {}, first=typed, out=out.fileno(),
                                         err=out.fileno(), deadline=begin + seconds).run()
                if status is None:
                    status, reason = 125, "off without a status: " + machine.said()
            except (session.Failure, session.Timeout) as e:
                status, reason = 125, str(e) or "time is over"
            if status != 125:
                machine.wait(60) # the log's last lines come after the exit record
            text = log.clean(machine.log_text())
        out.seek(0)
        return Ended(status, out.read(), text, time.monotonic() - begin, reason)


def log_wait(machine, pattern, seconds):
    """Waits for a line of the log that matches, the machine's end, or the time's."""
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        if re.search(pattern, log.clean(machine.log_text()), re.M) or machine.wait(0.2):
            break


def watch(shape, text, pattern, seconds=60, **how):
    """Boots until the log has a line that matches, and returns the log; for machines that stop with a reason."""
    with running(shape, text, **how) as machine:
        log_wait(machine, pattern, seconds)
        machine.wait(0.5)
        return log.clean(machine.log_text())

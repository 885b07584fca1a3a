# SPDX-License-Identifier: MIT
"""Owns the QEMU process: its command line, its two serial ports, its monitor, and that it is always reaped."""

import ctypes
import fcntl
import os
import select
import shlex
import shutil
import signal
import socket
import subprocess
import time
from typing import Optional

from . import place
from . import channel
from .failure import Failure

# 2 MiB firmware first: it starts a second faster.
BINARY = "qemu-system-x86_64"
FIRMWARE = ("/usr/share/ovmf/OVMF.fd", "/usr/share/OVMF/OVMF.fd", "/usr/share/qemu/OVMF.fd")
FIRMWARE_SPLIT = (("/usr/share/OVMF/OVMF_CODE.fd", "/usr/share/OVMF/OVMF_VARS.fd"),
                  ("/usr/share/OVMF/OVMF_CODE_4M.fd", "/usr/share/OVMF/OVMF_VARS_4M.fd"))


class Error(Failure):
    """QEMU or its firmware is not there, or does not start."""


def binary() -> str:
    path = shutil.which(BINARY)
    if not path:
        raise Error(f"{BINARY} is not installed: {place.get('qemu-system-x86')}")
    return path


def has_window() -> bool:
    """Whether this QEMU can show a machine's screen: Debian has that in a package of its own."""
    done = subprocess.run([binary(), "-display", "help"], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, check=False)
    return bool({"gtk", "sdl", "cocoa"} & set(done.stdout.decode("utf-8", "replace").split()))


def has_display() -> bool:
    return bool(os.environ.get("DISPLAY") or os.environ.get("WAYLAND_DISPLAY"))


def firmware_files() -> list[str]:
    """One file, or code and variables. ARIL_FIRMWARE names another, in one file."""
    own = os.environ.get("ARIL_FIRMWARE")
    for files in [(own,)] if own else [*((path,) for path in FIRMWARE), *FIRMWARE_SPLIT]:
        if all(os.path.exists(path) for path in files):
            return list(files)
    raise Error(f"no OVMF firmware found{f' at {own}' if own else ''}: {place.get('ovmf')}")


def firmware(folder):
    """QEMU's arguments for the firmware; a variable store, where one is needed, is a copy in the run's folder."""
    files = firmware_files()
    if len(files) == 1:
        return ["-bios", files[0]]
    copy = os.path.join(folder, "vars.fd")
    shutil.copyfile(files[1], copy)
    return ["-drive", f"if=pflash,format=raw,unit=0,readonly=on,file={files[0]}", "-drive", f"if=pflash,format=raw,unit=1,file={copy}"]


def hardware(mem: int, accel: str = "tcg") -> list[str]:
    """The machine itself, without what leads to files of one run."""
    way = {"tcg": "tcg,thread=single", "kvm": "kvm"}[accel]
    return ["-machine", "q35", "-cpu", "max", "-accel", way, "-m", f"{mem >> 10}k", "-net", "none", "-no-reboot", *shlex.split(os.environ.get("QEMUFLAGS", ""))]


def comma(path: str) -> str:
    """A path among QEMU's options."""
    return path.replace(",", ",,")


# A port of a virtio device, which the guest's library OS finds by this name; its registers are written without a detour, so that a run is the same each time.
FAST = ("-device", "virtio-serial-pci,id=channels,disable-legacy=on,ioeventfd=off", "-device", "virtserialport,bus=channels.0,chardev=channel,name=aril.channel")


def devices(fast: str, com2: str, disk: str, log: str, kept: bool) -> list[str]:
    """What one run's files lead to. kept: the disk is for many machines."""
    return ["-drive", f"if=none,id=disk,format=raw,{'readonly=on,' if kept else ''}file={comma(disk)}", "-device", "virtio-blk-pci,drive=disk,bootindex=0",
            "-chardev", f"file,id=com1,append=on,path={comma(log)}", "-serial", "chardev:com1",
            "-chardev", f"pipe,id=com2,path={comma(com2)}", "-serial", "chardev:com2",
            "-chardev", f"pipe,id=channel,path={comma(fast)}", *FAST]


def die_with_parent():
    # PR_SET_PDEATHSIG: even a driver that was killed by SIGKILL leaves no machine behind.
    ctypes.CDLL(None).prctl(1, signal.SIGKILL)


# Many small writes of QEMU's, or a large one of its guest's, find room while nobody reads.
PIPE_SIZE = 1 << 18


class Fifos:
    """The host's end of a serial port: two named pipes. QEMU writes byte by byte, and a socket would hold only some hundred of such writes before it blocks."""

    def __init__(self, path):
        self.path = path
        for end in (".in", ".out"):
            if os.path.exists(path + end):
                os.unlink(path + end)
            os.mkfifo(path + end, 0o600)
        self.inward = os.open(path + ".in", os.O_RDWR | os.O_NONBLOCK)
        self.outward = os.open(path + ".out", os.O_RDONLY | os.O_NONBLOCK)
        for end in (self.inward, self.outward):
            fcntl.fcntl(end, fcntl.F_SETPIPE_SZ, PIPE_SIZE)

    def fileno(self):
        return self.outward

    def recv(self, size):
        return os.read(self.outward, size)

    def send(self, pieces):
        """As much as there is room for: bytes written."""
        try:
            return os.writev(self.inward, pieces)
        except BlockingIOError:
            return 0

    def close(self):
        os.close(self.inward)
        os.close(self.outward)


class Ports:
    """The host's end of the port that the guest speaks on: of several Fifos the first that has brought channel.MAGIC, or the one that is chosen before; the
    others are not heard any more."""

    def __init__(self, ports):
        self.ports = ports
        self.seen = [b""] * len(ports)
        self.chosen = None
        self.ready = select.epoll()
        for port in ports:
            self.ready.register(port.outward, select.EPOLLIN)

    def choose(self, slow):
        """The last one, COM2, or the first."""
        self.chosen = self.ports[-1 if slow else 0]

    def fileno(self):
        return self.chosen.fileno() if self.chosen else self.ready.fileno()

    @property
    def inward(self):
        return (self.chosen or self.ports[0]).inward

    @property
    def is_slow(self):
        """The guest speaks on the last one, COM2."""
        return self.chosen in (None, self.ports[-1])

    def recv(self, size):
        if self.chosen:
            return self.chosen.recv(size)
        ended = 0
        for i, port in enumerate(self.ports):
            try:
                data = port.recv(size)
            except BlockingIOError:
                continue
            ended += not data
            self.seen[i] = (self.seen[i] + data)[-(1 << 20):]
            if channel.MAGIC in self.seen[i]:
                self.chosen = port
                return self.seen[i]
        # Noise of the firmware's is nobody's; the decoder skips it.
        return b"" if ended == len(self.ports) else b"\n"

    def send(self, pieces):
        return (self.chosen or self.ports[0]).send(pieces)

    def close(self):
        self.ready.close()
        for port in self.ports:
            port.close()


class Machine:
    """One QEMU. `channel` is the host's end of the channel (see Ports): a virtio port, or, where the guest does not speak there, COM2. `log`: the path that
    COM1 goes to."""

    process: Optional[subprocess.Popen] = None
    pidfd = -1
    talk: Optional[socket.socket] = None # with the monitor, where several things are asked; tests make machines in their own ways

    def __init__(self, folder, disk, log, mem=1 << 30, icount=None, gui=False, gdb=False, more=(), accel="tcg", kept=False, begin=None):
        """begin(machine, command): starts QEMU in another way than from the machine's power-on."""
        self.folder = folder
        self.log = log
        self.monitor_path = os.path.join(folder, "monitor")
        if os.path.exists(self.monitor_path):
            os.unlink(self.monitor_path) # of the run's first machine
        fast, com2 = (Fifos(os.path.join(folder, name)) for name in ("channel", "com2"))
        self.channel = Ports([fast, com2])
        command = [binary(), "-name", "aril", *hardware(mem, accel), *firmware(folder),
                   *devices(fast.path, com2.path, disk, log, kept), "-monitor", f"unix:{self.monitor_path},server=on,wait=off"]
        if not gui:
            command += ["-display", "none"]
        if icount is not None:
            command += ["-icount", f"shift={icount},sleep=off", "-rtc", "base=2026-01-01T00:00:00,clock=vm", "-seed", "1"]
        if gdb:
            command += ["-gdb", os.environ.get("ARIL_GDB") or "tcp::1234", "-S"]
        command += more
        # A log of an earlier run must not be taken for this one's.
        try:
            with open(log, "wb"):
                pass
        except OSError as e:
            raise Error(f"--log {log}: {e.strerror}") from None
        self.errors = open(os.path.join(folder, "qemu.err"), "w+b")
        (begin or Machine.launch)(self, command)

    def launch(self, command):
        """Starts QEMU."""
        try:
            self.process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=self.errors, stderr=self.errors,
                                            start_new_session=True, preexec_fn=die_with_parent)
        except OSError as e:
            raise Error(f"{command[0]}: {e.strerror}: is it a QEMU?") from None
        self.pidfd = os.pidfd_open(self.process.pid)

    def end(self):
        """Ends QEMU, whatever state it is in: another may be launched."""
        self.talk_end()
        if self.process.poll() is None:
            self.process.terminate()
            if not self.wait(2):
                self.process.kill()
                self.process.wait()
        if self.pidfd >= 0:
            os.close(self.pidfd)
            self.pidfd = -1

    def wait(self, seconds):
        """True when QEMU has ended within that time."""
        try:
            self.process.wait(seconds)
            return True
        except subprocess.TimeoutExpired:
            return False

    def said(self):
        """What QEMU itself printed."""
        self.errors.flush()
        self.errors.seek(0)
        return self.errors.read().decode("utf-8", "replace").strip()

    def stop(self):
        """Ends QEMU, and gives its descriptors back. May be called twice."""
        is_first = self.pidfd >= 0
        self.end()
        if is_first:
            self.channel.close()
            self.errors.close()

    def monitor(self, command, seconds=10):
        """Gives one command to QEMU's monitor and returns its text."""
        with socket.socket(socket.AF_UNIX) as s:
            s.settimeout(seconds)
            try:
                s.connect(self.monitor_path)
                prompt(s, seconds)
                s.sendall(command.encode() + b"\n")
                text = prompt(s, seconds).decode("utf-8", "replace").replace("\r", "")
            except OSError as e:
                raise Error(f"QEMU's monitor does not answer: {e.strerror or e}") from None
        # The monitor echoes the line with cursor movements first.
        return "\n".join(line for line in text.split("\n")[1:-1])

    def talk_end(self):
        if self.talk:
            self.talk.close()
            self.talk = None

    def connect(self, seconds: float = 10) -> socket.socket:
        """To the monitor, which may not be there yet."""
        end = time.monotonic() + seconds
        while True:
            s = socket.socket(socket.AF_UNIX)
            s.settimeout(seconds)
            try:
                s.connect(self.monitor_path)
                prompt(s, seconds)
                return s
            except OSError as e:
                s.close()
                if self.wait(0):
                    raise Error(f"QEMU ended at once: {self.said()}") from None
                if time.monotonic() > end:
                    raise Error(f"QEMU's monitor does not answer: {e.strerror or e}") from None
                time.sleep(0.002)

    def ask(self, command: str, seconds: float = 10) -> str:
        """As monitor(), over one connection for all. Raises Error when the answer is a complaint."""
        self.talk = self.talk or self.connect(seconds)
        try:
            self.talk.sendall(command.encode() + b"\n")
            text = prompt(self.talk, seconds).decode("utf-8", "replace").replace("\r", "")
        except (OSError, Error) as e:
            if self.wait(1):
                raise Error(f"QEMU ended: {self.said()}") from None
            raise Error(f"QEMU's monitor does not answer: {e}") from None
        text = "\n".join(text.split("\n")[1:-1])
        if text.startswith("Error"):
            raise Error(f"QEMU: {command}: {text}")
        return text

    def send_file(self, name: str, fd: int) -> None:
        """Gives QEMU an open file under that name."""
        self.talk = self.talk or self.connect()
        socket.send_fds(self.talk, [f"getfd {name}\n".encode()], [fd])
        text = prompt(self.talk, 10).decode("utf-8", "replace").replace("\r", "")
        if "rror" in text or "No file" in text:
            raise Error(f"QEMU takes no file: {' '.join(text.split())}")

    def paused(self) -> bool:
        """QEMU stops a machine that its accelerator cannot go on with, and stays."""
        try:
            return "paused" in self.monitor("info status", 2) and not self.wait(0)
        except (Failure, OSError):
            return False

    def log_text(self):
        return log_read(self.log)


def prompt(s, seconds):
    data = b""
    end = time.monotonic() + seconds
    while not data.endswith(b"(qemu) "):
        if time.monotonic() > end:
            raise Error("QEMU's monitor does not answer")
        piece = s.recv(4096)
        if not piece:
            raise Error("QEMU's monitor has gone")
        data += piece
    return data


def log_read(path):
    """Text of a COM1 log, lines ended by \\n only."""
    try:
        with open(path, "rb") as f:
            return f.read().decode("utf-8", "replace").replace("\r", "")
    except FileNotFoundError:
        return ""

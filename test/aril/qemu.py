# SPDX-License-Identifier: MIT
"""Owns the QEMU process: its command line, its two serial ports, its monitor, and that it is always reaped."""

import ctypes
import fcntl
import os
import shlex
import signal
import socket
import subprocess
import time

# 2 MiB firmware first: it starts a second faster.
FIRMWARE = ("/usr/share/ovmf/OVMF.fd", "/usr/share/OVMF/OVMF.fd", "/usr/share/qemu/OVMF.fd")
FIRMWARE_SPLIT = (("/usr/share/OVMF/OVMF_CODE.fd", "/usr/share/OVMF/OVMF_VARS.fd"),
                  ("/usr/share/OVMF/OVMF_CODE_4M.fd", "/usr/share/OVMF/OVMF_VARS_4M.fd"))


class Error(Exception):
    """QEMU or its firmware is not there, or does not start."""


def firmware(folder):
    """QEMU's arguments for the firmware; a variable store, where one is needed, is a copy in the run's folder."""
    for path in FIRMWARE:
        if os.path.exists(path):
            return ["-bios", path]
    for code, store in FIRMWARE_SPLIT:
        if os.path.exists(code) and os.path.exists(store):
            copy = os.path.join(folder, "vars.fd")
            with open(store, "rb") as source, open(copy, "wb") as to:
                to.write(source.read())
            return ["-drive", f"if=pflash,format=raw,unit=0,readonly=on,file={code}", "-drive", f"if=pflash,format=raw,unit=1,file={copy}"]
    raise Error("no OVMF firmware found: install the package ovmf (make deps)")


def die_with_parent():
    # PR_SET_PDEATHSIG: even a driver that was killed by SIGKILL leaves no machine behind.
    ctypes.CDLL(None).prctl(1, signal.SIGKILL)


class Fifos:
    """The host's end of COM2: two named pipes. QEMU writes byte by byte, and a socket would hold only some hundred of such writes before it blocks."""

    def __init__(self, path):
        self.path = path
        for end in (".in", ".out"):
            os.mkfifo(path + end, 0o600)
        self.inward = os.open(path + ".in", os.O_RDWR)
        # More than the guest ever gives credit for: a write never waits for a QEMU that has died.
        fcntl.fcntl(self.inward, fcntl.F_SETPIPE_SZ, 1 << 18)
        self.outward = os.open(path + ".out", os.O_RDONLY | os.O_NONBLOCK)

    def fileno(self):
        return self.outward

    def recv(self, size):
        return os.read(self.outward, size)

    def sendall(self, data):
        while data:
            data = data[os.write(self.inward, data):]

    def close(self):
        os.close(self.inward)
        os.close(self.outward)


class Machine:
    """One QEMU. `channel` is the host's end of COM2 (see Fifos), `log` the path that COM1 goes to."""

    def __init__(self, folder, disk, log, mem="1G", icount=None, gui=False, gdb=False, more=()):
        self.folder = folder
        self.log = log
        self.monitor_path = os.path.join(folder, "monitor")
        self.channel = Fifos(os.path.join(folder, "com2"))
        command = ["qemu-system-x86_64", "-name", "aril", "-machine", "q35", "-cpu", "max", "-accel", "tcg,thread=single", "-m", mem,
                   "-net", "none", "-no-reboot", *firmware(folder),
                   "-drive", f"if=none,id=disk,format=raw,file={disk}", "-device", "virtio-blk-pci,drive=disk,bootindex=0",
                   "-chardev", f"file,id=com1,path={log}", "-serial", "chardev:com1",
                   "-chardev", f"pipe,id=com2,path={self.channel.path}", "-serial", "chardev:com2",
                   "-monitor", f"unix:{self.monitor_path},server=on,wait=off"]
        if not gui:
            command += ["-display", "none"]
        if icount is not None:
            command += ["-icount", f"shift={icount},sleep=off", "-rtc", "base=2026-01-01T00:00:00,clock=vm", "-seed", "1"]
        if gdb:
            command += ["-s", "-S"]
        command += [*more, *shlex.split(os.environ.get("QEMUFLAGS", ""))]
        # A log of an earlier run must not be taken for this one's.
        with open(log, "wb"):
            pass
        self.errors = open(os.path.join(folder, "qemu.err"), "w+b")
        try:
            self.process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=self.errors, stderr=self.errors,
                                            start_new_session=True, preexec_fn=die_with_parent)
        except FileNotFoundError:
            raise Error("qemu-system-x86_64 is not installed: make deps") from None
        self.pidfd = os.pidfd_open(self.process.pid)

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
        """Ends QEMU, whatever state it is in, and gives its descriptors back. May be called twice."""
        if self.process.poll() is None:
            self.process.terminate()
            if not self.wait(2):
                self.process.kill()
                self.process.wait()
        if self.pidfd >= 0:
            os.close(self.pidfd)
            self.pidfd = -1
            self.channel.close()
            self.errors.close()

    def monitor(self, command, seconds=10):
        """Gives one command to QEMU's monitor and returns its text."""
        with socket.socket(socket.AF_UNIX) as s:
            s.settimeout(seconds)
            s.connect(self.monitor_path)
            prompt(s, seconds)
            s.sendall(command.encode() + b"\n")
            text = prompt(s, seconds).decode("utf-8", "replace").replace("\r", "")
        # The monitor echoes the line with cursor movements first.
        return "\n".join(line for line in text.split("\n")[1:-1])

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

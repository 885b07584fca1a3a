# SPDX-License-Identifier: MIT
"""Owns what is left when the driver is killed: a small process that outlives it by a moment, restores the terminal and removes the run's folder."""

import os
import shutil
import signal
import termios
import time

SECONDS = 5


def sweep(folder: str, terminal) -> None:
    if terminal is not None:
        try:
            termios.tcsetattr(3, termios.TCSANOW, terminal)
        except (termios.error, OSError):
            pass
    # QEMU and the image tools, which the kernel ends with the driver, may still write.
    end = time.monotonic() + SECONDS
    while os.path.exists(folder) and time.monotonic() < end:
        shutil.rmtree(folder, ignore_errors=True)
        time.sleep(0.02)


class Sweeper:
    """Begins with the run; terminal: the settings of descriptor 0 to go back to, or None."""

    def __init__(self, folder: str, terminal=None):
        read, self.write = os.pipe()
        self.pid = os.fork()
        if self.pid:
            os.close(read)
            return
        try:
            # A session of its own: what is meant for the driver's group is not meant for this.
            os.setsid()
            for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP, signal.SIGPIPE):
                signal.signal(number, signal.SIG_IGN)
            signal.set_wakeup_fd(-1)
            # Nobody may wait for this process's copy of a stream: 3 is the terminal, 4 the pipe, all others go.
            pipe = os.dup2(read, 200, inheritable=False)
            if terminal is not None:
                os.dup2(0, 3)
            os.dup2(pipe, 4)
            os.closerange(0, 3)
            if terminal is None:
                os.closerange(3, 4)
            os.closerange(5, 1024)
            if not os.read(4, 1):
                sweep(folder, terminal)
        except OSError:
            pass
        finally:
            os._exit(0)

    def end(self) -> None:
        """The driver has cleaned up by itself."""
        os.write(self.write, b"e")
        os.close(self.write)
        os.waitpid(self.pid, 0)

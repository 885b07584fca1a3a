# SPDX-License-Identifier: MIT
"""Owns the command's sub-commands: what each does with its options. Whatever goes wrong in them is one line and status 125."""

import os
import subprocess
import sys
import tempfile

from . import failure, image, options, run


def image_make(given) -> int:
    with tempfile.TemporaryDirectory(prefix="aril-") as folder:
        source = image.Source(folder, given.debug, "linux", [], given.packages)
        if given.packages:
            # The loader carries the hash of its root image.
            efi = os.path.join(folder, "with.efi")
            image.call(["cp", source.efi, efi])
            image.call([os.path.join(image.TOP, "efi", "sealroot"), efi, source.root])
            source.efi = efi
        with open(os.path.join(image.TOP, "esp", "aril.conf"), encoding="ascii") as f:
            source.make(f.read(), given.file)
    return 0


def usb(given) -> int:
    with tempfile.TemporaryDirectory(prefix="aril-") as folder:
        given.file = os.path.join(folder, "aril.img")
        image_make(given)
        env = dict(os.environ, DRY_RUN="1" if given.dry_run else "", CALLED=f"{options.NAME}: usb")
        done = subprocess.run([os.path.join(image.TOP, "esp", "usb"), given.device, given.file], env=env, check=False)
        return failure.STATUS_FAILURE if done.returncode else 0


def streams_fill() -> None:
    """A file that is opened later must not become one of the three by accident."""
    while (fd := os.open(os.devnull, os.O_RDWR)) < 3:
        os.set_inheritable(fd, True)
    os.close(fd)


def doctor(_) -> int:
    from . import doctor as it
    return it.report()


def words(given) -> int:
    from . import manual
    return manual.show(given.which)


def pictures(given) -> int:
    from . import map as it
    return it.show(given)


VERBS = {"run": run.run, "shell": run.run, "trace": run.run, "explore": run.run, "image": image_make, "usb": usb, "doctor": doctor,
         "help": words, "map": pictures}


def main(argv) -> int:
    streams_fill()
    try:
        given = options.parse(argv)
        return VERBS[given.verb](given)
    except SystemExit as e:
        # --help
        return e.code or 0
    except KeyboardInterrupt:
        return 130
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), 1)
        return 141
    except Exception as e:
        return failure.tell(e)
    finally:
        try:
            if sys.stdout:
                sys.stdout.flush()
        except OSError:
            os.dup2(os.open(os.devnull, os.O_WRONLY), 1)

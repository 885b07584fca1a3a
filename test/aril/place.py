# SPDX-License-Identifier: MIT
"""Owns where the command's own parts lie: a checkout, or the folder that `make install` laid out as one (test/install), with a file `installed` in it."""

import os
import re

TOP = os.path.dirname(os.path.dirname(os.path.dirname(os.path.realpath(__file__))))
STAMP = os.path.join(TOP, "installed")
INSTALLED = os.path.exists(STAMP)


def version() -> str:
    """That of the release that was installed, or of the checkout's Makefile."""
    with open(STAMP if INSTALLED else os.path.join(TOP, "Makefile"), encoding="utf-8") as f:
        return re.search(r"^RELEASE *:= *(\S+)", f.read(), re.M).group(1)


def get(package: str) -> str:
    """What to type when that Debian package is missing."""
    return f"apt-get install {package}" if INSTALLED else f"make deps, or apt-get install {package}"

# SPDX-License-Identifier: MIT
"""Firmware with odd habits, made by EFI apps that run before the loader (test/efi), and machines that lack a part."""

import re

import pytest

from aril import hardware


def up(shape, **how):
    r = hardware.boot(shape, ["echo", "up"], **how)
    assert r.status == 0 and r.out == b"up\n", r
    return r.log


def test_stale_map_key():
    """The key of the first and of the second ExitBootServices is stale; between them nothing forbidden is called."""
    text = up(hardware.Shape(start="stale"))
    assert text.count("stale: refused") == 2 and text.count("stale: third call") == 1 and "chain: failed" not in text, text


def test_57_bit_addresses():
    text = up(hardware.Shape(start="la57"))
    assert "la57: on" in text and "efi: CPU: the firmware left 57-bit addresses on; switching them off" in text, text


@pytest.mark.parametrize("machine", ["q35", "pc"])
def test_reset_system_does_nothing(machine):
    """Power-off by the ports that ACPI's tables name."""
    text = up(hardware.Shape(start="noreset", machine=machine))
    assert "kernel: the firmware's ResetSystem came back" in text and "by hand" not in text, text

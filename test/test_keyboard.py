# SPDX-License-Identifier: MIT
"""USB keyboards on machines without an i8042: two kinds of controller, hubs behind hubs, plugged in and pulled out while somebody types."""

import re
import time

import pytest

from aril import hardware
from aril.screen import Console

PROMPT = r"^aril:~# *$"
CONTROLLERS = {"msix": ("qemu-xhci,id=xhci", "MSI-X"), "msi": ("nec-usb-xhci,id=xhci,msix=off", "MSI")}


def console(devices, conf="", **how):
    """A machine whose only keyboards are these, behind the controller `xhci`."""
    more = [word for device in devices for word in ("-device", device)]
    return Console(conf=conf, shape=hardware.Shape(com2=False, keyboard=False), more=more, **how)


def log_wait(m, pattern, seconds=60):
    end = time.monotonic() + seconds
    while not re.search(pattern, m.log(), re.M):
        assert time.monotonic() < end, f"the log never says {pattern!r}:\n{m.log()[-2000:]}"
        time.sleep(0.2)


def say(m, word):
    m.type(f"echo {word}-$((40+2))\n")
    m.wait(rf"^{word}-42$")


@pytest.mark.parametrize("kind", CONTROLLERS)
def test_one_keyboard(kind):
    device, message = CONTROLLERS[kind]
    with console([device, "usb-kbd,bus=xhci.0"]) as m:
        log_wait(m, r"usb: \S+: xHCI \w+:\w+ is driven by " + message + ":")
        log_wait(m, r"usb: \S+ port \d+: 0627:0001 a keyboard")
        m.wait(PROMPT)
        say(m, "typed")
        m.keys("caps_lock")
        m.type("echo x; ")
        m.keys("caps_lock")
        m.type("echo y\n")
        m.wait(r"ECHO X; echo y$")
        # What it says of the machine names who drives what.
        m.type("clear; hwinfo | grep -A1 ^USB\n")
        m.wait(r"^USB: +\S+ xHCI, driven, \d+ ports\n  \S+ port \d+  0627:0001 \w+ speed, keyboard, boot protocol$")


def test_hubs_and_plugs():
    """The keyboard that came last is typed on: at a port, behind a hub, behind a hub behind a hub; each is pulled out with a transfer under way."""
    with console(["qemu-xhci,id=xhci", "usb-kbd,bus=xhci.0,port=1,id=first", "usb-hub,bus=xhci.0,port=2,id=hub", "usb-hub,bus=xhci.0,port=2.3,id=behind",
                  "usb-kbd,bus=xhci.0,port=2.1,id=second"]) as m:
        log_wait(m, r"port \d+\.3: 0409:55aa a hub of 8 ports$")
        log_wait(m, r"port \d+\.1: 0627:0001 a keyboard$")
        m.wait(PROMPT)
        say(m, "second")
        m.qmp.do("device_add", driver="usb-kbd", bus="xhci.0", port="2.3.4", id="third")
        log_wait(m, r"port \d+\.3\.4: 0627:0001 a keyboard$")
        say(m, "third")
        m.qmp.do("device_del", id="third")
        log_wait(m, r"port \d+\.3\.4: 0627:0001 is gone$")
        say(m, "again")
        # A hub goes with all that is behind it.
        m.qmp.do("device_del", id="hub")
        log_wait(m, r"port \d+\.1: 0627:0001 is gone$")
        log_wait(m, r"port \d+\.3: 0409:55aa is gone$")
        say(m, "first")
        m.qmp.do("device_del", id="first")
        log_wait(m, r"port \d+: 0627:0001 is gone$")
        # And what is plugged in where nothing was left works as at the start.
        m.qmp.do("device_add", driver="usb-hub", bus="xhci.0", port="2", id="other")
        m.qmp.do("device_add", driver="usb-kbd", bus="xhci.0", port="2.8", id="last")
        log_wait(m, r"port \d+\.8: 0627:0001 a keyboard$")
        say(m, "last")


def test_a_key_that_is_held():
    """It repeats, until it comes up, and until its keyboard is pulled out."""
    with console(["qemu-xhci,id=xhci", "usb-kbd,bus=xhci.0,id=one"]) as m:
        m.wait(PROMPT)
        log_wait(m, r"0627:0001 a keyboard$")
        for way in ("up", "out"):
            m.type("\nclear\n")
            event = {"type": "key", "data": {"key": {"type": "qcode", "data": "x"}, "down": True}}
            m.qmp.do("input-send-event", events=[event])
            m.wait(r"# x{12}")
            if way == "up":
                event["data"]["down"] = False
                m.qmp.do("input-send-event", events=[event])
                m.type("\n")
            else:
                m.qmp.do("device_del", id="one")
                log_wait(m, r"0627:0001 is gone$")
            time.sleep(1)
            seen = str(m.text())
            time.sleep(1)
            assert str(m.text()) == seen


def test_layout_view_and_reset():
    with console(["qemu-xhci,id=xhci", "usb-kbd,bus=xhci.0"], conf="keyboard = de\n") as m:
        m.wait(PROMPT)
        log_wait(m, r"0627:0001 a keyboard$")
        # On the keys of a US keyboard: a umlaut, o umlaut, u umlaut, sharp s, z, y; at sign by AltGr.
        m.type("echo ")
        m.keys("apostrophe", "semicolon", "bracket_left", "minus", "y", "z", ["alt_r", "q"], "less", "spc", "a", "ret")
        m.wait(r"echo \u00e4\u00f6\u00fc\u00dfzy@<")
        m.keys(["ctrl", "c"])
        m.type("seq 300\n")
        m.wait(r"^300$")
        m.keys(["shift", "pgup"])
        m.wait(lambda t: not re.search(r"^300$", str(t), re.M))
        m.keys(["shift", "pgdn"])
        m.wait(r"^300$")
        m.keys(["ctrl", "alt", "delete"])
        assert m.machine.wait(60), m.log()

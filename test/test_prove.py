# SPDX-License-Identifier: MIT
"""Proofs by Frama-C that no counter of the kernel wraps, and planted mutants that each must raise an alarm (proof/run)."""

import os
import subprocess

import pytest

from aril import image

RUN = os.path.join(image.TOP, "test/proof/run")
NAMES = subprocess.run([RUN, "--list"], check=True, stdout=subprocess.PIPE).stdout.decode().split()


@pytest.mark.slow
@pytest.mark.parametrize("name", NAMES)
def test_proof(name):
    done = subprocess.run([RUN, name], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, check=False)
    text = done.stdout.decode()
    print(text)
    if text.startswith("skip "):
        pytest.skip(text.split(": ", 1)[1].strip())
    assert done.returncode == 0 and f"ok {name}" in text.split("\n"), text

# SPDX-License-Identifier: MIT
"""Lines of the kernel that the host model and native guests reach (test/coverage)."""

import os
import subprocess

import pytest

from aril import image


@pytest.mark.slow
def test_lines():
    done = subprocess.run([os.path.join(image.TOP, "test/coverage")], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, check=False)
    text = done.stdout.decode("utf-8", "replace")
    print(text)
    assert done.returncode == 0 and "coverage: kernel/frame.c" in text, [line for line in text.split("\n") if line.startswith("wrong: ")] or text[-2000:]

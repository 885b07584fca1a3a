# SPDX-License-Identifier: MIT
"""The binding core on the host beside an independent model, at length (test/unit/core; a quick run of it is among the unit tests)."""

import os
import re
import subprocess

import pytest

from aril import image

TOP = image.TOP


@pytest.mark.slow
@pytest.mark.parametrize("part", range(40))
def test_core_against_model(part):
    """Ten million random ops on the binding core in forty parts, each op compared with the independent model and followed by a recount (test/unit/core)."""
    env = dict(os.environ, CORE_OPS="250000", CORE_SEED=str(1000 * (part + 1)))
    done = subprocess.run([os.path.join(TOP, "test/unit/core/run"), "core.random-ops-against-model"], env=env, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, check=False)
    text = done.stdout.decode("utf-8", "replace")
    print(text)
    m = re.search(r"# (\d+) ops, last seed (\d+)", text)
    assert done.returncode == 0 and m and int(m.group(1)) >= 250000 and int(m.group(2)) < 1000 * (part + 2), text

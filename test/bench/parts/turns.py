# SPDX-License-Identifier: MIT
"""How long a family's monitor keeps the CPU at a time, in instructions: out of the gate's trace (`aril run --trace`) of a machine whose clock counts them."""

import re

SHIFT = 4  # 2^SHIFT ticks of the TSC, and ns, an instruction; --icount


def turns(text):
    """(instructions, calls of the gate) of each turn, the longest first: from the switch to the first env until the next one, or until nobody runs. The kernel's work
    for it is in them, the trace's too."""
    hz = int(re.match(r"# .* TSC (\d+) Hz", text).group(1))
    records = [(float(at), int(env, 16), what) for at, env, what in re.findall(r"^ *([0-9.]+) +([0-9a-f]+) (.*)$", text, re.M)]
    monitor = min(env for _, env, _ in records if env)
    found, since, calls = [], None, 0
    for at, env, what in records:
        if what.startswith(("switch from ", "idle after ")):
            if since is not None:
                found.append((round((at - since) * hz / 1e6 / 2 ** SHIFT), calls))
            since, calls = (at, 0) if env == monitor else (None, 0)
        elif env == monitor and what.endswith(")"):
            calls += 1
    return sorted(found, reverse=True)

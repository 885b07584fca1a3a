# SPDX-License-Identifier: MIT
"""Parts of test/machine and of the test suite. Each module owns one noun; none keeps state of its own."""

# SPDX-License-Identifier: MIT
# Debian's bash, dynamic: the same program.
exec bash $T/bash.in

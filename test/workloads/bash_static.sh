# SPDX-License-Identifier: MIT
# Debian's bash-static: arrays, job control's waiting, here documents, substitutions; 20 kB by `read`.
exec bash-static $T/bash.in

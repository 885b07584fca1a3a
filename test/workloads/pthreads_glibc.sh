# SPDX-License-Identifier: MIT
# The same, dynamic, by gcc: Debian's own ld.so and libc.
exec $T/pthreads-dynamic

# SPDX-License-Identifier: MIT
# A C program with POSIX threads, static, by musl-gcc.
exec $T/pthreads-musl

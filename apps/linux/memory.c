/* SPDX-License-Identifier: MIT */
/* The pager of the Linux library OS: on demand, copy-on-write. */
#include <posix/parts.h>
#include <vm/needs.h>

int page_bring(uint64_t va, unsigned access) { return page_serve(va, access); }

/* SPDX-License-Identifier: MIT */
/* What the EROFS reader's two halves share of the format. Private to lib/base. */
#ifndef BASE_EROFS_DISK_H
#define BASE_EROFS_DISK_H
#include "erofs.h"

enum { NO_ENTRY = -2, DAMAGED = -5, NOT_DIR = -20, UNKNOWN = -22 };
enum { BLOCK_BITS = 12, BLOCK = 1 << BLOCK_BITS };
enum { MODE_TYPE = 0170000, MODE_DIR = 0040000 };
#endif

/* SPDX-License-Identifier: MIT */
/* What this room wants of whoever links it: the app's choices, and what it does itself (parts.h). */
#ifndef POSIX_NEEDS_H
#define POSIX_NEEDS_H

struct posix_parts;
extern const struct posix_parts posix_parts;
struct posix_app;
extern const struct posix_app posix_app;
#endif

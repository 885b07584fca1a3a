/* SPDX-License-Identifier: MIT */
/* What this room wants of whoever links it, beside what fs wants: whose a terminal is. The family lock is held. */
#ifndef TTY_NEEDS_H
#define TTY_NEEDS_H
#include <fs/needs.h>

#pragma GCC visibility push(hidden)
/* Group and session of the caller. */
int current_pgrp(void);
int current_session(void);
/* A signal to all of a group: 0 or -ESRCH. */
int signal_group(int pgrp, int sig);
/* Of the caller, which reads or writes in the background; of a group: nobody outside it, in its session, looks after
 * it. */
int signal_is_ignored_or_blocked(int sig);
int group_is_orphaned(int pgrp);
#pragma GCC visibility pop
#endif

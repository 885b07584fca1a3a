/* SPDX-License-Identifier: MIT */
/* What this room wants of whoever links it: names to define. The family lock is held in all of them. */
#ifndef FS_NEEDS_H
#define FS_NEEDS_H
#include <stdint.h>
#include <vm/needs.h> /* current_limit */

struct file;
struct file_state;
struct places;
struct inode;

#pragma GCC visibility push(hidden)
/* Who calls: its number, its descriptors, its folder and umask. */
int  current_pid(void);
struct file_state *current_files(void);
struct places *current_places(void);
/* Signals: to a pid; 0 or -ESRCH. */
int  signal_send(int pid, int sig);
/* For whom a file's events are told by signal (async.h): something came to this pipe, socket or terminal, or went. */
void async_tell(const void *object, int band);
/* An open file goes: who watches it, or wanted its signals, forgets it. */
void file_gone(struct file *f);
/* inotify's event has come to an inode, and there are watches (tell.h). IN_IGNORED: the last reference to one that is
 * watched, or to memory without a name (inode_segment), goes. */
void inode_told(struct inode *ip, uint32_t event);
#pragma GCC visibility pop
#endif

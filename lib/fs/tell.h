/* SPDX-License-Identifier: MIT */
/* What happens to a file is told to who watches it or its folder. The events are inotify's, so are the places where
 * they come; who keeps the watches and queues is whoever links this room (inode_told, needs.h). */
#ifndef FS_TELL_H
#define FS_TELL_H
#include <linux/inotify.h>
#include "files.h"

/* Beside an event: it is of the inode, not of an open file, and so is told where IN_EXCL_UNLINK hides what open files
 * do. */
#define TELL_OF_INODE IN_EXCL_UNLINK

/* To its own watches, and to its folder's by its name. */
static inline void inode_tell(struct inode *ip, uint32_t event)
{
	if (fs_family()->watches)
		inode_told(ip, event);
}
#endif

/* SPDX-License-Identifier: MIT */
/* What happens to a file is told to who watches it or its folder. The events are inotify's, so are the places where
 * they come; who keeps the watches and queues is whoever links this room (inode_told, needs.h). */
#ifndef FS_TELL_H
#define FS_TELL_H
#include <linux/inotify.h>
#include "files.h"

/* To its own watches, and to its folder's by its name. */
static inline void inode_tell(struct inode *ip, uint32_t event)
{
	if (fs_family()->watches)
		inode_told(ip, event);
}
#endif

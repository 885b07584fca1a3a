/* SPDX-License-Identifier: MIT */
/* Events of inotify that are not of fs: what the calls that change names tell. inotify.c */
#ifndef POSIX_INOTIFY_H
#define POSIX_INOTIFY_H
#include <fs/tell.h>

/* Its watches alone are told; of a folder, with the name that it is about, n > 0. */
void watched(struct inode *ip, uint32_t event, const char *name, size_t n, uint32_t cookie);
/* ip, which is open, had its last name there: of what happens to it who watches dir is still told, unless he wants no
 * more of it (IN_EXCL_UNLINK). */
void watched_left(struct inode *dir, struct inode *ip, const char *name, size_t n);
void watched_gone(struct inode *ip); /* its last name and opener are gone: its watches end */

static inline uint32_t event_of(const struct inode *ip, uint32_t event)
{
	return event | (IS(ip, S_IFDIR) ? IN_ISDIR : 0);
}

/* To its own watches alone: what concerns no name. */
static inline void inode_tell_own(struct inode *ip, uint32_t event)
{
	if (fs_family()->watches)
		watched(ip, event_of(ip, event), "", 0, 0);
}

/* To a folder's watches: a name came to ip, or went. cookie: the same for both halves of a rename, else 0. */
static inline void name_tell(struct inode *dir, const char *name, size_t n, const struct inode *ip, uint32_t event,
	uint32_t cookie)
{
	if (fs_family()->watches)
		watched(dir, event_of(ip, event), name, n, cookie);
}
#endif

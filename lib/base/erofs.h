/* SPDX-License-Identifier: MIT */
/* Reader of an uncompressed EROFS image that lies in memory (mkfs.erofs -E noinline_data, 4 KiB blocks). No state, no allocation, any number of users.
 * Errors: -2 ENOENT, -5 EIO (the image is damaged), -20 ENOTDIR, -22 EINVAL (a feature that this reader does not have). */
#ifndef BASE_EROFS_H
#define BASE_EROFS_H
#include <stddef.h>
#include <stdint.h>

struct erofs {
	const uint8_t *image;
	uint64_t size;               /* of the file system, at most the image's */
	uint64_t root_nid, meta, inode_count;
	uint64_t build_time;         /* s; with ns the mtime of every compact inode */
	uint32_t build_time_ns;
};

struct erofs_inode {
	uint64_t nid, size, mtime;   /* mtime: s */
	uint32_t mtime_ns, mode, uid, gid, nlink, rdev, ino; /* rdev: Linux's new_encode_dev */
	/* Of the data in the image; the whole range lies in it. Regular files: page-aligned and contiguous. Symlinks: contiguous, any alignment.
	 * Directories: read them by erofs_dir_next. */
	uint64_t offset;
	uint64_t tail;               /* directories: offset of what follows the last whole block */
};

struct erofs_dirent { uint64_t nid; uint8_t type; const char *name; size_t name_size; }; /* type: DT_* - as EROFS counts: 1 reg 2 dir 3 chr 4 blk 5 fifo 6 sock 7 lnk */

/* image: page-aligned, stays the caller's, must outlive every use of *fs. Checks the super block and its checksum. */
int erofs_open(struct erofs *fs, const void *image, size_t size);
/* The same of an image whose super block's checksum was found right before, and that nobody can have written since. */
int erofs_open_known(struct erofs *fs, const void *image, size_t size);

int erofs_inode_read(const struct erofs *fs, uint64_t nid, struct erofs_inode *out);

/* Next entry, `.` and `..` among them, in byte order of names; *cursor is 0 at first. 1 = *out filled (the name lies in the image), 0 = end, or an error. */
int erofs_dir_next(const struct erofs *fs, const struct erofs_inode *dir, uint64_t *cursor, struct erofs_dirent *out);

int erofs_lookup(const struct erofs *fs, const struct erofs_inode *dir, const char *name, size_t name_size, uint64_t *nid);

/* Walks from the root; leading, double and trailing slashes are let pass; symlinks are not followed. */
int erofs_path(const struct erofs *fs, const char *path, struct erofs_inode *out);
#endif

/* SPDX-License-Identifier: MIT */
/* Reader of an uncompressed EROFS image: super block and inodes. The image is not trusted: every offset is checked before it is used. */
#include "erofs_disk.h"
#include "string.h"

enum { SUPER_OFFSET = 1024, NID_BITS = 5 };
enum { LAYOUT_PLAIN = 0, LAYOUT_INLINE = 2 };
enum { MODE_LINK = 0120000, MODE_FILE = 0100000, MODE_CHAR = 0020000, MODE_BLOCK = 0060000 };
enum { COMPAT_CHECKSUM = 1 };
enum { INCOMPAT_ZERO_PADDING = 1 }; /* says something of compressed files only */

struct super_block {
	uint32_t magic, checksum, compat;
	uint8_t block_bits, extra_slots;
	uint16_t root_nid;
	uint64_t inodes, build_time;
	uint32_t build_time_ns, blocks, meta_block, xattr_block;
	uint8_t uuid[16], name[16];
	uint32_t incompat;
	uint16_t compression, extra_devices, device_slot;
	uint8_t dir_block_bits, xattr_prefixes;
	uint32_t xattr_prefix_start;
	uint64_t packed_nid;
	uint8_t spare[24];
};
_Static_assert(sizeof(struct super_block) == 128, "EROFS super block");

struct compact_inode {
	uint16_t format, xattr_count, mode, nlink;
	uint32_t size, spare, where, ino;
	uint16_t uid, gid;
	uint32_t spare2;
};
_Static_assert(sizeof(struct compact_inode) == 32, "EROFS compact inode");

struct extended_inode {
	uint16_t format, xattr_count, mode, spare;
	uint64_t size;
	uint32_t where, ino, uid, gid;
	uint64_t mtime;
	uint32_t mtime_ns, nlink;
	uint8_t spare2[16];
};
_Static_assert(sizeof(struct extended_inode) == 64, "EROFS extended inode");

static int range_ok(uint64_t from, uint64_t size, uint64_t limit)
{
	return from <= limit && size <= limit - from;
}

/* CRC-32C without its last inversion, four bits a step. */
static uint32_t crc32c(uint32_t sum, const uint8_t *p, size_t n)
{
	static const uint32_t step[16] = {
		0x00000000, 0x105ec76f, 0x20bd8ede, 0x30e349b1, 0x417b1dbc, 0x5125dad3, 0x61c69362, 0x7198540d,
		0x82f63b78, 0x92a8fc17, 0xa24bb5a6, 0xb21572c9, 0xc38d26c4, 0xd3d3e1ab, 0xe330a81a, 0xf36e6f75,
	};

	for (; n--; p++) {
		sum = sum >> 4 ^ step[(sum ^ *p) & 15];
		sum = sum >> 4 ^ step[(sum ^ *p >> 4) & 15];
	}
	return sum;
}

/* Of a super block that says one: it has that checksum. */
static int sum_is_right(const struct super_block *sb, const uint8_t *at)
{
	uint32_t sum;

	if (!(sb->compat & COMPAT_CHECKSUM))
		return 1;
	sum = crc32c(crc32c(~0u, at, 4), (const uint8_t[4]){ 0 }, 4);
	return crc32c(sum, at + 8, BLOCK - SUPER_OFFSET - 8) == sb->checksum;
}

int erofs_open(struct erofs *fs, const void *image, size_t size)
{
	int error = erofs_open_known(fs, image, size);
	struct super_block sb;

	if (error)
		return error;
	memcpy(&sb, (const uint8_t *)image + SUPER_OFFSET, sizeof sb);
	return sum_is_right(&sb, (const uint8_t *)image + SUPER_OFFSET) ? 0 : DAMAGED;
}

int erofs_open_known(struct erofs *fs, const void *image, size_t size)
{
	const uint8_t *at = (const uint8_t *)image + SUPER_OFFSET;
	struct super_block sb;

	if (size < BLOCK)
		return DAMAGED;
	memcpy(&sb, at, sizeof sb);
	if (sb.magic != 0xe0f5e1e2)
		return DAMAGED;
	if (sb.block_bits != BLOCK_BITS || sb.dir_block_bits || sb.incompat & ~(uint32_t)INCOMPAT_ZERO_PADDING || sb.extra_devices)
		return UNKNOWN;
	if (!sb.blocks || (uint64_t)sb.blocks << BLOCK_BITS > size || sb.meta_block >= sb.blocks)
		return DAMAGED;
	*fs = (struct erofs){
		.image = image, .size = (uint64_t)sb.blocks << BLOCK_BITS, .root_nid = sb.root_nid, .meta = (uint64_t)sb.meta_block << BLOCK_BITS,
		.inode_count = sb.inodes, .build_time = sb.build_time, .build_time_ns = sb.build_time_ns,
	};
	struct erofs_inode root;
	int error = erofs_inode_read(fs, fs->root_nid, &root);

	return error ? error : (root.mode & MODE_TYPE) == MODE_DIR ? 0 : DAMAGED;
}

/* Finds where the data lie and proves that they do. after: offset behind inode and extended attributes. */
static int data_find(const struct erofs *fs, unsigned layout, uint32_t where, uint64_t after, struct erofs_inode *out)
{
	uint64_t whole = out->size & ~(uint64_t)(BLOCK - 1), rest = out->size - whole;
	uint32_t kind = out->mode & MODE_TYPE;

	if (kind != MODE_FILE && kind != MODE_DIR && kind != MODE_LINK) {
		out->rdev = kind == MODE_CHAR || kind == MODE_BLOCK ? where : 0;
		out->size = 0;
		return 0;
	}
	if (!out->size)
		return 0;
	if (layout != LAYOUT_PLAIN && layout != LAYOUT_INLINE)
		return UNKNOWN;
	if (layout == LAYOUT_INLINE && rest) {
		if (kind == MODE_FILE || (kind == MODE_LINK && whole))
			return UNKNOWN;
		/* The format keeps an inlined tail within one block. */
		if (!range_ok(after, rest, fs->size) || (after & (BLOCK - 1)) + rest > BLOCK)
			return DAMAGED;
		out->tail = after;
	}
	out->offset = (uint64_t)where << BLOCK_BITS;
	if (out->tail && !whole)
		out->offset = out->tail;
	else if (!range_ok(out->offset, out->tail ? whole : out->size, fs->size))
		return DAMAGED;
	if (!out->tail)
		out->tail = out->offset + whole;
	return 0;
}

int erofs_inode_read(const struct erofs *fs, uint64_t nid, struct erofs_inode *out)
{
	uint64_t at = fs->meta + (nid << NID_BITS), after;
	struct compact_inode c;
	struct extended_inode e;
	uint32_t where;

	if (nid >= fs->size >> NID_BITS || !range_ok(at, sizeof c, fs->size))
		return DAMAGED;
	memcpy(&c, fs->image + at, sizeof c);
	*out = (struct erofs_inode){ .nid = nid, .mode = c.mode };
	if (c.format & 1) {
		if (!range_ok(at, sizeof e, fs->size))
			return DAMAGED;
		memcpy(&e, fs->image + at, sizeof e);
		out->size = e.size;
		out->mtime = e.mtime;
		out->mtime_ns = e.mtime_ns;
		out->uid = e.uid;
		out->gid = e.gid;
		out->nlink = e.nlink;
		out->ino = e.ino;
		where = e.where;
		after = at + sizeof e;
	} else {
		out->size = c.size;
		out->mtime = fs->build_time;
		out->mtime_ns = fs->build_time_ns;
		out->uid = c.uid;
		out->gid = c.gid;
		out->nlink = c.nlink;
		out->ino = c.ino;
		where = c.where;
		after = at + sizeof c;
	}
	if (c.xattr_count)
		after += 12 + 4 * (uint64_t)(c.xattr_count - 1);
	return data_find(fs, c.format >> 1 & 7, where, after, out);
}

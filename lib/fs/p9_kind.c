/* SPDX-License-Identifier: MIT */
/* The kind "9p": `mount -t 9p -o trans=virtio TAG PLACE` shows the folder of the host that the share of that tag leads
 * to. One mount has a share at a time. */
#include "p9.h"

#define MAGIC 0x01021997

/* Linux's options that say no more than what is so anyway. */
static int options_check(const char *options)
{
	static const char known[][20] = { "trans=virtio", "version=9p2000.L", "cache=none" };

	while (options && *options) {
		size_t n = 0;
		int is_known = 0;

		while (options[n] && options[n] != ',')
			n++;
		for (size_t i = 0; i < sizeof known / sizeof known[0]; i++)
			is_known |= n == strlen(known[i]) && !memcmp(options, known[i], n);
		if (n && !is_known)
			return -EINVAL;
		options += n + !!options[n];
	}
	return 0;
}

static int root_make(struct volume *v)
{
	struct p9_share *s = v->own;
	struct p9_fid *f;
	struct p9_attr a;
	int error = p9_session(s);

	if (!error)
		error = p9_attach(s, &f);
	if (error)
		return error;
	error = p9_getattr(s, f, &a);
	if (!error && (a.mode & S_IFMT) != S_IFDIR)
		error = -ENOTDIR;
	if (!error)
		return p9_inode(v, NULL, NULL, 0, &a, f, &v->root);
	p9_fid_put(s, f);
	return error;
}

static int p9_make(struct volume *v, const char *source, char *options)
{
	struct p9_share *s;
	int error = options_check(options);

	if (error)
		return error;
	if (!source || strlen(source) >= SHARE_TAG || !(s = fam_pages((sizeof(*s) + PAGE - 1) / PAGE)))
		return source && strlen(source) < SHARE_TAG ? -ENOMEM : -ENOENT;
	s->volume = v;
	v->own = s;
	error = p9_connect(s, source);
	if (!error) {
		error = root_make(v);
		if (error)
			p9_disconnect(s);
	}
	if (error)
		fam_pages_free(s, (sizeof(*s) + PAGE - 1) / PAGE);
	return error;
}

static void p9_volume_end(struct volume *v)
{
	struct p9_share *s = v->own;

	p9_disconnect(s);
	fam_pages_free(s, (sizeof(*s) + PAGE - 1) / PAGE);
}

static size_t p9_show(const struct volume *v, char *to, size_t max)
{
	(void)v;
	return (size_t)fmt(to, max, ",trans=virtio,version=9p2000.L,cache=none");
}

/* As the server says of its own file system, which it names by its magic. */
static int p9_size(struct volume *v, struct fs_size *out)
{
	struct p9_share *s = v->own;
	struct p9_fid *f = p9_node(v->root)->at;
	struct p9_call c;
	int error = p9_begin(s, P9_STATFS, &c);

	if (error)
		return error;
	p9_fid_get(f);
	p9_put(&c.ask, f->number, 4);
	error = p9_go(&c);
	if (!error) {
		out->magic = (uint32_t)p9_get(&c.reply, 4);
		out->block = (uint32_t)p9_get(&c.reply, 4);
		out->blocks = p9_get(&c.reply, 8);
		out->free = p9_get(&c.reply, 8);
		out->available = p9_get(&c.reply, 8);
		out->files = p9_get(&c.reply, 8);
		out->files_free = p9_get(&c.reply, 8);
		out->id = p9_get(&c.reply, 8);
		out->name_max = (uint32_t)p9_get(&c.reply, 4);
		error = c.reply.bad ? -EIO : 0;
	}
	p9_end(&c);
	p9_fid_put(s, f);
	return error;
}

static uint64_t p9_blocks(const struct inode *ip) { return p9_node(ip)->blocks; }

const struct fs_ops p9_kind = { .name = "9p", .magic = MAGIC, .is_copied = 1, .make = p9_make,
	.show = p9_show, .end = p9_volume_end,
	.lookup = p9_lookup, .lookup_path = p9_lookup_path, .read_dir = p9_read_dir, .link_text = p9_link_text,
	.create = p9_create, .link = p9_link, .remove = p9_remove, .rename = p9_rename, .change = p9_change,
	.refresh = p9_refresh, .open = p9_open_file, .read = p9_read, .write = p9_write,
	.sync = p9_sync, .size = p9_size, .blocks = p9_blocks, .path = p9_path, .forget = p9_forget };

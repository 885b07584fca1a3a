/* SPDX-License-Identifier: MIT */
/* The tree of /proc: directories, links, and files whose text is made when they are read. Its inodes live only while somebody uses them. */
#include <fs/files.h>

struct node { const char *name; uint8_t what; uint32_t mode; };

static const struct node top_nodes[] = {
	{ "self", PROC_SELF, S_IFLNK | 0777 },
	{ "thread-self", PROC_THREAD_SELF, S_IFLNK | 0777 },
	{ "mounts", PROC_MOUNTS_LINK, S_IFLNK | 0777 },
	{ "meminfo", PROC_MEMINFO, S_IFREG | 0444 },
	{ "uptime", PROC_UPTIME, S_IFREG | 0444 },
	{ "cpuinfo", PROC_CPUINFO, S_IFREG | 0444 },
	{ "version", PROC_VERSION, S_IFREG | 0444 },
	{ "stat", PROC_ALL_STAT, S_IFREG | 0444 },
	{ "loadavg", PROC_LOADAVG, S_IFREG | 0444 },
	{ "filesystems", PROC_FILESYSTEMS, S_IFREG | 0444 },
	{ "cmdline", PROC_BOOT_CMDLINE, S_IFREG | 0444 },
	{ "aril", PROC_ARIL, S_IFREG | 0444 },
	{ "aril-hardware", PROC_ARIL_HARDWARE, S_IFREG | 0444 },
	{ "sys", PROC_SYS, S_IFDIR | 0555 },
};
static const struct node sys_nodes[] = { { "fs", PROC_SYS_FS, S_IFDIR | 0555 } };
static const struct node sys_fs_nodes[] = { { "binfmt_misc", PROC_BINFMT, S_IFDIR | 0755 } };
static const struct node binfmt_nodes[] = { { "register", PROC_BINFMT_REGISTER, S_IFREG | 0200 }, { "status", PROC_BINFMT_STATUS, S_IFREG | 0644 } };
static const struct node binfmt_entry = { "", PROC_BINFMT_ENTRY, S_IFREG | 0644 };

/* A thread's are the same without the first. */
static const struct node pid_nodes[] = {
	{ "task", PROC_TASK, S_IFDIR | 0555 },
	{ "fd", PROC_FDS, S_IFDIR | 0500 },
	{ "exe", PROC_EXE, S_IFLNK | 0777 },
	{ "cwd", PROC_CWD, S_IFLNK | 0777 },
	{ "root", PROC_ROOT_LINK, S_IFLNK | 0777 },
	{ "stat", PROC_STAT, S_IFREG | 0444 },
	{ "statm", PROC_STATM, S_IFREG | 0444 },
	{ "status", PROC_STATUS, S_IFREG | 0444 },
	{ "cmdline", PROC_CMDLINE, S_IFREG | 0444 },
	{ "comm", PROC_COMM, S_IFREG | 0644 },
	{ "maps", PROC_MAPS, S_IFREG | 0444 },
	{ "mounts", PROC_MOUNTS, S_IFREG | 0444 },
	{ "mountinfo", PROC_MOUNTINFO, S_IFREG | 0444 },
};
#define COUNT(a) (sizeof(a) / sizeof((a)[0]))
#define FIRST_PID 256  /* positions of processes in /proc: FIRST_PID + pid */

/* The same node has the same number whenever it is made. */
static uint64_t node_number(uint8_t what, int pid, int fd)
{
	return 0xf0000000ul + ((uint64_t)pid << 33) + ((uint64_t)(fd + 1) << 8) + what;
}

static int node_make(struct inode *dir, const struct node *n, int pid, int fd, struct inode **out)
{
	struct inode *ip = inode_new(n->mode);

	if (!ip)
		return -ENOMEM;
	memset(&ip->dir, 0, sizeof(ip->dir));
	ip->kind = KIND_PROC;
	ip->proc.what = n->what;
	ip->proc.pid = pid;
	ip->proc.fd = fd;
	ip->ino = node_number(n->what, pid, fd);
	inode_get(dir);
	ip->parent = dir;
	if (S_ISLNK(n->mode))
		ip->size = n->what == PROC_MOUNTS_LINK ? 11 : n->what == PROC_SELF ? 0 : 64;
	*out = ip;
	return 0;
}

static long number_of(const char *name, size_t n)
{
	long value = 0;

	if (!n || n > 6 || (name[0] == '0' && n > 1))
		return -1;
	while (n--) {
		if (*name < '0' || *name > '9')
			return -1;
		value = value * 10 + (*name++ - '0');
	}
	return value;
}

static int list_find(const struct node *list, size_t count, struct inode *dir, const char *name, size_t n, struct inode **out)
{
	for (size_t i = 0; i < count; i++)
		if (strlen(list[i].name) == n && !memcmp(list[i].name, name, n))
			return node_make(dir, &list[i], dir->proc.pid, -1, out);
	return -ENOENT;
}

static struct file *file_of(int pid, long fd)
{
	struct task_view view;

	if (fd < 0 || fd >= FD_MAX || thread_look(pid, &view))
		return NULL;
	return view.files ? fd_at(view.files, (uint32_t)fd) : NULL;
}

int procfs_lookup(struct inode *dir, const char *name, size_t n, struct inode **out)
{
	static const struct node pid_node = { "", PROC_PID, S_IFDIR | 0555 }, thread_node = { "", PROC_THREAD, S_IFDIR | 0555 };
	long value = number_of(name, n);
	struct task_view view;
	struct file *f;

	switch (dir->proc.what) {
	case PROC_ROOT:
		if (value > 0 && !thread_look((int)value, &view))
			return node_make(dir, &pid_node, (int)value, -1, out);
		return list_find(top_nodes, COUNT(top_nodes), dir, name, n, out);
	case PROC_PID:
		if (thread_look(dir->proc.pid, &view))
			return -ENOENT;
		return list_find(pid_nodes, COUNT(pid_nodes), dir, name, n, out);
	case PROC_THREAD:
		if (thread_look(dir->proc.pid, &view))
			return -ENOENT;
		return list_find(pid_nodes + 1, COUNT(pid_nodes) - 1, dir, name, n, out);
	case PROC_TASK:
		if (value <= 0 || thread_look((int)value, &view) || view.pid != dir->proc.pid)
			return -ENOENT;
		return node_make(dir, &thread_node, (int)value, -1, out);
	case PROC_SYS:
		return list_find(sys_nodes, COUNT(sys_nodes), dir, name, n, out);
	case PROC_SYS_FS:
		return list_find(sys_fs_nodes, COUNT(sys_fs_nodes), dir, name, n, out);
	case PROC_BINFMT:
		value = binfmt_number(name, n);
		return value ? node_make(dir, &binfmt_entry, 0, (int)value, out) : list_find(binfmt_nodes, COUNT(binfmt_nodes), dir, name, n, out);
	case PROC_FDS:
		f = file_of(dir->proc.pid, value);
		if (f) {
			unsigned mode = f->flags & O_ACCMODE;
			struct node node = { "", PROC_FD, S_IFLNK | (mode == O_RDONLY ? 0500 : mode == O_WRONLY ? 0300 : 0700) };

			return node_make(dir, &node, dir->proc.pid, (int)value, out);
		}
	}
	return -ENOENT;
}

static int list_read(const struct node *list, size_t count, struct inode *dir, uint64_t *at, dir_emit *emit, void *context)
{
	while (*at - 2 < count) {
		const struct node *n = &list[*at - 2];

		if (emit(context, n->name, strlen(n->name), node_number(n->what, dir->proc.pid, -1), n->mode >> 12, *at + 1))
			return 1;
		++*at;
	}
	return 0;
}

static int pids_read(uint64_t *at, dir_emit *emit, void *context)
{
	for (struct task *t = task_first(); t; t = task_next(t)) {
		struct task_view view;
		char name[16];
		int n;

		task_look(t, &view);
		if ((uint64_t)view.pid + FIRST_PID < *at)
			continue;
		n = fmt(name, sizeof(name), "%d", view.pid);
		if (emit(context, name, (size_t)n, node_number(PROC_PID, view.pid, -1), S_IFDIR >> 12, (uint64_t)view.pid + FIRST_PID + 1))
			return 0;
		*at = (uint64_t)view.pid + FIRST_PID + 1;
	}
	return 0;
}

static void formats_read(uint64_t *at, dir_emit *emit, void *context)
{
	const char *name;
	int number;

	while ((number = binfmt_next((int)(*at - 2 - COUNT(binfmt_nodes)), &name))) {
		uint64_t next = 2 + COUNT(binfmt_nodes) + (uint64_t)number;

		if (emit(context, name, strlen(name), node_number(PROC_BINFMT_ENTRY, 0, number), S_IFREG >> 12, next))
			return;
		*at = next;
	}
}

int procfs_read_dir(struct inode *dir, uint64_t *at, dir_emit *emit, void *context)
{
	struct task_view view;
	char name[16];
	int n, tid;

	switch (dir->proc.what) {
	case PROC_ROOT:
		if (list_read(top_nodes, COUNT(top_nodes), dir, at, emit, context))
			return 0;
		return pids_read(at, emit, context);
	case PROC_PID:
		list_read(pid_nodes, COUNT(pid_nodes), dir, at, emit, context);
		return 0;
	case PROC_THREAD:
		list_read(pid_nodes + 1, COUNT(pid_nodes) - 1, dir, at, emit, context);
		return 0;
	case PROC_SYS:
		list_read(sys_nodes, COUNT(sys_nodes), dir, at, emit, context);
		return 0;
	case PROC_SYS_FS:
		list_read(sys_fs_nodes, COUNT(sys_fs_nodes), dir, at, emit, context);
		return 0;
	case PROC_BINFMT:
		if (!list_read(binfmt_nodes, COUNT(binfmt_nodes), dir, at, emit, context))
			formats_read(at, emit, context);
		return 0;
	case PROC_TASK:
		while ((tid = thread_tid_from(dir->proc.pid, (int)(*at - 2)))) {
			n = fmt(name, sizeof(name), "%d", tid);
			if (emit(context, name, (size_t)n, node_number(PROC_THREAD, tid, -1), S_IFDIR >> 12, (uint64_t)tid + 3))
				return 0;
			*at = (uint64_t)tid + 3;
		}
		return 0;
	case PROC_FDS:
		if (thread_look(dir->proc.pid, &view) || !view.files)
			return 0;
		for (int fd; (fd = fd_next(view.files, (uint32_t)(*at - 2))) >= 0; ++*at) {
			*at = (uint64_t)fd + 2;
			n = fmt(name, sizeof(name), "%d", fd);
			if (emit(context, name, (size_t)n, node_number(PROC_FD, dir->proc.pid, fd), S_IFLNK >> 12, *at + 1))
				return 0;
		}
	}
	return 0;
}

int procfs_jump(struct inode *link, struct inode **out)
{
	struct task_view view;
	struct inode *to = NULL;
	struct file *f;

	if (link->proc.what == PROC_SELF || link->proc.what == PROC_THREAD_SELF || link->proc.what == PROC_MOUNTS_LINK)
		return 1;
	if (thread_look(link->proc.pid, &view))
		return -ENOENT;
	switch (link->proc.what) {
	case PROC_EXE:
		to = view.exe;
		break;
	case PROC_CWD:
		to = view.files ? view.files->cwd : NULL;
		break;
	case PROC_ROOT_LINK:
		to = fs_family()->root;
		break;
	case PROC_FD:
		f = file_of(link->proc.pid, link->proc.fd);
		to = f ? f->ip : NULL;
	}
	if (!to)
		return -ENOENT;
	inode_get(to);
	*out = to;
	return 0;
}

long procfs_link_text(struct inode *link, char *to, size_t max)
{
	struct inode *ip;
	long n;
	int jump = procfs_jump(link, &ip);

	if (jump < 0)
		return jump;
	if (jump > 0 && link->proc.what == PROC_THREAD_SELF)
		return fmt(to, max, "%d/task/%d", current_pid(), current_tid());
	if (jump > 0)
		return link->proc.what == PROC_SELF ? fmt(to, max, "%d", current_pid()) : fmt(to, max, "self/mounts");
	n = inode_path(ip, to, max);
	inode_put(ip);
	return n;
}

long procfs_path(const struct inode *ip, char *to, size_t max)
{
	int pid = ip->proc.pid;
	struct task_view view;

	switch (ip->proc.what) {
	case PROC_ROOT:
		return fmt(to, max, "/proc");
	case PROC_PID:
		return fmt(to, max, "/proc/%d", pid);
	case PROC_THREAD:
		return thread_look(pid, &view) ? -ENOENT : fmt(to, max, "/proc/%d/task/%d", view.pid, pid);
	case PROC_FD:
		return fmt(to, max, "/proc/%d/fd/%d", pid, ip->proc.fd);
	}
	if (ip->proc.what >= PROC_SYS && ip->proc.what <= PROC_BINFMT)
		return fmt(to, max, "/proc/sys%s%s", ip->proc.what >= PROC_SYS_FS ? "/fs" : "", ip->proc.what == PROC_BINFMT ? "/binfmt_misc" : "");
	for (size_t i = 0; i < COUNT(pid_nodes); i++)
		if (pid && pid_nodes[i].what == ip->proc.what)
			return fmt(to, max, "/proc/%d/%s", pid, pid_nodes[i].name);
	for (size_t i = 0; i < COUNT(top_nodes); i++)
		if (top_nodes[i].what == ip->proc.what)
			return fmt(to, max, "/proc/%s", top_nodes[i].name);
	return -ENOENT;
}

#define TEXT_PAGES 16

/* What reads see: made at the first one and at every one from the start. */
struct proc_text { size_t size; char bytes[TEXT_PAGES * PAGE - sizeof(size_t)]; };

static long proc_read(struct file *f, struct io *io, uint64_t at)
{
	struct proc_text *text = f->own;
	struct task_view view;
	size_t n;

	if (!text && !(text = f->own = fam_pages(TEXT_PAGES)))
		return -ENOMEM;
	if (at == 0 || !text->size)
		text->size = procfs_text(f->ip, text->bytes, sizeof(text->bytes));
	if (f->ip->proc.pid && thread_look(f->ip->proc.pid, &view))
		return -ESRCH;
	if (at >= text->size)
		return 0;
	n = min_u64(io->total, text->size - at);
	return io_put(io, text->bytes + at, n) < 0 ? -EFAULT : (long)n;
}

/* comm: the thread's new name, up to its first line's end. */
static long comm_write(struct file *f, const char *text, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if (text[i] == '\n')
			n = i;
	return thread_rename(f->ip->proc.pid, text, min_u64(n, 15));
}

static long text_take(struct file *f, const char *text, size_t n)
{
	switch (f->ip->proc.what) {
	case PROC_COMM:
		return comm_write(f, text, n);
	case PROC_BINFMT_REGISTER:
		return binfmt_register(text, n);
	case PROC_BINFMT_STATUS:
		return binfmt_command(0, text, n);
	case PROC_BINFMT_ENTRY:
		return binfmt_command(f->ip->proc.fd, text, n);
	}
	return -EACCES;
}

static long proc_write(struct file *f, struct io *io, uint64_t at)
{
	size_t n = io->total;
	char *text = n > BINFMT_LINE_MAX && f->ip->proc.what != PROC_COMM ? NULL : fam_pages(1);
	long e;

	(void)at;
	if (!text)
		return n > BINFMT_LINE_MAX ? -EINVAL : -ENOMEM;
	e = io_get(io, text, min_u64(n, BINFMT_LINE_MAX)) ? -EFAULT : text_take(f, text, min_u64(n, BINFMT_LINE_MAX));
	fam_pages_free(text, 1);
	return e ? e : (long)n;
}

static void proc_release(struct file *f)
{
	if (f->own)
		fam_pages_free(f->own, TEXT_PAGES);
}

const struct file_ops proc_ops = { .read = proc_read, .write = proc_write, .release = proc_release, .seek = SEEK_FILE };

/* SPDX-License-Identifier: MIT */
/* The rows of /proc, and the names in it that come and go: processes, threads, descriptors, formats. */
#include <linux/nsfs.h>
#include <linux/sched.h>
#include "proc.h"

static struct file *file_of(int pid, long fd)
{
	struct task_view view;

	if (fd < 0 || fd >= FD_MAX || thread_look(pid, &view))
		return NULL;
	return view.files ? fd_at(view.files, (uint32_t)fd) : NULL;
}

/* ---- links */
static void self(struct text *t, const struct proc_node *of) { (void)of; say(t, "%d", current_pid()); }
static void thread_self(struct text *t, const struct proc_node *of) { (void)of; say(t, "%d/task/%d", current_pid(),
	current_tid()); }

static int to_place(struct mount *mount, struct inode *inode, struct place *out)
{
	if (!inode)
		return -ENOENT;
	*out = (struct place){ mount, inode };
	place_get(out);
	return 0;
}

static int jump_exe(const struct inode *link, struct place *out)
{
	struct task_view view;

	if (thread_look(link->proc.pid, &view) || !view.exe)
		return -ENOENT;
	return to_place(mount_of(view.exe), view.exe, out);
}

static int jump_cwd(const struct inode *link, struct place *out)
{
	struct task_view view;

	if (thread_look(link->proc.pid, &view) || !view.places)
		return -ENOENT;
	return to_place(view.places->cwd.mount, view.places->cwd.inode, out);
}

static int jump_root(const struct inode *link, struct place *out)
{
	struct task_view view;
	struct place root;

	if (thread_look(link->proc.pid, &view) || !view.places)
		return -ENOENT;
	root = places_root(view.places);
	return to_place(root.mount, root.inode, out);
}

static int jump_fd(const struct inode *link, struct place *out)
{
	struct file *f = file_of(link->proc.pid, link->proc.fd);

	return f ? to_place(f->mount, f->ip, out) : -ENOENT;
}

/* ---- namespaces: there is one of each, under the numbers of Linux's first ones (include/linux/proc_ns.h) */
#define NS_ROW(name, number) { name ":[" #number "]", S_IFREG | 0444, .control = ns_control }
static long ns_control(struct file *f, unsigned request, uint64_t arg);
static const struct shown ns_files[] = {
	NS_ROW("cgroup", 4026531835), NS_ROW("ipc", 4026531839), NS_ROW("mnt", 4026531841), NS_ROW("net", 4026531840),
		NS_ROW("pid", 4026531836),
	NS_ROW("time", 4026531834), NS_ROW("user", 4026531837), NS_ROW("uts", 4026531838),
};
#define NS_COUNT (sizeof(ns_files) / sizeof(ns_files[0]))
static const uint64_t ns_numbers[] = { 4026531835, 4026531839, 4026531841, 4026531840, 4026531836, 4026531834,
	4026531837, 4026531838 };
static const int ns_types[] = { CLONE_NEWCGROUP, CLONE_NEWIPC, CLONE_NEWNS, CLONE_NEWNET, CLONE_NEWPID, CLONE_NEWTIME,
	CLONE_NEWUSER, CLONE_NEWUTS };

/* The node of the namespace whose name begins so, below the same folder: 0, -ENOENT, -ENOMEM. */
static int ns_node(struct inode *dir, const char *name, struct inode **out)
{
	for (size_t i = 0; i < NS_COUNT; i++)
		if (!memcmp(name, ns_files[i].name, (size_t)(strchr(ns_files[i].name, ':') - ns_files[i].name))) {
			int error = proc_node_make(dir, &ns_files[i], 0, -1, out);

			if (!error)
				(*out)->ino = ns_numbers[i];
			return error;
		}
	return -ENOENT;
}

static int jump_ns(const struct inode *link, struct place *out)
{
	out->mount = NULL;
	return ns_node(link->parent, link->proc.row->name, &out->inode);
}

/* ioctl_ns(2). What the first namespaces are in is nobody's to see. */
static long ns_control(struct file *f, unsigned request, uint64_t arg)
{
	int type = ns_types[f->ip->proc.row - ns_files], error;
	const uint32_t owner = 0;
	struct inode *ip;
	struct file *opened;

	switch (request) {
	case NS_GET_NSTYPE:
		return type;
	case NS_GET_PARENT:
		return type == CLONE_NEWPID || type == CLONE_NEWUSER ? -EPERM : -EINVAL;
	case NS_GET_OWNER_UID:
		if (type != CLONE_NEWUSER)
			return -EINVAL;
		return user_write(arg, &owner, sizeof(owner)) < 0 ? -EFAULT : 0;
	case NS_GET_USERNS:
		if (type == CLONE_NEWUSER)
			return -EPERM;
		error = ns_node(f->ip->parent, "user", &ip);
		if (error)
			return error;
		error = inode_open(ip, O_RDONLY, &opened);
		inode_put(ip);
		return error ? error : fd_new(current_files(), opened, 0, 1);
	}
	return -ENOTTY;
}

#define LINK(name, how) { name, S_IFLNK | 0777, .jump = how }
static const struct shown ns_rows[] = {
	LINK("cgroup", jump_ns), LINK("ipc", jump_ns), LINK("mnt", jump_ns), LINK("net", jump_ns), LINK("pid", jump_ns),
		LINK("pid_for_children", jump_ns),
	LINK("time", jump_ns), LINK("time_for_children", jump_ns), LINK("user", jump_ns), LINK("uts", jump_ns), { 0 },
};

/* ---- descriptors */
static const struct shown fd_rows[] = { /* by access mode */
	{ "", S_IFLNK | 0500, .jump = jump_fd }, { "", S_IFLNK | 0300, .jump = jump_fd }, { "", S_IFLNK | 0700,
		.jump = jump_fd }, { "", S_IFLNK | 0700, .jump = jump_fd },
};
static const struct shown fdinfo_row = { "", S_IFREG | 0400, .text = text_fdinfo };

static const struct shown *fd_row(const struct file *f) { return &fd_rows[f->flags & O_ACCMODE]; }

static int fd_find(struct inode *dir, const char *name, size_t n, struct inode **out)
{
	long fd = proc_number(name, n);
	struct file *f = file_of(dir->proc.pid, fd);

	return f ? proc_node_make(dir, fd_row(f), dir->proc.pid, (int)fd, out) : -ENOENT;
}

static int fdinfo_find(struct inode *dir, const char *name, size_t n, struct inode **out)
{
	long fd = proc_number(name, n);

	return file_of(dir->proc.pid, fd) ? proc_node_make(dir, &fdinfo_row, dir->proc.pid, (int)fd, out) : -ENOENT;
}

static int fd_next_name(const struct inode *dir, uint64_t *number, char name[64], const struct shown **row,
	struct proc_node *of)
{
	struct task_view view;
	int fd = thread_look(dir->proc.pid, &view) || !view.files ? -1 : fd_next(view.files, (uint32_t)*number);

	if (fd < 0)
		return 0;
	*number = (uint64_t)fd;
	*row = fd_row(fd_at(view.files, (uint32_t)fd));
	*of = (struct proc_node){ .row = *row, .pid = dir->proc.pid, .fd = fd };
	(void)fmt(name, 64, "%d", fd);
	return 1;
}

static int fdinfo_next_name(const struct inode *dir, uint64_t *number, char name[64], const struct shown **row,
	struct proc_node *of)
{
	int is_there = fd_next_name(dir, number, name, row, of);

	*row = of->row = &fdinfo_row;
	return is_there;
}

static const struct shown_more fds = { fd_find, fd_next_name }, fdinfos = { fdinfo_find, fdinfo_next_name };

/* ---- a process; a thread's rows are the same but for the first */
static long take_ignored_size(const struct proc_node *of, const char *text, size_t n) { (void)of, (void)text,
	(void)n; return -EINVAL; }

static const struct shown_more threads;
static const struct shown net_rows[] = { TEXT("unix", text_net_unix), { 0 } };
static const struct shown pid_rows[] = {
	{ "task", S_IFDIR | 0555, .more = &threads },
	{ "fd", S_IFDIR | 0500, .more = &fds },
	{ "fdinfo", S_IFDIR | 0555, .more = &fdinfos },
	{ "ns", S_IFDIR | 0511, .in = ns_rows },
	DIRECTORY("net", net_rows),
	TEXT("environ", text_environ),
	{ "auxv", S_IFREG | 0400, .text = text_auxv },
	TEXT("status", text_status),
	{ "personality", S_IFREG | 0400, .text = text_personality },
	TEXT("limits", text_limits),
	{ "comm", S_IFREG | 0644, .text = text_comm, .take = take_comm },
	TEXT("cmdline", text_cmdline),
	TEXT("stat", text_stat),
	TEXT("statm", text_statm),
	{ "maps", S_IFREG | 0444, .text = text_maps, .is_big = 1 },
	{ "mem", S_IFREG | 0600, .move = move_memory },
	{ "pagemap", S_IFREG | 0400, .move = move_pagemap },
	LINK("cwd", jump_cwd),
	LINK("root", jump_root),
	LINK("exe", jump_exe),
	TEXT("mounts", text_mounts),
	TEXT("mountinfo", text_mountinfo),
	{ "smaps", S_IFREG | 0444, .text = text_smaps, .is_big = 1 },
	TEXT("smaps_rollup", text_smaps_rollup),
	{ "tables", S_IFREG | 0444, .text = text_tables, .is_big = 1 },
	TEXT("wchan", text_wchan),
	TEXT("schedstat", text_schedstat),
	FIXED("cgroup", "0::/"),
	TEXT("oom_score", text_oom_score),
	{ "oom_score_adj", S_IFREG | 0644, .text = text_oom_score_adj, .take = take_oom_score_adj },
	FIXED("loginuid", "4294967295"),
	FIXED("sessionid", "4294967295"),
	{ "coredump_filter", S_IFREG | 0644, .text = text_coredump, .take = take_coredump },
	{ "io", S_IFREG | 0400, .text = text_io },
	FIXED("uid_map", "         0          0 4294967295"),
	FIXED("gid_map", "         0          0 4294967295"),
	FIXED("projid_map", "         0          0 4294967295"),
	{ "setgroups", S_IFREG | 0644, .fixed = "allow", .take = take_ignored_size },
	{ "timerslack_ns", S_IFREG | 0666, .text = text_timerslack, .take = take_timerslack },
	TEXT("children", text_children),
	{ 0 },
};
static const struct shown process = { "", S_IFDIR | 0555, .in = pid_rows }, thread = { "", S_IFDIR | 0555,
	.in = pid_rows + 1 };

static int thread_find(struct inode *dir, const char *name, size_t n, struct inode **out)
{
	long tid = proc_number(name, n);
	struct task_view view;

	if (tid <= 0 || thread_look((int)tid, &view) || view.pid != dir->proc.pid)
		return -ENOENT;
	return proc_node_make(dir, &thread, (int)tid, -1, out);
}

static int thread_next(const struct inode *dir, uint64_t *number, char name[64], const struct shown **row,
	struct proc_node *of)
{
	int tid = thread_tid_from(dir->proc.pid, (int)*number);

	*number = (uint64_t)tid;
	*row = &thread;
	*of = (struct proc_node){ .row = &thread, .pid = tid, .fd = -1 };
	(void)fmt(name, 64, "%d", tid);
	return tid != 0;
}

static const struct shown_more threads = { thread_find, thread_next };

/* Another process of the same number, later, has a folder and files of other numbers: in the place of a descriptor, but
 * negative, as of what is of none. */
static int process_mark(const struct task_view *v) { return -2 - (int)(v->start_ns / 1000 % 0x200000); }

static int process_find(struct inode *dir, const char *name, size_t n, struct inode **out)
{
	long pid = proc_number(name, n);
	struct task_view view;

	int error = -ENOENT;

	if (pid > 0 && !thread_look((int)pid, &view))
		error = proc_node_make(dir, &process, (int)pid, process_mark(&view), out);

	if (!error)
		memcpy((*out)->proc.text, &view.start_ns, sizeof view.start_ns);
	return error;
}

struct task *proc_task_of(const struct file *f, int *is_folder)
{
	struct task *t = NULL;
	struct task_view view;

	*is_folder = f->ops == &directory_ops && f->ip->kind == KIND_OPS && f->ip->volume->ops == &proc_kind &&
		f->ip->proc.row == &process;
	if (*is_folder && (t = task_by_pid(f->ip->proc.pid)) != NULL)
		task_look(t, &view);
	return t && !memcmp(f->ip->proc.text, &view.start_ns, sizeof view.start_ns) ? t : NULL;
}

static int process_next(const struct inode *dir, uint64_t *number, char name[64], const struct shown **row,
	struct proc_node *of)
{
	(void)dir;
	for (struct task *t = task_first(); t; t = task_next(t)) {
		struct task_view view;

		task_look(t, &view);
		if ((uint64_t)view.pid < *number)
			continue;
		*number = (uint64_t)view.pid;
		*row = &process;
		*of = (struct proc_node){ .row = &process, .pid = view.pid, .fd = process_mark(&view) };
		(void)fmt(name, 64, "%d", view.pid);
		return 1;
	}
	return 0;
}

static const struct shown_more processes = { process_find, process_next };

/* ---- formats of programs */
static long take_register(const struct proc_node *of, const char *text,
	size_t n) { (void)of; return binfmt_register(text, n); }
static long take_format(const struct proc_node *of, const char *text, size_t n) { return binfmt_command(of->fd > 0
	? of->fd : 0, text, n); }

static void text_format(struct text *t, const struct proc_node *of)
{
	t->n = binfmt_text(of->fd > 0 ? of->fd : 0, t->to, t->max);
}

const struct shown binfmt_rows[] = {
	{ "register", S_IFREG | 0200, .take = take_register },
	{ "status", S_IFREG | 0644, .text = text_format, .take = take_format },
	{ 0 },
};
static const struct shown format = { "", S_IFREG | 0644, .text = text_format, .take = take_format };

static int format_find(struct inode *dir, const char *name, size_t n, struct inode **out)
{
	int number = binfmt_number(name, n);

	return number ? proc_node_make(dir, &format, 0, number, out) : -ENOENT;
}

static int format_next(const struct inode *dir, uint64_t *number, char name[64], const struct shown **row,
	struct proc_node *of)
{
	const char *text;
	int found = binfmt_next((int)*number - 1, &text);

	(void)dir;
	if (!found)
		return 0;
	*number = (uint64_t)found;
	*row = &format;
	*of = (struct proc_node){ .row = &format, .pid = 0, .fd = found };
	(void)fmt(name, 64, "%s", text);
	return 1;
}

const struct shown_more binfmt_names = { format_find, format_next };

/* ---- the top */
static void text_nothing(struct text *t, const struct proc_node *of) { (void)t, (void)of; }

static const struct shown sysvipc_rows[] = { TEXT("msg", text_sysvipc_msg), TEXT("sem", text_sysvipc_sem), TEXT("shm",
	text_sysvipc_shm), { 0 } };
static const struct shown top_rows[] = {
	{ "self", S_IFLNK | 0777, .text = self },
	{ "thread-self", S_IFLNK | 0777, .text = thread_self },
	{ "mounts", S_IFLNK | 0777, .fixed = "self/mounts" },
	{ "net", S_IFLNK | 0777, .fixed = "self/net" },
	TEXT("meminfo", text_meminfo),
	TEXT("vmstat", text_vmstat),
	TEXT("uptime", text_uptime),
	TEXT("cpuinfo", text_cpuinfo),
	TEXT("version", text_version),
	TEXT("stat", text_all_stat),
	TEXT("loadavg", text_loadavg),
	TEXT("locks", text_locks),
	TEXT("filesystems", text_filesystems),
	FIXED("devices",
		"Character devices:\n  1 mem\n  4 ttyS\n  5 /dev/tty\n  5 /dev/console\n  5 /dev/ptmx\n136 pts\n\n"
		"Block devices:\n252 zram"),
	FIXED("interrupts", "            CPU0       "),
	TEXT("swaps", text_swaps),
	FIXED("partitions", "major minor  #blocks  name\n"),
	TEXT("diskstats", text_nothing),
	FIXED("cgroups", "#subsys_name\thierarchy\tnum_cgroups\tenabled"),
	FIXED("cmdline", ""),
	TEXT("aril", text_aril),
	TEXT("aril-hardware", text_aril_hardware),
	{ "aril-report", S_IFREG | 0600, .move = move_report },
	DIRECTORY("sysvipc", sysvipc_rows),
	DIRECTORY("sys", sysctl_rows),
	{ 0 },
};
const struct shown proc_root = { "proc", S_IFDIR | 0555, .in = top_rows, .more = &processes };

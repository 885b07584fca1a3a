/* SPDX-License-Identifier: MIT */
/* /proc/sys: settings of the system by name. What cannot be set here is read-only, and what has no meaning here is
 * absent. */
#include "proc.h"
#include <posix/file/aio.h>
#include <posix/sysv/sysv.h>
#include <run/realtime.h>
#include <vm/vm.h>

/* ---- values that follow from the system itself */
static void say_number(struct text *t, uint64_t n) { say(t, "%lu\n", (unsigned long)n); }
#define NUMBER(name, value) \
	static void name(struct text *t, const struct proc_node *of) { (void)of; say_number(t, value); }
NUMBER(text_threads_max, PROC_MAX * 4ul)
NUMBER(text_pid_max, PID_END)
NUMBER(text_min_free, frames_kept() * 4)
NUMBER(text_aio, aio_count())
NUMBER(text_file_max, fam_room(ROOM_FEW))

static void text_file_nr(struct text *t, const struct proc_node *of)
{
	unsigned long n = 0;

	(void)of;
	for (struct task *task = task_first(); task; task = task_next(task)) {
		struct task_view v;

		task_look(task, &v);
		for (int fd = -1; v.files && (fd = fd_next(v.files, (uint32_t)fd + 1)) >= 0;)
			n++;
	}
	say(t, "%lu\t0\t%lu\n", n, (unsigned long)fam_room(ROOM_FEW));
}

/* ---- names: what uname says */
static void text_name(struct text *t, const struct proc_node *of)
{
	char name[65];

	say(t, "%s\n", system_name(of->row->name, name));
}

static long take_name(const struct proc_node *of, const char *text, size_t n)
{
	while (n && (text[n - 1] == '\n' || !text[n - 1]))
		n--;
	return system_rename(text, n, !strcmp(of->row->name, "domainname"));
}

/* ---- how much of where programs lie is random */
NUMBER(text_randomize, F->randomize)

static long take_randomize(const struct proc_node *of, const char *text, size_t n)
{
	(void)of;
	if (!n || text[0] < '0' || text[0] > '2' || (n > 1 && text[1] != '\n'))
		return -EINVAL;
	F->randomize = (uint32_t)(text[0] - '0');
	return 0;
}

/* ---- what real-time threads have of the CPU. runtime: -1, all of it */
NUMBER(text_slice, F->realtime.slice_ns / 1000000)
NUMBER(text_period, F->realtime.period_ns / 1000)

static void text_runtime(struct text *t, const struct proc_node *of)
{
	uint64_t ns = F->realtime.runtime_ns;

	(void)of;
	say(t, "%ld\n", ns == REALTIME_WHOLE ? -1l : (long)(ns / 1000));
}

/* A decimal number of an int, with a line's end or not: 0 or -EINVAL. */
static int int_read(const char *text, size_t n, int64_t *to)
{
	int is_negative = n && *text == '-';
	size_t i = (size_t)is_negative;

	*to = 0;
	for (; i < n && text[i] >= '0' && text[i] <= '9' && *to <= INT32_MAX; i++)
		*to = *to * 10 + text[i] - '0';
	if (i == (size_t)is_negative || *to > INT32_MAX || (i < n && text[i] != '\n'))
		return -EINVAL;
	*to = is_negative ? -*to : *to;
	return 0;
}

static long take_realtime(const struct proc_node *of, const char *text, size_t n)
{
	uint64_t period = F->realtime.period_ns, runtime = F->realtime.runtime_ns;
	int64_t value;

	if (int_read(text, n, &value))
		return -EINVAL;
	if (!strcmp(of->row->name, "sched_rr_timeslice_ms")) {
		F->realtime.slice_ns = value > 0 ? (uint64_t)value * 1000000 : REALTIME_SLICE_NS;
		return 0;
	}
	if (!strcmp(of->row->name, "sched_rt_period_us"))
		period = value > 0 ? (uint64_t)value * 1000 : 0;
	else
		runtime = value >= 0 ? (uint64_t)value * 1000 : REALTIME_WHOLE;
	if (value < -1)
		return -EINVAL;
	return realtime_share(period, runtime);
}

/* ---- numbers that are an int as it stands in the family, between two others */
struct limited { const char *name; int32_t *at, least, most; };

static struct limited int_of(const struct proc_node *of)
{
	struct fs_family *fs = fs_family();
	const struct limited row[] = {
		{ "nr_open", &fs->fd_most, 64, FD_MAX }, { "core_uses_pid", &fs->core_uses_pid, INT32_MIN, INT32_MAX },
		{ "max_map_count", &F->regions_most, 0, (int32_t)regions_max() },
		{ "lease-break-time", &fs->lease_seconds, INT32_MIN, INT32_MAX },
		{ "leases-enable", &fs->leases, INT32_MIN, INT32_MAX },
		{ "max_user_instances", &fs->watching_most, 0, INT32_MAX },
		{ "msgmni", ipc_most(IPC_MSG), 0, IPC_OBJECTS }, { "shmmni", ipc_most(IPC_SHM), 0, IPC_OBJECTS },
		{ "ns_last_pid", &F->last_tid, 0, PID_END },
	};
	size_t i = 0;

	while (strcmp(of->row->name, row[i].name))
		i++;
	return row[i];
}

static void text_int(struct text *t, const struct proc_node *of)
{
	const struct limited l = int_of(of);

	say(t, "%d\n", l.at ? *l.at : l.most);
}

static long take_int(const struct proc_node *of, const char *text, size_t n)
{
	const struct limited l = int_of(of);
	int64_t value;

	if (int_read(text, n, &value) || value < l.least || value > l.most)
		return -EINVAL;
	if (!l.at)
		return -ENOMEM;
	*l.at = (int32_t)value;
	return 0;
}
#define INT(name) { name, S_IFREG | 0644, .text = text_int, .take = take_int }

/* ---- how large a pipe may be that is no root's: as Linux, a power of two of pages. Root's may be larger. */
NUMBER(text_pipe_most, fs_family()->pipe_most)

static long take_pipe_most(const struct proc_node *of, const char *text, size_t n)
{
	int64_t value, size = PAGE;

	(void)of;
	if (int_read(text, n, &value) || value < 0)
		return -EINVAL;
	while (size < value)
		size *= 2;
	if (size > INT32_MAX)
		return -EINVAL;
	fs_family()->pipe_most = (int32_t)size;
	return 0;
}

/* ---- where core files go: process/core_name.c */
static void text_pattern(struct text *t, const struct proc_node *of)
{
	(void)of;
	say(t, "%s\n", fs_family()->core_pattern);
}

/* A command that would read them is refused: nobody starts one. What is too long is cut, as by Linux. */
static long take_pattern(const struct proc_node *of, const char *text, size_t n)
{
	char *to = fs_family()->core_pattern;
	size_t size = 0;

	(void)of;
	if (n && text[0] == '|')
		return -EINVAL;
	while (size < n && size < sizeof(fs_family()->core_pattern) - 1 && text[size] && text[size] != '\n')
		size++;
	memcpy(to, text, size);
	to[size] = '\0';
	return 0;
}

/* ---- random numbers in the form of RFC 9562, version 4; boot_id is the same until the machine ends */
static void say_uuid(struct text *t, const uint8_t id[16])
{
	for (int i = 0; i < 16; i++)
		say(t, "%s%02x", i == 4 || i == 6 || i == 8 || i == 10 ? "-" : "", id[i]);
	say(t, "\n");
}

static void uuid_make(uint8_t id[16])
{
	random_bytes(id, 16);
	id[6] = (uint8_t)((id[6] & 15) | 0x40);
	id[8] = (uint8_t)((id[8] & 63) | 0x80);
}

static void text_uuid(struct text *t, const struct proc_node *of)
{
	uint8_t id[16];

	(void)of;
	uuid_make(id);
	say_uuid(t, id);
}

static void text_boot_id(struct text *t, const struct proc_node *of)
{
	struct fs_family *fs = fs_family();

	(void)of;
	if (!fs->boot_id[6])
		uuid_make(fs->boot_id);
	say_uuid(t, fs->boot_id);
}

static const struct shown random_rows[] = {
	TEXT("boot_id", text_boot_id), FIXED("entropy_avail", "256"), FIXED("poolsize", "256"), TEXT("uuid", text_uuid),
		{ 0 },
};
static const struct shown seccomp_rows[] = {
	FIXED("actions_avail", "kill_process kill_thread trap errno user_notif trace log allow"),
	FIXED("actions_logged", "kill_process kill_thread log"), { 0 },
};
static const struct shown kernel_rows[] = {
	FIXED("cap_last_cap", "40"), FIXED("core_pipe_limit", "0"), INT("core_uses_pid"),
	{ "core_pattern", S_IFREG | 0644, .text = text_pattern, .take = take_pattern },
	{ "domainname", S_IFREG | 0644, .text = text_name, .take = take_name },
	{ "hostname", S_IFREG | 0644, .text = text_name, .take = take_name },
	FIXED("msgmax", "8192"), FIXED("msgmnb", "16384"), INT("msgmni"), FIXED("ngroups_max", "65536"),
	INT("ns_last_pid"),
	TEXT("osrelease", text_name), TEXT("ostype", text_name), FIXED("overflowgid", "65534"), FIXED("overflowuid",
		"65534"),
	FIXED("panic", "0"), TEXT("pid_max", text_pid_max), FIXED("printk", "4\t4\t1\t7"), DIRECTORY("random", random_rows),
	{ "randomize_va_space", S_IFREG | 0644, .text = text_randomize, .take = take_randomize },
	{ "sched_rr_timeslice_ms", S_IFREG | 0644, .text = text_slice, .take = take_realtime },
	{ "sched_rt_period_us", S_IFREG | 0644, .text = text_period, .take = take_realtime },
	{ "sched_rt_runtime_us", S_IFREG | 0644, .text = text_runtime, .take = take_realtime },
	DIRECTORY("seccomp", seccomp_rows), FIXED("sem", "32000\t4096000\t500\t128"),
	FIXED("shmall", "18446744073692774399"),
	FIXED("shmmax", "18446744073692774399"), INT("shmmni"), FIXED("tainted", "0"), TEXT("threads-max",
		text_threads_max),
	TEXT("version", text_name), { 0 },
};
static const struct shown vm_rows[] = {
	FIXED("legacy_va_layout", "0"), INT("max_map_count"), TEXT("min_free_kbytes", text_min_free),
	FIXED("mmap_min_addr", "65536"), FIXED("nr_hugepages", "0"), FIXED("nr_overcommit_hugepages", "0"),
	FIXED("oom_kill_allocating_task", "0"), FIXED("overcommit_kbytes", "0"), FIXED("overcommit_memory", "1"),
	FIXED("overcommit_ratio", "50"), FIXED("panic_on_oom", "0"), FIXED("swappiness", "60"), { 0 },
};
static const struct shown inotify_rows[] = {
	FIXED("max_queued_events", "16384"), INT("max_user_instances"), FIXED("max_user_watches", "65536"), { 0 },
};
static const struct shown mqueue_rows[] = {
	FIXED("msg_default", "10"), FIXED("msg_max", "10"), FIXED("msgsize_default", "8192"),
	FIXED("msgsize_max", "8192"), FIXED("queues_max", "256"), { 0 },
};
static const struct shown fs_rows[] = {
	FIXED("aio-max-nr", "65536"), TEXT("aio-nr", text_aio),
	{ "binfmt_misc", S_IFDIR | 0755, .in = binfmt_rows, .more = &binfmt_names },
	TEXT("file-max", text_file_max), TEXT("file-nr", text_file_nr),
	INT("lease-break-time"), INT("leases-enable"),
	DIRECTORY("inotify", inotify_rows),
	DIRECTORY("mqueue", mqueue_rows),
	INT("nr_open"), FIXED("overflowgid", "65534"), FIXED("overflowuid", "65534"),
	{ "pipe-max-size", S_IFREG | 0644, .text = text_pipe_most, .take = take_pipe_most },
	FIXED("pipe-user-pages-hard", "0"), FIXED("pipe-user-pages-soft", "16384"),
	FIXED("protected_fifos", "0"), FIXED("protected_hardlinks", "0"), FIXED("protected_regular", "0"),
	FIXED("protected_symlinks", "0"), FIXED("suid_dumpable", "0"), { 0 },
};
static const struct shown core_rows[] = { FIXED("somaxconn", "4096"), FIXED("wmem_default", "212992"),
	FIXED("rmem_default", "212992"), { 0 } };
static const struct shown unix_rows[] = { FIXED("max_dgram_qlen", "512"), { 0 } };
static const struct shown net_rows[] = { DIRECTORY("core", core_rows), DIRECTORY("unix", unix_rows), { 0 } };
const struct shown sysctl_rows[] = {
	DIRECTORY("fs", fs_rows), DIRECTORY("kernel", kernel_rows), DIRECTORY("net", net_rows), DIRECTORY("vm", vm_rows),
		{ 0 },
};

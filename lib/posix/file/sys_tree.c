/* SPDX-License-Identifier: MIT */
/* The rows of /sys: CPU, node and memory as lscpu, lsmem and C libraries look for them; the one control group,
 * read-only. */
#include "proc.h"

/* ---- memory in blocks of 128 MiB, as Linux's x86-64 has them */
#define BLOCK_SHIFT 27
#define BLOCK_FRAMES (1ul << (BLOCK_SHIFT - 12))

static void text_block_size(struct text *t, const struct proc_node *of) { (void)of; say(t, "%lx\n",
	1ul << BLOCK_SHIFT); }
static void text_index(struct text *t, const struct proc_node *of) { say(t, "%08x\n", (unsigned)of->fd); }

static const struct shown block_rows[] = {
	TEXT("phys_index", text_index), FIXED("state", "online"), FIXED("online", "1"), FIXED("phys_device", "0"),
	FIXED("removable", "0"), FIXED("valid_zones", "none"), { 0 },
};
static const struct shown block = { "%memory", S_IFDIR | 0555, .in = block_rows };

static int block_next(const struct inode *dir, uint64_t *number, char name[64], const struct shown **row,
	struct proc_node *of)
{
	(void)dir;
	while (*number * BLOCK_FRAMES < frames_end()) {
		if (!frames_are_ram(*number * BLOCK_FRAMES, BLOCK_FRAMES)) {
			++*number;
			continue;
		}
		*row = &block;
		*of = (struct proc_node){ .row = &block, .pid = 0, .fd = (int)*number };
		(void)fmt(name, 64, "memory%d", of->fd);
		return 1;
	}
	return 0;
}

/* By the names that the list would give. */
static int listed_find(struct inode *dir, const char *name, size_t n, struct inode **out)
{
	const struct shown *row;
	struct proc_node of;
	char other[64];

	for (uint64_t number = 0; dir->proc.row->more->next(dir, &number, other, &row, &of); number++)
		if (strlen(other) == n && !memcmp(other, name, n))
			return proc_node_make(dir, row, of.pid, of.fd, out);
	return -ENOENT;
}

static const struct shown_more blocks = { listed_find, block_next };
static const struct shown memory_rows[] = { TEXT("block_size_bytes", text_block_size), FIXED("auto_online_blocks",
	"online"), { 0 } };

/* ---- the CPU */
static const struct shown cache_rows[] = {
	TEXT("level", text_cache), TEXT("type", text_cache), TEXT("size", text_cache), TEXT("coherency_line_size",
		text_cache),
	TEXT("number_of_sets", text_cache), TEXT("ways_of_associativity", text_cache), TEXT("physical_line_partition",
		text_cache),
	FIXED("shared_cpu_map", "1"), FIXED("shared_cpu_list", "0"), { 0 },
};
static const struct shown cache_row = { "%index", S_IFDIR | 0555, .in = cache_rows };

static int cache_next(const struct inode *dir, uint64_t *number, char name[64], const struct shown **row,
	struct proc_node *of)
{
	(void)dir;
	if (*number >= cpu_caches())
		return 0;
	*row = &cache_row;
	*of = (struct proc_node){ .row = &cache_row, .pid = 0, .fd = (int)*number };
	(void)fmt(name, 64, "index%d", of->fd);
	return 1;
}

static const struct shown_more caches = { listed_find, cache_next };
static const struct shown topology_rows[] = {
	FIXED("physical_package_id", "0"), FIXED("die_id", "0"), FIXED("core_id", "0"), FIXED("core_cpus", "1"),
	FIXED("core_cpus_list", "0"), FIXED("core_siblings", "1"), FIXED("core_siblings_list", "0"),
		FIXED("thread_siblings", "1"),
	FIXED("thread_siblings_list", "0"), FIXED("package_cpus", "1"), FIXED("package_cpus_list", "0"), FIXED("die_cpus",
		"1"),
	FIXED("die_cpus_list", "0"), { 0 },
};
static const struct shown cpu0_rows[] = {
	DIRECTORY("topology", topology_rows), { "cache", S_IFDIR | 0555, .more = &caches }, { 0 },
};
static const struct shown cpu_rows[] = {
	DIRECTORY("cpu0", cpu0_rows), FIXED("kernel_max", "0"), FIXED("offline", ""), FIXED("online", "0"),
		FIXED("possible", "0"),
	FIXED("present", "0"), FIXED("isolated", ""), { 0 },
};

/* ---- the node */
static void text_node_meminfo(struct text *t, const struct proc_node *of)
{
	struct machine_facts m;
	unsigned long total, free;

	(void)of;
	machine_facts(&m);
	total = m.frames * 4;
	free = m.frames_free * 4;
	say(t, "Node 0 MemTotal:       %8lu kB\nNode 0 MemFree:        %8lu kB\nNode 0 MemUsed:        %8lu kB\n", total,
		free,
		total - free);
}

static const struct shown node0_rows[] = {
	TEXT("meminfo", text_node_meminfo), FIXED("cpulist", "0"), FIXED("cpumap", "1"), FIXED("distance", "10"),
	{ "cpu0", S_IFLNK | 0777, .fixed = "../../cpu/cpu0" }, { 0 },
};
static const struct shown node_rows[] = {
	DIRECTORY("node0", node0_rows), FIXED("online", "0"), FIXED("possible", "0"), FIXED("has_cpu", "0"),
		FIXED("has_memory", "0"),
	FIXED("has_normal_memory", "0"), { 0 },
};

static const struct shown system_rows[] = {
	DIRECTORY("cpu", cpu_rows), DIRECTORY("node", node_rows), { "memory", S_IFDIR | 0555, .in = memory_rows,
		.more = &blocks },
	{ 0 },
};
static const struct shown devices_rows[] = { DIRECTORY("system", system_rows), { 0 } };

static const struct shown nothing[] = { { 0 } };

/* ---- cgroup v2: the root group, without a controller */
static void text_processes(struct text *t, const struct proc_node *of)
{
	int threads = !strcmp(of->row->name, "cgroup.threads");

	for (struct task *task = task_first(); task; task = task_next(task)) {
		struct task_view view;

		task_look(task, &view);
		if (!threads)
			say(t, "%d\n", view.pid);
		for (int tid = 0; threads && (tid = thread_tid_from(view.pid, tid + 1));)
			say(t, "%d\n", tid);
	}
}

static const struct shown cgroup_rows[] = {
	FIXED("cgroup.controllers", ""), FIXED("cgroup.subtree_control", ""), TEXT("cgroup.procs", text_processes),
	TEXT("cgroup.threads", text_processes), FIXED("cgroup.max.depth", "max"), FIXED("cgroup.max.descendants", "max"),
	FIXED("cgroup.stat", "nr_descendants 0\nnr_dying_descendants 0"), { 0 },
};
const struct shown cgroup_root = { "cgroup", S_IFDIR | 0555, .in = cgroup_rows };

static const struct shown fs_rows[] = { DIRECTORY("cgroup", nothing), { 0 } };

/* ---- the firmware: its variables are a file system of their own (efi_vars.c) */
static const struct shown efi_rows[] = { FIXED("fw_platform_size", "64"), DIRECTORY("efivars", nothing), { 0 } };
static const struct shown firmware_rows[] = { DIRECTORY("efi", efi_rows), { 0 } };

/* ---- the kernel: what it is built with */
static const struct shown pool_rows[] = {
	FIXED("nr_hugepages", "0"), FIXED("free_hugepages", "0"), FIXED("resv_hugepages", "0"), FIXED("surplus_hugepages",
		"0"), { 0 },
};
static const struct shown pools_rows[] = { DIRECTORY("hugepages-2048kB", pool_rows), { 0 } };
static const struct shown huge_rows[] = {
	FIXED("enabled", "always [madvise] never"), FIXED("hpage_pmd_size", "2097152"), FIXED("use_zero_page", "0"), { 0 },
};
/* Nothing looks for equal pages, as on a Linux where nobody has asked for it. */
static const struct shown ksm_rows[] = {
	FIXED("run", "0"), FIXED("full_scans", "0"), FIXED("pages_shared", "0"), FIXED("pages_sharing", "0"),
	FIXED("pages_unshared", "0"), FIXED("pages_volatile", "0"), { 0 },
};
static const struct shown mm_rows[] = {
	DIRECTORY("ksm", ksm_rows), DIRECTORY("transparent_hugepage", huge_rows), DIRECTORY("hugepages", pools_rows), { 0 },
};
static const struct shown kernel_rows[] = { DIRECTORY("mm", mm_rows), { 0 } };

static const struct shown dev_rows[] = { DIRECTORY("block", nothing), DIRECTORY("char", nothing), { 0 } };
static const struct shown top_rows[] = {
	DIRECTORY("block", nothing), DIRECTORY("bus", nothing), DIRECTORY("class", nothing), DIRECTORY("dev", dev_rows),
	DIRECTORY("devices", devices_rows), DIRECTORY("firmware", firmware_rows), DIRECTORY("fs", fs_rows),
	DIRECTORY("kernel", kernel_rows), DIRECTORY("module", nothing), { 0 },
};
const struct shown sys_root = { "sys", S_IFDIR | 0555, .in = top_rows };

/* SPDX-License-Identifier: MIT */
/* The vDSO: found as C libraries find it, each of its functions says what the system call says, refuses what that refuses, and lies where the maps say. */
#include "check.h"
#include <elf.h>
#include <sys/auxv.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <time.h>

static const char *base;

/* Address of a function of version LINUX_2.6, by the dynamic section alone. */
static void *find(const char *name)
{
	const Elf64_Ehdr *eh = (const void *)base;
	const Elf64_Phdr *ph = (const void *)(base + eh->e_phoff);
	const Elf64_Dyn *dynamic = 0;
	const Elf64_Sym *symbols = 0;
	const char *strings = 0;
	const Elf64_Versym *version = 0;
	const uint32_t *hash = 0;
	size_t load = 0;

	for (int i = 0; i < eh->e_phnum; i++) {
		if (ph[i].p_type == PT_LOAD)
			load = (size_t)base + ph[i].p_offset - ph[i].p_vaddr;
		else if (ph[i].p_type == PT_DYNAMIC)
			dynamic = (const void *)(base + ph[i].p_offset);
	}
	CHECK(load && dynamic);
	for (; dynamic->d_tag; dynamic++) {
		const void *at = (const void *)(load + dynamic->d_un.d_ptr);

		switch (dynamic->d_tag) {
		case DT_STRTAB: strings = at; break;
		case DT_SYMTAB: symbols = at; break;
		case DT_HASH: hash = at; break;
		case DT_VERSYM: version = at; break;
		}
	}
	CHECK(strings && symbols && hash && version);
	for (uint32_t i = 0; i < hash[1]; i++)
		if (symbols[i].st_shndx && ELF64_ST_TYPE(symbols[i].st_info) == STT_FUNC && !strcmp(strings + symbols[i].st_name, name)) {
			CHECK(version[i] == 2);
			return (void *)(load + symbols[i].st_value);
		}
	return 0;
}

static int64_t ns_of(struct timespec t) { return t.tv_sec * 1000000000l + t.tv_nsec; }

static void clock_is_one(int (*get)(clockid_t, struct timespec *), clockid_t id)
{
	struct timespec a, b, c;
	int64_t slack = id == CLOCK_REALTIME_COARSE || id == CLOCK_MONOTONIC_COARSE ? 20000000 : 0; /* ticks, on Linux */

	CHECK(!syscall(SYS_clock_gettime, id, &a) && !get(id, &b) && !syscall(SYS_clock_gettime, id, &c));
	CHECK(b.tv_nsec >= 0 && b.tv_nsec < 1000000000);
	CHECK(ns_of(a) <= ns_of(b) + slack && ns_of(b) <= ns_of(c) + slack);
}

int main(void)
{
	static const clockid_t ids[] = { CLOCK_REALTIME, CLOCK_MONOTONIC, CLOCK_PROCESS_CPUTIME_ID, CLOCK_THREAD_CPUTIME_ID, CLOCK_MONOTONIC_RAW,
		CLOCK_REALTIME_COARSE, CLOCK_MONOTONIC_COARSE, CLOCK_BOOTTIME };
	char line[256];
	unsigned cpu = 77, node = 77;
	struct timespec t;
	struct timeval v, w;
	int found = 0;

	base = (const char *)getauxval(AT_SYSINFO_EHDR);
	CHECK(base && !memcmp(base, ELFMAG, SELFMAG));
	int (*gettime)(clockid_t, struct timespec *) = find("__vdso_clock_gettime");
	int (*getres)(clockid_t, struct timespec *) = find("__vdso_clock_getres");
	int (*gettimeof)(struct timeval *, void *) = find("__vdso_gettimeofday");
	time_t (*gettime_s)(time_t *) = find("__vdso_time");
	int (*getcpu_at)(unsigned *, unsigned *, void *) = find("__vdso_getcpu");
	CHECK(gettime && getres && gettimeof && gettime_s && getcpu_at && !find("__vdso_nothing"));
	CHECK(find("clock_gettime") == (void *)gettime);

	for (unsigned i = 0; i < sizeof ids / sizeof *ids; i++)
		for (int k = 0; k < 100; k++)
			clock_is_one(gettime, ids[i]);
	CHECK(gettime(99, &t) == -EINVAL && gettime(-77, &t) < 0 && getres(99, &t) == -EINVAL);
	CHECK(!getres(CLOCK_MONOTONIC, &t) && !t.tv_sec && t.tv_nsec > 0 && !getres(CLOCK_MONOTONIC, 0));

	CHECK(!syscall(SYS_gettimeofday, &v, 0) && !gettimeof(&w, 0) && !timercmp(&w, &v, <) && w.tv_usec < 1000000);
	CHECK(!gettimeof(0, 0));
	time_t before = syscall(SYS_time, 0), now = 0;
	CHECK(gettime_s(0) >= before && gettime_s(&now) >= before && now >= before && now <= before + 100);
	CHECK(!getcpu_at(&cpu, &node, 0) && cpu < 4096 && node < 1024 && !getcpu_at(0, 0, 0));

	FILE *maps = fopen("/proc/self/maps", "r");
	CHECK(maps);
	while (fgets(line, sizeof line, maps))
		if (strstr(line, "[vdso]\n")) {
			unsigned long low, high;
			char rights[5];

			CHECK(sscanf(line, "%lx-%lx %4s", &low, &high, rights) == 3 && low == (unsigned long)base && high - low >= 4096 && !strcmp(rights, "r-xp"));
			CHECK((unsigned long)gettime > low && (unsigned long)gettime < high);
			found++;
		}
	CHECK(found == 1);
	printf("ok\n");
	return 0;
}

/* SPDX-License-Identifier: MIT */
/* The account that a family draws on: what it has not, what its monitor keeps, and that the free memory that programs
 * are told of is what the family can still claim. Aril only. */
#include "check.h"
#include <rt/gate.h>
#include <sys/sysinfo.h>
#include <sys/vfs.h>

static uint64_t left(uint32_t account, int count)
{
	return rt_envs[account].limit[count] - rt_envs[account].used[count];
}

static uint64_t mem_free_kib(void)
{
	char text[4096], *at;
	FILE *f = fopen("/proc/meminfo", "r");

	CHECK(f);
	text[fread(text, 1, sizeof text - 1, f)] = 0;
	fclose(f);
	at = strstr(text, "MemFree:");
	CHECK(at);
	return strtoul(at + 8, NULL, 10);
}

static void between(const char *what, uint64_t n, uint64_t low, uint64_t high)
{
	if (n >= low && n <= high)
		return;
	printf("%s: %llu frames, not %llu to %llu\n", what, (unsigned long long)n, (unsigned long long)low,
		(unsigned long long)high);
	exit(1);
}

int main(void)
{
	uint32_t mine = rt_envs[EXO_NAME_INDEX(rt_self())].account;
	uint32_t monitors = rt_envs[EXO_NAME_INDEX(rt_info->first)].account;
	uint64_t had, has;
	struct sysinfo s;
	struct statfs fs;

	CHECK(mine != monitors);
	CHECK(rt_envs[mine].account_maker == EXO_NAME_INDEX(rt_info->first));
	CHECK(rt_envs[mine].limit[EXO_C_DEVICES] == 0 && rt_envs[mine].limit[EXO_C_SLICES] == 0);
	CHECK(rt_envs[monitors].used[EXO_C_DEVICES] > 0 && rt_envs[monitors].used[EXO_C_SLICES] > 0);
	CHECK(left(monitors, EXO_C_FRAMES) >= 64 && left(monitors, EXO_C_ENVS) >= 8 && left(monitors, EXO_C_HOMES) >= 8);
	/* A child's too, however far down. */
	pid_t pid = fork();
	CHECK(pid >= 0);
	if (!pid)
		_exit(rt_envs[EXO_NAME_INDEX(rt_self())].account != mine);
	CHECK(wait_status(pid) == 0);

	/* What is told as free lies below what the machine has, and changes with what is asked for only. */
	(void)mem_free_kib();
	had = left(mine, EXO_C_FRAMES);
	CHECK(rt_info->frames_free >= had + 64);
	CHECK(sysinfo(&s) == 0 && statfs("/tmp", &fs) == 0);
	uint64_t kib = mem_free_kib();
	has = left(mine, EXO_C_FRAMES);
	uint64_t low = (had < has ? had : has) - 64, high = had > has ? had : has;
	between("sysinfo", s.freeram * s.mem_unit / 4096, low, high);
	between("MemFree", kib / 4, low, high);
	CHECK((uint64_t)fs.f_bfree <= high);
	printf("ok\n");
	return 0;
}

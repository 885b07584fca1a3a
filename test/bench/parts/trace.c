/* SPDX-License-Identifier: MIT */
/* Reads QEMU's `log exec,nochain` lines of a machine that steps singly, one per instruction, and counts them: trace FIFO MOST [BREAK...].
 * Output: `address count` lines, then the longest stretch in the kernel, where it began and ended. At a BREAK address (where interrupts
 * are let in or looked for) such a stretch ends. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define SLOTS (1u << 20)
static struct { uint64_t address, count; } slot[SLOTS];
static uint64_t brk[64];
static int brk_count;

static void count(uint64_t address)
{
	uint32_t i = (uint32_t)((address * 0x9e3779b97f4a7c15u) >> 44);

	while (slot[i].count && slot[i].address != address)
		i = (i + 1) & (SLOTS - 1);
	slot[i].address = address;
	slot[i].count++;
}

static int is_break(uint64_t address)
{
	for (int i = 0; i < brk_count; i++)
		if (brk[i] == address)
			return 1;
	return 0;
}

int main(int argc, char **argv)
{
	static char buffer[1 << 20], line[512];
	uint64_t most, total = 0, stretch = 0, began = 0, worst = 0, worst_began = 0, last = 0, worst_last = 0;
	FILE *f = argc >= 3 ? fopen(argv[1], "r") : 0;

	if (!f)
		return 1;
	most = strtoull(argv[2], 0, 10);
	for (int i = 3; i < argc && brk_count < 64; i++)
		brk[brk_count++] = strtoull(argv[i], 0, 16);
	setvbuf(f, buffer, _IOFBF, sizeof buffer);
	while (total < most && fgets(line, sizeof line, f)) {
		const char *at = strncmp(line, "Trace ", 6) == 0 ? strchr(line, '[') : 0;
		char *end;
		uint64_t pc, flags;

		if (!at || !(at = strchr(at, '/')))
			continue;
		pc = strtoull(at + 1, &end, 16);
		flags = strtoull(end + 1, 0, 16);
		count(pc);
		total++;
		if (flags & 3 || is_break(pc)) {
			if (stretch > worst) {
				worst = stretch;
				worst_began = began;
				worst_last = last;
			}
			stretch = 0;
		} else {
			if (!stretch++)
				began = pc;
			last = pc;
		}
	}
	for (uint32_t i = 0; i < SLOTS; i++)
		if (slot[i].count)
			printf("%" PRIx64 " %" PRIu64 "\n", slot[i].address, slot[i].count);
	printf("total %" PRIu64 "\nstretch %" PRIu64 " %" PRIx64 " %" PRIx64 "\n", total, worst, worst_began, worst_last);
	return 0;
}

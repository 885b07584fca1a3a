/* SPDX-License-Identifier: MIT */
/* Reads QEMU's `log exec,nochain` lines of a machine that steps singly, one per instruction, and counts them: trace FIFO MOST [BREAK...].
 * Output: `address count` lines, `total`, then the longest stretches in the kernel, one for each place where they ended: `stretch length began
 * last`, and what it is made of: `deaf address count`. At a BREAK address (where interrupts are let in or looked for) a stretch ends. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define SLOTS (1u << 20)
#define KINDS 32
#define KEPT (1u << 16) /* of a stretch, from its beginning on */
struct stretch { uint64_t length, last, pc[KEPT]; };
static struct { uint64_t address, count; } slot[SLOTS];
static struct stretch now, kind[KINDS];
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

static void print(const char *word)
{
	for (uint32_t i = 0; i < SLOTS; i++)
		if (slot[i].count)
			printf("%s%" PRIx64 " %" PRIu64 "\n", word, slot[i].address, slot[i].count);
}

static void copy(struct stretch *to, const struct stretch *from)
{
	to->length = from->length;
	to->last = from->last;
	memcpy(to->pc, from->pc, (from->length < KEPT ? from->length : KEPT) * sizeof from->pc[0]);
}

/* Of stretches that end at the same instruction the longest is kept, of all kinds the longest ones. */
static void ended(void)
{
	struct stretch *place = kind;

	for (struct stretch *k = kind; k < kind + KINDS; k++) {
		if (k->last == now.last) {
			place = k;
			break;
		}
		if (k->length < place->length)
			place = k;
	}
	if (now.length > place->length)
		copy(place, &now);
	now.length = 0;
}

static struct stretch *longest(void)
{
	struct stretch *best = kind;
	for (struct stretch *k = kind; k < kind + KINDS; k++)
		if (k->length > best->length)
			best = k;
	return best->length ? best : 0;
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
	uint64_t most, total = 0;
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
			if (now.length)
				ended();
		} else {
			if (now.length < KEPT)
				now.pc[now.length] = pc;
			now.length++;
			now.last = pc;
		}
	}
	print("");
	printf("total %" PRIu64 "\n", total);
	for (struct stretch *k; (k = longest()) != 0; k->length = 0) {
		printf("stretch %" PRIu64 " %" PRIx64 " %" PRIx64 "\n", k->length, k->pc[0], k->last);
		memset(slot, 0, sizeof slot);
		for (uint64_t i = 0; i < k->length && i < KEPT; i++)
			count(k->pc[i]);
		print("deaf ");
	}
	return 0;
}

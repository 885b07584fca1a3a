/* SPDX-License-Identifier: MIT */
/* A plugin of QEMU's: counts the guest's instructions, of all programs and the kernel, between two marks that a guest
 * executes (../program/started/counted.c): `-plugin file=counter.so,out=FILE[,profile=FILE]`. One line `count N` for
 * each window, and in the end `all N` of the machine's whole life; profile: `address count` of the last window. Idle
 * time has no instructions, so waiting for the host costs nothing here. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Version 1 of the interface; Debian packages no header of it (QEMU's manual, TCG plugins). */
#define EXPORT __attribute__((visibility("default")))
typedef uint64_t plugin_id;
struct qemu_plugin_tb;
struct qemu_plugin_insn;
extern void qemu_plugin_register_vcpu_tb_trans_cb(plugin_id id,
	void (*done)(plugin_id id, struct qemu_plugin_tb *tb));
extern size_t qemu_plugin_tb_n_insns(const struct qemu_plugin_tb *tb);
extern struct qemu_plugin_insn *qemu_plugin_tb_get_insn(const struct qemu_plugin_tb *tb, size_t n);
extern const void *qemu_plugin_insn_data(const struct qemu_plugin_insn *i);
extern size_t qemu_plugin_insn_size(const struct qemu_plugin_insn *i);
extern uint64_t qemu_plugin_insn_vaddr(const struct qemu_plugin_insn *i);
extern void qemu_plugin_register_vcpu_insn_exec_inline(struct qemu_plugin_insn *i, int add, void *to, uint64_t n);
extern void qemu_plugin_register_vcpu_insn_exec_cb(struct qemu_plugin_insn *i,
	void (*done)(unsigned cpu, void *context), int registers, void *context);
extern void qemu_plugin_register_atexit_cb(plugin_id id, void (*done)(plugin_id id, void *context), void *context);
EXPORT int qemu_plugin_version = 1;
EXPORT int qemu_plugin_install(plugin_id id, const void *info, int argc, char **argv);

#define SLOTS (1u << 21)
/* nopl disp32(%rax), by its displacement. */
static const uint8_t mark_begin[] = { 0x0f, 0x1f, 0x80, 'A', 'r', 'l', '(' };
static const uint8_t mark_end[] = { 0x0f, 0x1f, 0x80, 'A', 'r', 'l', ')' };

/* By address; the last slot is of those that found no room. */
static struct slot { uint64_t address, count; } slot[SLOTS + 1];
static uint64_t before; /* the last window's beginning, in all */
static FILE *out;
static const char *profile;

static struct slot *slot_of(uint64_t address)
{
	uint32_t i = (uint32_t)((address * 0x9e3779b97f4a7c15u) >> 43);

	for (uint32_t n = 0; n < SLOTS / 4; n++, i = (i + 1) % SLOTS) {
		if (!slot[i].address)
			slot[i].address = address;
		if (slot[i].address == address)
			return &slot[i];
	}
	return &slot[SLOTS];
}

static void profile_write(void)
{
	FILE *f = fopen(profile, "w");

	for (uint32_t i = 0; f && i <= SLOTS; i++)
		if (slot[i].count)
			fprintf(f, "%" PRIx64 " %" PRIu64 "\n", slot[i].address, slot[i].count);
	if (f)
		fclose(f);
}

static uint64_t sum(void)
{
	uint64_t n = 0;

	for (uint32_t i = 0; i <= SLOTS; i++)
		n += slot[i].count;
	return n;
}

static void window_begin(unsigned cpu, void *context)
{
	(void)cpu, (void)context;
	before += sum();
	for (uint32_t i = 0; i <= SLOTS; i++)
		slot[i].count = 0;
}

static void window_end(unsigned cpu, void *context)
{
	(void)cpu, (void)context;
	fprintf(out, "count %" PRIu64 "\n", sum());
	fflush(out);
	if (profile)
		profile_write();
}

static int is_mark(const struct qemu_plugin_insn *i, const uint8_t *mark)
{
	return qemu_plugin_insn_size(i) == sizeof mark_begin &&
		!memcmp(qemu_plugin_insn_data(i), mark, sizeof mark_begin);
}

static void translated(plugin_id id, struct qemu_plugin_tb *tb)
{
	size_t n = qemu_plugin_tb_n_insns(tb);

	(void)id;
	for (size_t k = 0; k < n; k++) {
		struct qemu_plugin_insn *i = qemu_plugin_tb_get_insn(tb, k);

		qemu_plugin_register_vcpu_insn_exec_inline(i, 0, &slot_of(qemu_plugin_insn_vaddr(i))->count, 1);
		if (is_mark(i, mark_begin))
			qemu_plugin_register_vcpu_insn_exec_cb(i, window_begin, 0, NULL);
		if (is_mark(i, mark_end))
			qemu_plugin_register_vcpu_insn_exec_cb(i, window_end, 0, NULL);
	}
}

static void ended(plugin_id id, void *context)
{
	(void)id, (void)context;
	fprintf(out, "all %" PRIu64 "\n", before + sum());
	fflush(out);
}

int qemu_plugin_install(plugin_id id, const void *info, int argc, char **argv)
{
	(void)info;
	for (int k = 0; k < argc; k++) {
		if (!strncmp(argv[k], "out=", 4))
			out = fopen(argv[k] + 4, "w");
		if (!strncmp(argv[k], "profile=", 8))
			profile = strdup(argv[k] + 8);
	}
	if (!out)
		return -1;
	qemu_plugin_register_vcpu_tb_trans_cb(id, translated);
	qemu_plugin_register_atexit_cb(id, ended, NULL);
	return 0;
}

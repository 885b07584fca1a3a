/* SPDX-License-Identifier: MIT */
/* kernel/pci.c and kernel/dev.c: functions on a bus of the test's own, whose registers, time and interrupt controller
 * are the test's. */
#include "check.h"
#include "../../kernel/kernel.h"
#include "../../kernel/vector.h"

enum { COMMAND = 4, MASTER = 4, MEMORY = 2, EXPRESS = 0x40, MSIX = 0x60, MSI = 0x80, FLR = 1 << 15 };
/* A PCI Express disk behind a bridge; one with MSI and without a reset; more like it, which mostly are not there. */
enum { DISK, BRIDGE, OLD, MORE, FUNCTIONS = MORE + 16 };
#define BDF(bus, slot) ((bus) << 8 | (slot) << 3)
#define BAR 0xe0000ul /* frame */

static struct {
	uint8_t ram[16 * EXO_PAGE_SIZE];
	struct exo_pci table[FUNCTIONS];
	uint8_t space[FUNCTIONS][256]; /* what the functions hold */
	uint32_t entries[4][1024];     /* of the disk's device memory, the pages of MSI-X's table */
	uint32_t address;
	uint64_t now;
	int sticks;                    /* the old one's bit cannot be cleared */
	int absent;                    /* so many readings of the disk's vendor are ones */
	unsigned resets;
	uint32_t charged, freed, events;
	bool poor;                     /* no account has a count left */
} w;
uint8_t *host_ram = w.ram;
struct exo_env *envs;
struct exo_info *info;
const struct boot_info *boot;
struct cpu cpu0;
bool has_hypervisor;
struct exo_frame_rec *frames;
uint64_t frame_count = 16;

static struct exo_frame_rec records[16];
static struct exo_env public[4];
static struct exo_page pages[2];
static struct env env[2];
static struct exo_info facts = { .tsc_hz = 1000 };
static struct boot_info told;

static int function_of(uint32_t address)
{
	for (int i = 0; i < FUNCTIONS; i++)
		if (w.table[i].bdf == (address >> 8 & 0xffff))
			return i;
	return -1;
}

static uint32_t get(int f, unsigned at) { uint32_t v; __builtin_memcpy(&v, w.space[f] + at, 4); return v; }
static void put(int f, unsigned at, uint32_t v) { __builtin_memcpy(w.space[f] + at, &v, 4); }

void outl(uint16_t port, uint32_t v)
{
	unsigned at = w.address & 0xfc;
	int f = function_of(w.address);

	if (port == 0xcf8) {
		w.address = v;
		return;
	}
	if (f == OLD && at == COMMAND && w.sticks)
		v |= MASTER;
	put(f, at, v);
	if (f == DISK && at == EXPRESS + 8 && v & FLR) {
		w.resets++;
		for (unsigned i = 4; i < 0x40; i += 4)
			put(f, i, 0);
		put(f, EXPRESS + 8, 0);
		put(f, MSIX, 0x11);
	}
}

uint32_t inl(uint16_t port)
{
	int f = function_of(w.address);

	(void)port;
	if (f == DISK && !(w.address & 0xfc) && w.absent)
		return w.absent--, ~0u;
	return f < 0 ? ~0u : get(f, w.address & 0xfc);
}

volatile uint32_t *kernel_device(uint64_t pa) { return &w.entries[(pa >> 12) - BAR - 1][pa % 4096 / 4]; }
uint32_t apic_message_address(void) { return 0xfee03000; }
uint64_t host_tsc(void) { return w.now; }
bool account_charge(uint16_t account, int count, uint32_t n)
{ (void)account; (void)count; w.charged += w.poor ? 0 : n; return !w.poor; }
void account_refund(uint16_t account, int count, uint32_t n)
{ (void)account; (void)count; w.charged -= n; }
void irq_mask(unsigned line, bool on) { (void)line; (void)on; }
bool irq_is_level(unsigned line) { (void)line; return false; }
void sched_event(struct env *e, uint32_t bits) { e->exo->pending |= bits; w.events++; }
int64_t trace_bind(uint64_t pfn, uint64_t n) { (void)pfn; (void)n; return -EXO_EPERM; }
void machine_ports(const struct env *e, bool open) { (void)e; (void)open; }
void klog(const char *format, ...) { (void)format; }
void frame_free(uint32_t pfn) { w.freed |= 1u << pfn; frames[pfn].type = EXO_FREE; }
/* Addresses of the test's envs are frame numbers. */
void *user_page(uint64_t va, bool write) { (void)write; return va < sizeof w.ram ? w.ram + va : NULL; }

static void function_make(int f, uint16_t bdf, const struct exo_pci *from)
{
	w.table[f] = *from;
	w.table[f].bdf = bdf;
	w.table[f].config_word[0] = 0x10011af4;
	__builtin_memcpy(w.space[f], w.table[f].config, 256);
}

static void world(void)
{
	/* The table of messages begins in the middle of a page, 8 bytes before its end. */
	struct exo_pci disk = { .bindable = 1, .messages = 40, .express = EXPRESS, .msix = MSIX,
		.msix_table = ((BAR + 1) << 12) + 0xff8, .closed = { { BAR + 1, 1 }, { BAR + 2, 1 } },
		.bar = { { BAR << 12, 0x4000, EXO_PCI_MEM, 1 }, { 0xc000, 4, EXO_PCI_IO, 1 }, { 0xc100, 32, EXO_PCI_IO, 1 } } };
	struct exo_pci bridge = { 0 }, old = { .bindable = 1, .messages = 1, .msi = MSI };

	disk.config_word[4] = BAR << 12;
	disk.config_word[(EXPRESS + 4) / 4] = 1u << 28;
	disk.config_word[MSIX / 4] = 0x270011;
	bridge.config[0x0e] = 1;
	bridge.config[0x19] = 2;
	bridge.config[0x1a] = 4;
	old.config_word[MSI / 4] = 0x800005;
	w = (__typeof__(w)){ .now = 5000 };
	function_make(DISK, BDF(3, 1), &disk);
	function_make(BRIDGE, BDF(0, 2), &bridge);
	for (int i = OLD; i < FUNCTIONS; i++)
		function_make(i, (uint16_t)BDF(0, 3 + i - OLD), &old);
	/* pa_ptr starts at the test's RAM. */
	told = (struct boot_info){ .pci = { .phys = (uint64_t)((uint8_t *)w.table - w.ram) }, .pci_count = MORE };
	boot = &told;
	info = &facts;
	envs = public;
	frames = records;
	for (int i = 0; i < 16; i++)
		records[i] = (struct exo_frame_rec){ .type = i ? EXO_DATA : EXO_KERNEL, .owner = 1 };
	for (uint16_t i = 0; i < 2; i++) {
		pages[i] = (struct exo_page){ 0 };
		env[i] = (struct env){ .exo = &pages[i], .index = (uint16_t)(i + 1), .name = i + 1u, .machine = true,
			.public = &public[i + 1] };
		public[i + 1] = (struct exo_env){ 0 };
	}
}

static int64_t bind(int i, uint64_t kind, uint64_t base, uint64_t n)
{
	cpu0.current = &env[i];
	return op_dev_bind(kind, base, n);
}

static void end(int i)
{
	public[i + 1].state = EXO_S_DYING;
	dev_teardown(&env[i]);
}

static void ended(int i)
{
	for (int n = 0; n < 1000 && pci_waits(&env[i]); n++, w.now += 10)
		pci_teardown(&env[i]);
	CHECK(!pci_waits(&env[i]));
	CHECK_EQ(w.charged, 0);
}

/* What comes along, and which bits are set: the bridges' too, and mastering only when it is asked for. */
TEST(pci_bind_opens)
{
	world();
	CHECK_EQ(bind(0, EXO_DEV_MASTER, BDF(3, 1), 1), -EXO_EPERM);
	CHECK_EQ(bind(0, EXO_DEV_PCI, BDF(3, 1), 1), 0);
	CHECK_EQ(get(DISK, COMMAND) & 7, 3);
	CHECK_EQ(get(BRIDGE, COMMAND) & 7, 7);
	CHECK_EQ(bind(0, EXO_DEV_MASTER, BDF(3, 1), 1), 0);
	CHECK_EQ(get(DISK, COMMAND) & 7, 7);
	CHECK(dev_frames_find(BAR) && dev_frames_find(BAR)->owner == 1 && dev_frames_find(BAR + 3));
	CHECK(!dev_frames_find(BAR + 1) && !dev_frames_find(BAR + 2) && !dev_frames_find(BAR + 4));
	CHECK_EQ(env[0].port_count, 5);
	CHECK(env[0].port[0].group == 0xc000 / 8 && env[0].port[0].mask == 0x0f && env[0].port[1].mask == 0xff);
	CHECK_EQ(bind(1, EXO_DEV_PCI, BDF(3, 1), 1), -EXO_EBUSY);
	CHECK_EQ(bind(1, EXO_DEV_FRAMES, BAR, 1), -EXO_EPERM);
	CHECK_EQ(bind(1, EXO_DEV_PCI, BDF(0, 2), 1), -EXO_EPERM);
	CHECK_EQ(bind(1, EXO_DEV_DMA_END + 1, BDF(0, 2), 1), -EXO_EINVAL);
	end(0);
	ended(0);
}

/* Entries that lie across a page's end; lines beyond the first have vectors of their own; MSI is switched off with
 * its driver. */
TEST(pci_messages)
{
	world();
	CHECK_EQ(bind(0, EXO_DEV_PCI, BDF(3, 1), 1), 0);
	CHECK_EQ(bind(1, EXO_DEV_PCI, BDF(0, 3), 1), 0);
	CHECK_EQ(bind(1, EXO_DEV_MSI, BDF(3, 1), 0), -EXO_EPERM);
	CHECK_EQ(bind(0, EXO_DEV_MSI, BDF(3, 1), 40), -EXO_EINVAL);
	for (uint64_t i = 0; i < 40; i++)
		CHECK_EQ(bind(0, EXO_DEV_MSI, BDF(3, 1), i), i);
	CHECK_EQ(bind(0, EXO_DEV_MSI, BDF(3, 1), 7), -EXO_EEXIST);
	CHECK_EQ(w.entries[0][1022], 0xfee03000);
	CHECK_EQ(w.entries[1][0], VECTOR_MSI);
	CHECK_EQ(w.entries[1][1], 0);
	CHECK_EQ(w.entries[1][4 * 20], VECTOR_MSI_MORE + 5);
	CHECK_EQ(get(DISK, MSIX) >> 30, 2);
	CHECK_EQ(get(DISK, COMMAND) & 0x400, 0x400);
	CHECK_EQ(bind(1, EXO_DEV_MSI, BDF(0, 3), 1), -EXO_EINVAL);
	CHECK_EQ(bind(1, EXO_DEV_MSI, BDF(0, 3), 0), 40);
	CHECK_EQ(get(OLD, MSI) >> 16 & 1, 1);
	CHECK_EQ(get(OLD, MSI + 4), 0xfee03000);
	CHECK_EQ(get(OLD, MSI + 12), VECTOR_MSI_MORE + 25);
	CHECK_EQ(message_at[VECTOR_MSI + 3], 4);
	/* Storms and doubles are one bit until it is taken. */
	for (int i = 0; i < 1000; i++)
		pci_interrupt(3);
	CHECK_EQ(pages[0].msi_bits, 8);
	CHECK_EQ(pages[0].pending, EXO_PEND_IRQ);
	CHECK_EQ(pages[1].msi_bits, 0);
	end(0);
	end(1);
	CHECK_EQ(w.entries[1][1], 1);
	CHECK_EQ(get(OLD, MSI) >> 16 & 1, 0);
	w.events = 0;
	pci_interrupt(3); /* late */
	CHECK_EQ(w.events, 0);
	for (; pci_waits(&env[0]); w.now += 10)
		pci_teardown(&env[0]);
	ended(1);
}

/* At once silent; the reset a tenth of a second later, its end after another; then BARs are back, and only then
 * frames and function are free. */
TEST(pci_reset_is_awaited)
{
	world();
	CHECK_EQ(bind(0, EXO_DEV_PCI, BDF(3, 1), 1), 0);
	CHECK_EQ(bind(0, EXO_DEV_MASTER, BDF(3, 1), 1), 0);
	CHECK_EQ(bind(0, EXO_DEV_DMA, 3 << 12 | EXO_DMA_WRITE, 1), 3);
	CHECK_EQ(bind(0, EXO_DEV_DMA, 5 << 12, 1), 5);
	CHECK_EQ(bind(0, EXO_DEV_DMA, 5 << 12, 1), 5);
	CHECK_EQ(frames[5].pins, 2);
	frames[5].owner = 0; /* disowned meanwhile */
	w.absent = 3;
	end(0);
	CHECK_EQ(get(DISK, COMMAND) & 7, 0);
	CHECK(!dev_frames_find(BAR) || !dev_frames_find(BAR)->owner);
	for (w.now = 5000; w.now < 5100; w.now += 10)
		pci_teardown(&env[0]);
	CHECK_EQ(w.resets, 0);
	pci_teardown(&env[0]);
	CHECK_EQ(w.resets, 1);
	for (; w.now < 5200; w.now += 10)
		pci_teardown(&env[0]);
	CHECK_EQ(bind(1, EXO_DEV_PCI, BDF(3, 1), 1), -EXO_EAGAIN);
	CHECK_EQ(frames[3].pins, 1);
	CHECK_EQ(w.freed, 0);
	ended(0);
	CHECK_EQ(w.resets, 1);
	CHECK_EQ(w.absent, 0); /* it was asked until it answered */
	CHECK_EQ(get(DISK, 0x10), BAR << 12);
	CHECK_EQ(get(DISK, EXPRESS + 8), 0);
	CHECK_EQ(frames[3].pins | frames[5].pins, 0);
	CHECK_EQ(frames[3].pin_next | frames[3].pin_prev | frames[5].pin_next | frames[5].pin_prev, 0);
	CHECK_EQ(w.freed, 1u << 5);
	CHECK_EQ(bind(1, EXO_DEV_PCI, BDF(3, 1), 1), 0);
	end(1);
	ended(1);
}

/* A function that goes on mastering keeps its driver's frames; one that knows no reset is let go when it is silent. */
TEST(pci_without_reset)
{
	world();
	w.sticks = 1;
	CHECK_EQ(bind(0, EXO_DEV_PCI, BDF(0, 3), 1), 0);
	CHECK_EQ(bind(0, EXO_DEV_DMA, 3 << 12, 1), 3);
	end(0);
	for (int i = 0; i < 500; i++, w.now += 10)
		pci_teardown(&env[0]);
	CHECK_EQ(frames[3].pins, 1);
	CHECK_EQ(bind(1, EXO_DEV_PCI, BDF(0, 3), 1), -EXO_EAGAIN);
	w.sticks = 0;
	ended(0);
	CHECK_EQ(frames[3].pins, 0);
	CHECK_EQ(w.resets, 0);
}

/* Mapped still by who shares a dead driver's tables: not bound again before that is over. */
TEST(pci_mapped_still)
{
	world();
	CHECK_EQ(bind(0, EXO_DEV_PCI, BDF(3, 1), 1), 0);
	dev_frames_find(BAR)->maps = 1;
	end(0);
	ended(0);
	CHECK_EQ(bind(1, EXO_DEV_PCI, BDF(3, 1), 1), -EXO_EBUSY);
	dev_frames_find(BAR)->maps = 0;
	dev_frames_find(BAR)->count = 0; /* as leaf.c does */
	CHECK_EQ(bind(1, EXO_DEV_PCI, BDF(3, 1), 1), 0);
	end(1);
	ended(1);
}

/* Whose pins; in any order out of the chain; of a run the head's; the counter refuses at its end. */
TEST(pci_pins)
{
	world();
	CHECK_EQ(bind(0, EXO_DEV_DMA, 3 << 12, 1), -EXO_EPERM);
	CHECK_EQ(bind(0, EXO_DEV_PCI, BDF(3, 1), 1), 0);
	CHECK_EQ(bind(1, EXO_DEV_PCI, BDF(0, 3), 1), 0);
	for (uint64_t i = 1; i < 8; i++)
		CHECK_EQ(bind(0, EXO_DEV_DMA, i << 12, 1), i);
	CHECK_EQ(bind(1, EXO_DEV_DMA, 3 << 12, 1), -EXO_EBUSY);
	CHECK_EQ(bind(1, EXO_DEV_DMA_END, 3, 1), -EXO_EPERM);
	CHECK_EQ(bind(0, EXO_DEV_DMA_END, 16, 1), -EXO_EINVAL);
	CHECK_EQ(bind(0, EXO_DEV_DMA_END, ~0ul, 1), -EXO_EINVAL);
	static const uint64_t order[] = { 4, 7, 1, 3 };
	for (int i = 0; i < 4; i++)
		CHECK_EQ(bind(0, EXO_DEV_DMA_END, order[i], 1), 0);
	CHECK_EQ(bind(0, EXO_DEV_DMA_END, 3, 1), -EXO_EPERM);
	CHECK_EQ(bind(1, EXO_DEV_DMA, 3 << 12, 1), 3);
	frames[9].pins = 1; /* the tracer's */
	CHECK_EQ(bind(0, EXO_DEV_DMA, 9 << 12, 1), -EXO_EBUSY);
	frames[9].pins = 0;
	frames[2].pins = UINT16_MAX;
	CHECK_EQ(bind(0, EXO_DEV_DMA, 2 << 12, 1), -EXO_EOVERFLOW);
	frames[10].type = EXO_PT1;
	CHECK_EQ(bind(0, EXO_DEV_DMA, 10 << 12, 1), -EXO_ETYPE);
	CHECK_EQ(bind(0, EXO_DEV_DMA, 11 << 12 | 2, 1), -EXO_EINVAL);
	CHECK_EQ(bind(0, EXO_DEV_DMA, 16 << 12, 1), -EXO_ENOENT);
	end(0);
	while (pci_waits(&env[0])) {
		pci_teardown(&env[0]);
		w.now += 10;
	}
	for (int i = 1; i < 8; i++)
		CHECK_EQ(frames[i].pins, i == 3);
	end(1);
	ended(1);
}

/* ---- limits: each refuses where it ends, and has taken nothing then */

TEST(pci_without_counts)
{
	world();
	w.poor = true;
	CHECK_EQ(bind(0, EXO_DEV_PCI, BDF(0, 3), 1), -EXO_EPERM);
	CHECK_EQ(w.table[OLD].holder, 0);
	CHECK_EQ(bind(0, EXO_DEV_FRAMES, 0xd0000, 1), -EXO_EPERM);
	CHECK(!dev_frames_find(0xd0000));
	CHECK_EQ(bind(0, EXO_DEV_PORTS, 0x2f8, 1), -EXO_EPERM);
	CHECK_EQ(env[0].port_count, 0);
	CHECK_EQ(bind(0, EXO_DEV_IRQ, 3, 1), -EXO_EPERM);
	CHECK_EQ(env[0].irq_lines, 0);
	w.poor = false;
	CHECK_EQ(bind(0, EXO_DEV_PCI, BDF(0, 3), 1), 0);
	w.poor = true;
	CHECK_EQ(bind(0, EXO_DEV_MSI, BDF(0, 3), 0), -EXO_EPERM);
	CHECK_EQ(get(OLD, MSI) >> 16 & 1, 0);
	end(0);
	ended(0);
}

/* Messages; an env's groups of ports; ranges of device memory; functions. */
TEST(pci_without_room)
{
	world();
	w.table[DISK].messages = EXO_MSI_LINES + 1;
	CHECK_EQ(bind(0, EXO_DEV_PCI, BDF(3, 1), 1), 0);
	for (uint64_t i = 0; i < EXO_MSI_LINES; i++)
		CHECK(bind(0, EXO_DEV_MSI, BDF(3, 1), i) >= 0);
	CHECK_EQ(bind(0, EXO_DEV_MSI, BDF(3, 1), EXO_MSI_LINES), -EXO_ENOMEM);
	end(0);
	ended(0);

	world();
	env[0].port_count = ENV_PORTS - 4;
	CHECK_EQ(bind(0, EXO_DEV_PCI, BDF(3, 1), 1), -EXO_ENOMEM);
	env[0].port_count = ENV_PORTS;
	CHECK_EQ(bind(0, EXO_DEV_PORTS, 0x3e8, 1), -EXO_ENOMEM);
	env[0].port_count = 0;
	CHECK_EQ(w.charged, 0);

	unsigned ranges = 0;
	while (bind(0, EXO_DEV_FRAMES, 0xd0000 + ranges, 1) == 0)
		ranges++;
	CHECK_EQ(ranges, 64);
	CHECK_EQ(bind(0, EXO_DEV_FRAMES, 0xd0000 + ranges, 1), -EXO_ENOMEM);
	CHECK_EQ(bind(1, EXO_DEV_PCI, BDF(3, 1), 1), -EXO_ENOMEM);
	end(0);
	ended(0);

	world();
	told.pci_count = FUNCTIONS;
	for (unsigned i = 0; i < 16; i++)
		CHECK_EQ(bind(0, EXO_DEV_PCI, BDF(0, 3 + i), 1), 0);
	CHECK_EQ(bind(1, EXO_DEV_PCI, BDF(0, 3 + 16), 1), -EXO_ENOMEM);
	end(0);
	ended(0);
	CHECK_EQ(bind(1, EXO_DEV_PCI, BDF(0, 3 + 16), 1), 0);
	end(1);
	ended(1);
}

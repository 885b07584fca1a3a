/* SPDX-License-Identifier: MIT */
/* PCI functions (rules 40 to 42): the machine's virtio disk, bound by actors that have the machine right, with as
 * much of a driver as reads one sector (virtio 1.2, 4.1.4 and 5.2). */
#include <base/string.h>
#include <exo/pci.h>
#include "gate.h"

#define TABLE ((const volatile struct exo_pci *)EXO_PCI)
#define VIRTIO 0x1af4
#define COMMON (T + 16 * PAGE) /* the device's registers */
#define NOTIFY (T + 17 * PAGE)
#define RING   (T + 18 * PAGE) /* descriptors, available, used, the request's head and status: one page */
#define DATA   (T + 19 * PAGE)
#define LARGE  (T + 0x200000)  /* a run */

static uint32_t config32(const volatile struct exo_pci *f, unsigned at) { return f->config_word[at / 4]; }
static unsigned config16(const volatile struct exo_pci *f, unsigned at)
{ return config32(f, at) >> at % 4 * 8 & 0xffff; }

/* The last virtio disk of the table: one that was added behind a bridge rather than the one that was booted from. */
static const volatile struct exo_pci *disk(void)
{
	const volatile struct exo_pci *found = 0;

	for (uint64_t i = 0; i < rt_info->pci_count; i++)
		if (config16(&TABLE[i], 0) == VIRTIO && (config16(&TABLE[i], 2) == 0x1001 || config16(&TABLE[i], 2) == 0x1042))
			found = &TABLE[i];
	return found;
}

static const volatile struct exo_pci *of_class(unsigned class)
{
	for (uint64_t i = 0; i < rt_info->pci_count; i++)
		if (TABLE[i].config[11] == class)
			return &TABLE[i];
	return 0;
}

static uint64_t free_bdf(void)
{
	for (uint64_t bdf = 0; bdf < 0x10000; bdf++) {
		uint64_t i = 0;

		while (i < rt_info->pci_count && TABLE[i].bdf != bdf)
			i++;
		if (i == rt_info->pci_count)
			return bdf;
	}
	return 0;
}

/* An actor that runs to its end: true. */
static int acted(actor_function *run, uint64_t argument, int with_right)
{
	exo_name name = actor_start(0, run, argument);

	memset((void *)shared, 0, sizeof shared);
	if (!name || (with_right && gate_env_set(name, EXO_SET_RIGHTS, EXO_RIGHT_MACHINE, 0) != 0))
		return 0;
	return actor_finish(name);
}

/* In any env: the table says what configuration space says. */
void pci_table(void)
{
	const volatile struct exo_pci *f = disk();

	CHECK(rt_info->pci_count > 3 && rt_info->pci_count <= EXO_PCI_MAX);
	CHECK(f && f->bindable && f->holder == 0 && f->messages >= 2);
	IS(f->config[11], 1); /* mass storage */
	CHECK(of_class(6) && !of_class(6)->bindable);
	CHECK(f->msix && f->closed[0].count);
	IS(f->config[f->msix], 0x11);
	IS(f->bar[config32(f, f->msix + 4u) & 7].base + (config32(f, f->msix + 4u) & ~7u), f->msix_table);
	for (int i = 0; i < EXO_PCI_BARS; i++)
		CHECK(!f->bar[i].kind || (f->bar[i].given && f->bar[i].size && f->bar[i].base % f->bar[i].size == 0));
}

/* ---- a driver */

static int64_t page_map(uint64_t va, uint64_t pa) { return gate_pte_write(0, va | 1, 1, PTE(pa >> 12, RW | NX), 0, 0); }

/* Maps what virtio's capability of that type names: the address, 0 = refused. */
static uint64_t part_map(const volatile struct exo_pci *f, unsigned type, uint64_t va)
{
	for (unsigned at = f->config[0x34]; at; at = f->config[at + 1])
		if (f->config[at] == 9 && f->config[at + 3] == type) {
			uint64_t pa = f->bar[f->config[at + 4]].base + config32(f, at + 8);

			return page_map(va, pa) == 1 ? va + (pa & (PAGE - 1)) : 0;
		}
	return 0;
}

#define REG8(at)  (*(volatile uint8_t *)(at))
#define REG16(at) (*(volatile uint16_t *)(at))
#define REG32(at) (*(volatile uint32_t *)(at))
enum { DRIVER_FEATURE_SELECT = 8, DRIVER_FEATURE = 12, STATUS = 20, QUEUE_SELECT = 22, QUEUE_SIZE = 24,
	QUEUE_VECTOR = 26, QUEUE_ENABLE = 28, QUEUE_DESC = 32, QUEUE_AVAIL = 40, QUEUE_USED = 48 };
enum { AVAIL = 0x400, USED = 0x800, HEAD = 0xc00, DONE = 0xc80 }; /* in RING */

static uint64_t common, notify;
static unsigned status_found; /* the device's, before its driver has written anything */

static void queue_address(unsigned at, uint64_t pa)
{
	REG32(common + at) = (uint32_t)pa;
	REG32(common + at + 4) = (uint32_t)(pa >> 32);
}

/* Binds the disk and starts its one queue, of 8: 0, or where it was refused. */
static int driver_start(const volatile struct exo_pci *f)
{
	int64_t ring;

	if (gate_dev_bind(EXO_DEV_PCI, f->bdf, 1) != 0)
		return 1;
	if (!page_new(RING, RW | NX) || !page_new(DATA, RW | NX))
		return 2;
	if (!(common = part_map(f, 1, COMMON)) || !(notify = part_map(f, 2, NOTIFY)))
		return 2;
	status_found = REG8(common + STATUS);
	REG8(common + STATUS) = 0;
	if (REG8(common + STATUS) != 0)
		return 3;
	if (gate_dev_bind(EXO_DEV_MSI, f->bdf, 1) < 0 || gate_dev_bind(EXO_DEV_MASTER, f->bdf, 1) != 0)
		return 4;
	REG8(common + STATUS) = 3;
	REG32(common + DRIVER_FEATURE_SELECT) = 0;
	REG32(common + DRIVER_FEATURE) = 0;
	REG32(common + DRIVER_FEATURE_SELECT) = 1;
	REG32(common + DRIVER_FEATURE) = 1; /* VIRTIO_F_VERSION_1 */
	REG8(common + STATUS) = 11;
	ring = gate_dev_bind(EXO_DEV_DMA, RING | EXO_DMA_WRITE, 1);
	if (!(REG8(common + STATUS) & 8) || ring < 0)
		return 5;
	REG16(common + QUEUE_SELECT) = 0;
	REG16(common + QUEUE_SIZE) = 8;
	REG16(common + QUEUE_VECTOR) = 1;
	queue_address(QUEUE_DESC, (uint64_t)ring << 12);
	queue_address(QUEUE_AVAIL, ((uint64_t)ring << 12) + AVAIL);
	queue_address(QUEUE_USED, ((uint64_t)ring << 12) + USED);
	REG16(common + QUEUE_ENABLE) = 1;
	REG8(common + STATUS) = 15;
	return REG16(common + QUEUE_VECTOR) == 1 ? 0 : 6;
}

static void descriptor(int i, uint64_t pa, uint32_t size, unsigned flags)
{
	WORD(RING + 16 * (uint64_t)i) = pa;
	WORD(RING + 16 * (uint64_t)i + 8) = size | (uint64_t)flags << 32 | (uint64_t)(i + 1) << 48;
}

/* Reads `size` bytes from that sector on; goes on at once. */
static void read_start(uint64_t sector, uint64_t pa, uint32_t size)
{
	uint64_t ring = PFN(rt_entry(RING, 1)) << 12;

	WORD(RING + HEAD) = 0;
	WORD(RING + HEAD + 8) = sector;
	REG8(RING + DONE) = 0xff;
	descriptor(0, ring + HEAD, 16, 1);
	descriptor(1, pa, size, 3);
	descriptor(2, ring + DONE, 1, 2);
	REG16(RING + AVAIL + 4 + 2 * (REG16(RING + AVAIL + 2) % 8)) = 0;
	REG16(RING + AVAIL + 2)++;
	REG16(notify) = 0;
}

/* ---- binding */

static void bind_disk(uint64_t argument)
{
	const volatile struct exo_pci *f = disk();

	(void)argument;
	shared[0] = (uint64_t)gate_dev_bind(EXO_DEV_PCI, f->bdf, 1);
	shared[1] = (uint64_t)gate_dev_bind(EXO_DEV_PCI, f->bdf, 1);
	shared[2] = f->holder == rt_self();
	shared[3] = 1;
	while (argument)
		(void)gate_yield(0, 0);
}

void pci_bind(void)
{
	const volatile struct exo_pci *f = disk();
	uint64_t bdf;
	exo_name name;

	CHECK(f);
	bdf = f->bdf;
	IS(gate_dev_bind(EXO_DEV_PCI, bdf, 2), -EXO_EINVAL);
	IS(gate_dev_bind(EXO_DEV_PCI, free_bdf(), 1), -EXO_ENOENT);
	IS(gate_dev_bind(EXO_DEV_PCI, bdf | 0x10000, 1), -EXO_ENOENT);
	IS(gate_dev_bind(EXO_DEV_PCI, of_class(6)->bdf, 1), -EXO_EPERM); /* a bridge */
	IS(gate_dev_bind(EXO_DEV_MASTER, bdf, 1), -EXO_EPERM);
	IS(gate_dev_bind(EXO_DEV_MASTER, free_bdf(), 1), -EXO_ENOENT);
	/* Without the right. */
	CHECK(acted(bind_disk, 0, 0));
	IS(shared[0], -EXO_EPERM);
	/* Held by an actor: by nobody else, and not twice. When it has ended, it is reset first. */
	name = actor_start(0, bind_disk, 1);
	shared[3] = 0;
	CHECK(name);
	IS(gate_env_set(name, EXO_SET_RIGHTS, EXO_RIGHT_MACHINE, 0), 0);
	while (!shared[3])
		(void)gate_yield(name, 0);
	IS(shared[0], 0);
	IS(shared[1], -EXO_EBUSY);
	IS(shared[2], 1);
	IS(gate_dev_bind(EXO_DEV_PCI, bdf, 1), -EXO_EBUSY);
	IS(gate_env_kill(name), -EXO_EAGAIN); /* nobody waits in the kernel */
	IS(gate_dev_bind(EXO_DEV_PCI, bdf, 1), -EXO_EAGAIN);
	rt_env_end(name);
	IS(f->holder, 0);
	CHECK(acted(bind_disk, 0, 1));
	IS(shared[0], 0);
}

/* ---- its memory */

static void map_bars(uint64_t other)
{
	const volatile struct exo_pci *f = disk();

	shared[0] = (uint64_t)rt_tables(0, T, 0, 0);
	shared[1] = (uint64_t)page_map(T, f->bar[4].base); /* not yet */
	shared[2] = (uint64_t)gate_dev_bind(EXO_DEV_FRAMES, f->bar[4].base >> 12, 1);
	shared[3] = (uint64_t)gate_dev_bind(EXO_DEV_PCI, f->bdf, 1);
	shared[4] = (uint64_t)page_map(T, f->bar[4].base);
	shared[5] = (uint64_t)page_map(T + PAGE, f->msix_table);
	shared[6] = (uint64_t)page_map(T + PAGE, other);
	shared[7] = REG8(T + STATUS) & 0xff; /* a register: it can be read */
	shared[8] = 1;
}

void pci_pages(void)
{
	const volatile struct exo_pci *f = disk();
	uint64_t other = 0;

	for (uint64_t i = 0; i < rt_info->pci_count; i++)
		for (int b = 0; b < EXO_PCI_BARS && &TABLE[i] != f; b++)
			if (TABLE[i].bar[b].kind == EXO_PCI_MEM && TABLE[i].bar[b].base - rt_info->fb_base >= rt_info->fb_size)
				other = TABLE[i].bar[b].base;
	CHECK(f && other);
	IS(gate_dev_bind(EXO_DEV_FRAMES, other >> 12, 1), -EXO_EPERM);
	IS(gate_dev_bind(EXO_DEV_FRAMES, f->msix_table >> 12, 1), -EXO_EPERM);
	CHECK(acted(map_bars, other, 1));
	IS(shared[1], -EXO_EPERM);
	IS(shared[2], -EXO_EPERM);
	IS(shared[3], 0);
	IS(shared[4], 1);
	IS(shared[5], -EXO_EPERM);
	IS(shared[6], -EXO_EPERM);
	IS(shared[8], 1);
}

/* ---- its ports */

static void port_read(uint64_t port)
{
	uint8_t value;

	__asm__ volatile("inb %1, %0" : "=a"(value) : "Nd"((uint16_t)port));
	(void)value;
}

static void read_ports(uint64_t base)
{
	shared[0] = (uint64_t)guarded(port_read, base);
	shared[1] = (uint64_t)gate_dev_bind(EXO_DEV_PCI, disk()->bdf, 1);
	shared[2] = (uint64_t)guarded(port_read, base);
	shared[3] = (uint64_t)guarded(port_read, base + disk()->bar[0].size - 1);
	shared[4] = (uint64_t)guarded(port_read, base + disk()->bar[0].size);
	shared[5] = (uint64_t)guarded(port_read, base - 1);
}

void pci_ports(void)
{
	const volatile struct exo_pci *f = disk();

	CHECK(f);
	if (f->bar[0].kind != EXO_PCI_IO)
		return; /* a disk without the older registers, as behind a PCI Express port */
	CHECK(acted(read_ports, f->bar[0].base, 1));
	IS(shared[0], 1);
	IS(shared[1], 0);
	IS(shared[2], 0);
	IS(shared[3], 0);
	IS(shared[4], 1);
	IS(shared[5], 1);
	IS(guarded(port_read, f->bar[0].base), 1);
}

/* ---- messages */

static void messages_bind(uint64_t argument)
{
	const volatile struct exo_pci *f = disk();

	(void)argument;
	shared[0] = (uint64_t)gate_dev_bind(EXO_DEV_MSI, f->bdf, 0);
	shared[1] = (uint64_t)driver_start(f); /* binds message 1 */
	shared[2] = (uint64_t)gate_dev_bind(EXO_DEV_MSI, f->bdf, 1);
	shared[3] = (uint64_t)gate_dev_bind(EXO_DEV_MSI, f->bdf, f->messages);
	shared[4] = (uint64_t)gate_dev_bind(EXO_DEV_MSI, f->bdf, ~0ul);
	shared[5] = (uint64_t)gate_dev_bind(EXO_DEV_MSI, f->bdf, 0);
	if (shared[1])
		return;
	for (shared[6] = 0; shared[6] < 3; shared[6]++) {
		read_start(1, (uint64_t)gate_dev_bind(EXO_DEV_DMA, DATA | EXO_DMA_WRITE, 1) << 12, 512);
		while (!rt_page()->msi_bits)
			(void)gate_yield(0, 0);
		if (REG16(RING + USED + 2) != shared[6] + 1 || REG8(RING + DONE))
			return;
		shared[7] = __atomic_exchange_n(&rt_page()->msi_bits, 0, __ATOMIC_SEQ_CST);
		shared[8] = WORD(DATA);
	}
}

/* Each request ends with one; nothing is to be acknowledged. */
void pci_message(void)
{
	const volatile struct exo_pci *f = disk();

	CHECK(f);
	IS(gate_dev_bind(EXO_DEV_MSI, f->bdf, 0), -EXO_EPERM);
	IS(gate_dev_bind(EXO_DEV_MSI, free_bdf(), 0), -EXO_ENOENT);
	CHECK(acted(messages_bind, 0, 1));
	IS(shared[0], -EXO_EPERM);
	IS(shared[1], 0);
	IS(shared[2], -EXO_EEXIST);
	IS(shared[3], -EXO_EINVAL);
	IS(shared[4], -EXO_EINVAL);
	CHECK((int64_t)shared[5] >= 0);
	IS(shared[6], 3);
	IS(__builtin_popcountl(shared[7]), 1);
	if (!f->express)
		IS(shared[8], 0x5452415020494645ul); /* "EFI PART": the second sector of what was booted from */
}

/* ---- pins */

static void pins_refused(uint64_t argument)
{
	const volatile struct exo_pci *f = disk();
	uint64_t pfn = page_new(T, RW | NX), readonly = page_new(T + PAGE, NX);

	(void)argument;
	shared[0] = (uint64_t)gate_dev_bind(EXO_DEV_DMA, T, 1); /* who holds no function */
	shared[1] = (uint64_t)gate_dev_bind(EXO_DEV_PCI, f->bdf, 1);
	shared[2] = (uint64_t)gate_dev_bind(EXO_DEV_DMA, (T + PAGE) | EXO_DMA_WRITE, 1);
	shared[3] = (uint64_t)gate_dev_bind(EXO_DEV_DMA, T + PAGE, 1) == readonly;
	shared[4] = (uint64_t)gate_dev_bind(EXO_DEV_DMA, T + 2 * PAGE, 1);
	shared[5] = (uint64_t)gate_dev_bind(EXO_DEV_DMA, EXO_INFO, 1);
	shared[6] = (uint64_t)gate_dev_bind(EXO_DEV_DMA, (uint64_t)rt_page() | EXO_DMA_WRITE, 1);
	shared[7] = (uint64_t)gate_dev_bind(EXO_DEV_DMA, T | 8, 1);
	shared[8] = (uint64_t)gate_dev_bind(EXO_DEV_DMA, T, 2);
	shared[9] = (uint64_t)gate_dev_bind(EXO_DEV_DMA_END, pfn, 1);
	for (int i = 0; i < 2; i++)
		if (gate_dev_bind(EXO_DEV_DMA, T | EXO_DMA_WRITE, 1) != (int64_t)pfn || FRAME(pfn).pins != i + 1)
			return;
	shared[10] = (uint64_t)gate_frame_give(pfn, 1, rt_info->first);
	shared[11] = (uint64_t)gate_frame_give(pfn, 1, 0);
	(void)gate_pte_write(0, T | EXO_AT_GIVE | 1, 1, 0, 0, 0);
	if (FRAME(pfn).owner != EXO_NAME_INDEX(rt_self()) || FRAME(pfn).pins != 2)
		return;
	shared[12] = (uint64_t)gate_frame_type(pfn, 1, EXO_PT1, 0);
	shared[13] = (uint64_t)gate_dev_bind(EXO_DEV_DMA_END, pfn, 1);
	shared[14] = gate_dev_bind(EXO_DEV_DMA_END, pfn, 1) == 0 && FRAME(pfn).pins == 0 &&
		gate_dev_bind(EXO_DEV_DMA_END, pfn, 1) == -EXO_EPERM;
	shared[15] = (uint64_t)gate_frame_type(pfn, 1, EXO_PT1, 0);
}

void pci_pin(void)
{
	static const int64_t want[16] = { -EXO_EPERM, 0, -EXO_ENOENT, 1, -EXO_ENOENT, -EXO_ETYPE, -EXO_ETYPE, -EXO_EINVAL,
		-EXO_EINVAL, -EXO_EPERM, -EXO_EBUSY, -EXO_EBUSY, -EXO_EBUSY, 0, 1, 1 };

	CHECK(disk());
	CHECK(acted(pins_refused, 0, 1));
	for (int i = 0; i < 16; i++)
		if ((int64_t)shared[i] != want[i]) {
			test_fail(i, "a pin", 1, (int64_t)shared[i], want[i]);
			return;
		}
}

/* A driver holds on to a frame of the home, which it shares with the first env. */
static void pin_shared(uint64_t va)
{
	shared[0] = (uint64_t)gate_dev_bind(EXO_DEV_PCI, disk()->bdf, 1);
	shared[1] = (uint64_t)gate_dev_bind(EXO_DEV_DMA, va | EXO_DMA_WRITE, 1);
	shared[2] = 1;
	while (shared[2] != 2)
		(void)gate_yield(0, 0);
	shared[3] = (uint64_t)gate_dev_bind(EXO_DEV_DMA_END, shared[1], 1);
	shared[4] = 1;
}

static uint8_t pinned_page[PAGE] __attribute__((aligned(4096)));

static void owner_waits(uint64_t argument)
{
	(void)argument;
	while (shared[5] != 9)
		(void)gate_yield(0, 0);
}

/* The frame belongs to an actor that ends while another's device may still write there: it stays what it is. */
void pci_pin_outlives(void)
{
	uint64_t va = (uint64_t)pinned_page, pfn = PFN(rt_entry(va, 1));
	exo_name driver, owner;

	CHECK(disk() && pfn);
	memset((void *)shared, 0, sizeof shared);
	driver = actor_start(0, pin_shared, va);
	owner = actor_start(1, owner_waits, 0);
	CHECK(driver && owner);
	IS(gate_env_set(driver, EXO_SET_RIGHTS, EXO_RIGHT_MACHINE, 0), 0);
	IS(gate_frame_give(pfn, 1, owner), 1);
	while (!shared[2])
		(void)gate_yield(driver, 0);
	IS(shared[0], 0);
	IS(shared[1], pfn);
	rt_env_end(owner);
	IS(env_state(owner), EXO_S_FREE);
	IS(FRAME(pfn).owner, 0);
	IS(FRAME(pfn).pins, 1);
	IS(gate_frame_adopt(pfn, va | 1), -EXO_EBUSY);
	shared[2] = 2;
	while (!shared[4])
		(void)gate_yield(driver, 0);
	IS(shared[3], 0);
	rt_env_end(driver);
	IS(FRAME(pfn).pins, 0);
	IS(gate_frame_adopt(pfn, va | 1), 1);
}

/* ---- a driver that ends while its device writes */

static void read_and_die(uint64_t argument)
{
	int64_t head;

	shared[1] = (uint64_t)driver_start(disk());
	if (shared[1] || rt_tables(0, T, 0, 0) < 0)
		return;
	for (head = (int64_t)(rt_info->frame_count / 512 - 1) * 512; head > 0; head -= 512) {
		uint64_t n = 0;

		while (n < 512 && FRAME((uint64_t)head + n).type == EXO_FREE)
			n++;
		if (n == 512)
			break;
	}
	shared[2] = (uint64_t)head;
	for (uint64_t n = 0; n < 512; n++)
		if (gate_frame_claim((uint64_t)head + n, 1) != 1)
			return;
	for (uint64_t n = 0; n < 512;) {
		int64_t r = gate_frame_type((uint64_t)head + n, 512 - n, EXO_RUN, 0);

		if (r <= 0)
			return;
		n += (uint64_t)r;
	}
	if (gate_pte_write(0, LARGE | 2, 1, PTE(head, RW | NX), 0, 0) != 1)
		return;
	shared[3] = (uint64_t)gate_dev_bind(EXO_DEV_DMA, (LARGE + 5 * PAGE) | EXO_DMA_WRITE, 1);
	read_start(0, (uint64_t)head << 12, 1 << 20);
	shared[4] = 1;
	while (argument)
		(void)gate_yield(rt_info->first, 0);
}

/* What it was to fill is somebody else's soon after, and stays as that one has it; the next driver finds a disk that
 * works, and as new if the disk knows a reset. */
static void driver_ends(int is_killed)
{
	uint64_t *page = (uint64_t *)pinned_page, end, head;
	exo_name name;

	CHECK(disk());
	memset((void *)shared, 0, sizeof shared);
	name = actor_start(0, read_and_die, (uint64_t)is_killed);
	CHECK(name);
	IS(gate_env_set(name, EXO_SET_RIGHTS, EXO_RIGHT_MACHINE, 0), 0);
	while (!shared[4] && env_state(name) == EXO_S_READY)
		(void)gate_yield(name, 0);
	if (is_killed)
		IS(env_state(name), EXO_S_READY);
	rt_env_end(name);
	IS(shared[1], 0);
	IS(shared[4], 1);
	head = shared[2];
	IS(shared[3], head + 5);
	IS(disk()->holder, 0);
	IS(rt_tables(0, LARGE, 0, 0), 0);
	for (uint64_t n = 0; n < 64; n++) {
		IS(FRAME(head + n).pins, 0);
		IS(gate_frame_claim(head + n, 1), 1);
		IS(rt_map(0, LARGE + n * PAGE, head + n, 1, RW | NX), 0);
		for (page = (uint64_t *)(LARGE + n * PAGE); page < (uint64_t *)(LARGE + (n + 1) * PAGE); page++)
			*page = 0x5a5a5a5a5a5a5a5aul;
	}
	for (end = rt_tsc() + rt_info->tsc_hz / 4; rt_tsc() < end;)
		__asm__ volatile("pause");
	for (page = (uint64_t *)LARGE; page < (uint64_t *)(LARGE + 64 * PAGE); page++)
		CHECK(*page == 0x5a5a5a5a5a5a5a5aul);
	IS(rt_unmap(0, LARGE, 64, 1), 0);
	IS(gate_pte_write(0, LARGE | EXO_AT_GIVE | 2, 1, 0, 0, 0), 1);
	status_found = 0xff;
	CHECK(acted(messages_bind, 0, 1));
	IS(shared[6], 3);
	if (disk()->express)
		IS(status_found, 0);
}

void pci_driver_ends(void) { driver_ends(0); }
void pci_driver_killed(void) { driver_ends(1); }

/* SPDX-License-Identifier: MIT */
/* kernel/dev.c: interrupt lines that several envs share, and what becomes of who does not acknowledge. Time and the interrupt controller are the test's. */
#include <stdarg.h>
#include "check.h"
#include "../../kernel/kernel.h"

uint8_t *host_ram;
struct exo_env *envs;
struct exo_info *info;
static struct boot_info told;
const struct boot_info *boot = &told;
struct cpu cpu0;
bool has_hypervisor;

static struct exo_env records[5];
static struct exo_page pages[4];
static struct env env[4];
static struct exo_info facts = { .tsc_hz = 1000 };
static unsigned masked, logged;      /* bit l: line l is masked */
static uint32_t charged;

bool account_charge(uint16_t account, int count, uint32_t n) { (void)account; (void)count; charged += n; return true; }
void account_refund(uint16_t account, int count, uint32_t n) { (void)account; (void)count; charged -= n; }
void irq_mask(unsigned line, bool on) { masked = on ? masked | 1u << line : masked & ~(1u << line); }
bool irq_is_level(unsigned line) { return line == 5 || line == 11; }
void sched_event(struct env *e, uint32_t bits) { e->exo->pending |= bits; }
int64_t trace_bind(uint64_t pfn, uint64_t n) { (void)pfn; (void)n; return -EXO_EPERM; }
void machine_ports(const struct env *e, bool open) { (void)e; (void)open; }
int64_t pci_bind(uint64_t kind, uint64_t base, uint64_t n) { (void)kind; (void)base; (void)n; return -EXO_EINVAL; }
bool pci_has_memory(uint64_t first, uint64_t end) { (void)first; (void)end; return false; }
void pci_quiet(struct env *e) { (void)e; }
void klog(const char *format, ...) { (void)format; logged++; }

static void world(void)
{
	envs = records;
	info = &facts;
	masked = 0xffff;
	charged = logged = 0;
	for (uint16_t i = 0; i < 4; i++)
		env[i] = (struct env){ .exo = &pages[i], .index = (uint16_t)(i + 1), .name = i + 1u, .machine = i != 0, .public = &records[i + 1] };
}

static int64_t bind(int i, uint64_t line) { cpu0.current = &env[i]; return op_dev_bind(EXO_DEV_IRQ, line, 1); }
static int64_t ack(int i, uint64_t line) { cpu0.current = &env[i]; return op_dev_ack(line); }
static bool is_masked(unsigned line) { return masked >> line & 1; }

static void leave_all(void)
{
	for (int i = 0; i < 4; i++)
		dev_teardown(&env[i]);
	CHECK_EQ(charged, 0);
	CHECK_EQ(masked, 0xffff);
}

TEST(dev_line_rights)
{
	world();
	CHECK_EQ(bind(0, 5), -EXO_EPERM);
	CHECK_EQ(bind(0, 4), -EXO_EPERM);
	CHECK_EQ(bind(0, 3), 0);
	CHECK_EQ(bind(1, 3), -EXO_EBUSY);
	CHECK_EQ(bind(1, 7), -EXO_EPERM);
	CHECK_EQ(charged, 1);
	leave_all();
}

/* Masked from the delivery until the last of its binders has acknowledged. */
TEST(dev_line_all_acknowledge)
{
	world();
	CHECK_EQ(bind(1, 5), 0);
	CHECK_EQ(bind(2, 5), 0);
	CHECK(!is_masked(5));
	dev_interrupt(5);
	CHECK(is_masked(5));
	CHECK_EQ(pages[1].pending & pages[2].pending, EXO_PEND_IRQ);
	CHECK_EQ(ack(1, 5), 0);
	CHECK(is_masked(5));
	CHECK_EQ(ack(1, 5), 0);
	CHECK(is_masked(5));
	CHECK_EQ(bind(3, 5), 0); /* a newcomer owes nothing, and frees nothing */
	CHECK(is_masked(5));
	CHECK_EQ(ack(3, 5), 0);
	CHECK(is_masked(5));
	CHECK_EQ(ack(2, 5), 0);
	CHECK(!is_masked(5));
	dev_interrupt(5);
	dev_teardown(&env[1]);
	dev_teardown(&env[3]);
	CHECK(is_masked(5));
	dev_teardown(&env[2]); /* nobody is left: masked */
	leave_all();
}

/* A second, by its name; the others keep the line. */
TEST(dev_line_lost)
{
	world();
	CHECK_EQ(bind(1, 11), 0);
	CHECK_EQ(bind(2, 11), 0);
	dev_late = ~0ul;
	dev_interrupt(11);
	CHECK_EQ(dev_late, 1000);
	CHECK_EQ(ack(2, 11), 0);
	dev_overdue(999);
	CHECK_EQ(logged, 0);
	CHECK_EQ(dev_late, 1000);
	CHECK(is_masked(11));
	dev_overdue(1000);
	CHECK_EQ(logged, 1);
	CHECK_EQ(dev_late, ~0ul);
	CHECK(!is_masked(11));
	CHECK_EQ(charged, 1);
	CHECK_EQ(ack(1, 11), -EXO_ENOENT);
	CHECK_EQ(ack(2, 11), 0);
	CHECK_EQ(bind(1, 11), 0);
	leave_all();
}

/* An edge is never owed. */
TEST(dev_line_edge)
{
	world();
	CHECK_EQ(bind(0, 3), 0);
	dev_late = ~0ul;
	dev_interrupt(3);
	CHECK(!is_masked(3));
	CHECK_EQ(dev_late, ~0ul);
	CHECK_EQ(pages[0].irq_bits & 8, 8);
	leave_all();
}

TEST(dev_ports_by_bit)
{
	world();
	cpu0.current = &env[0];
	CHECK_EQ(op_dev_bind(EXO_DEV_PORTS, 0x60, 1), -EXO_EPERM);
	CHECK_EQ(op_dev_bind(EXO_DEV_PORTS, 0x2f8, 8), 0);
	CHECK_EQ(op_dev_bind(EXO_DEV_PORTS, 0x2f8, 1), -EXO_EBUSY);
	cpu0.current = &env[1];
	CHECK_EQ(op_dev_bind(EXO_DEV_PORTS, 0x2ff, 1), -EXO_EBUSY);
	CHECK_EQ(op_dev_bind(EXO_DEV_PORTS, 0x60, 5), -EXO_EPERM);
	CHECK_EQ(op_dev_bind(EXO_DEV_PORTS, 0x60, 1), 0);
	CHECK_EQ(op_dev_bind(EXO_DEV_PORTS, 0x64, 1), 0); /* the same device */
	CHECK_EQ(charged, 2);
	CHECK_EQ(env[1].port[0].mask, 0x11);
	CHECK_EQ(op_dev_bind(EXO_DEV_PORTS, 0xf4, 1), -EXO_EPERM);
	has_hypervisor = true;
	CHECK_EQ(op_dev_bind(EXO_DEV_PORTS, 0xf4, 1), 0);
	has_hypervisor = false;
	leave_all();
	cpu0.current = &env[2];
	CHECK_EQ(op_dev_bind(EXO_DEV_PORTS, 0x2ff, 1), 0);
	leave_all();
}

/* Where the log goes there is the machine right to have, whichever port that is. */
TEST(dev_ports_of_the_log)
{
	world();
	told.serial_base = 0x3e8;
	cpu0.current = &env[0];
	CHECK_EQ(op_dev_bind(EXO_DEV_PORTS, 0x3ef, 1), -EXO_EPERM);
	CHECK_EQ(op_dev_bind(EXO_DEV_PORTS, 0x2e8, 8), 0);
	cpu0.current = &env[1];
	CHECK_EQ(op_dev_bind(EXO_DEV_PORTS, 0x3e8, 8), 0);
	told.serial_base = 0;
	leave_all();
	cpu0.current = &env[0];
	CHECK_EQ(op_dev_bind(EXO_DEV_PORTS, 0x3e8, 8), 0);
	leave_all();
}

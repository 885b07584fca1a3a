/* SPDX-License-Identifier: MIT */
#include <stdarg.h>
#include <stdlib.h>
#include "model.h"

struct model M;
static uint8_t bar[0x4000];
static uint8_t *given[2048];
static unsigned given_count;
static struct exo_pci record;

/* ---- what lib/rt and lib/dev's pci.c would be */
void rt_log(const char *format, ...)
{
	size_t n = strlen(M.log);
	va_list list;

	va_start(list, format);
	if (n < sizeof M.log - 300)
		strcpy(M.log + n + vsnprintf(M.log + n, 256, format, list), "\n");
	va_end(list);
}

uint32_t pci_config32(const struct pci *p, unsigned at) { return p->record->config_word[at / 4]; }
volatile uint8_t *pci_map(struct pci *p, unsigned b, uint64_t offset, uint64_t size)
{ (void)p; return !b && offset + size <= sizeof bar ? bar + offset : NULL; }
int pci_master(struct pci *p) { (void)p; return 0; }
int pci_message(struct pci *p, unsigned index) { (void)p; (void)index; return 0; }
int pci_open(struct pci *p, const volatile struct exo_pci *r, uint64_t va, uint64_t size)
{ (void)p; (void)r; (void)va; (void)size; return -1; }
void *pci_memory(struct pci *p, unsigned pages) { (void)p; (void)pages; return NULL; }
void *pci_page(struct pci *p, uint64_t *address)
{
	(void)p;
	*address = (uint64_t)(given[given_count] = aligned_alloc(4096, 4096));
	return memset(given[given_count++], 0, 4096);
}

static void *at(uint64_t address, unsigned size)
{
	static uint16_t last[256]; /* where the page was found, by some bits of its address */
	uint16_t *i = &last[address >> 12 & 255];

	if (*i >= given_count || (uint64_t)given[*i] != (address & ~4095ul))
		for (*i = 0; *i < given_count && (uint64_t)given[*i] != (address & ~4095ul); ++*i)
			;
	if (*i < given_count && address % 4096 + size <= 4096)
		return (void *)address;
	test_fail("the controller was told to use %lx", (unsigned long)address);
}

/* ---- events and rings */
void model_event(uint64_t parameter, uint32_t status, uint32_t control)
{
	struct trb *t;

	if (!(M.command & 1))
		return; /* it does not run */
	t = at(M.erst + M.event_at * 16, 16);
	*t = (struct trb){ parameter, status, control | (uint32_t)M.event_cycle };
	if (++M.event_at == 256) {
		M.event_at = 0;
		M.event_cycle ^= 1;
	}
}

static int ring_take(uint64_t *where, int *cycle, struct trb *t, uint64_t *address)
{
	for (;;) {
		*t = *(struct trb *)at(*where, 16);
		if ((int)(t->control & 1) != *cycle)
			return 0;
		*address = *where;
		if ((t->control >> 10 & 63) != TRB_LINK) {
			*where += 16;
			return 1;
		}
		*where = t->parameter;
		*cycle ^= t->control >> 1 & 1;
	}
}

static void port_event(unsigned port) { model_event((uint64_t)port << 24, 1u << 24, TRB(TRB_PORT_EVENT)); }

/* ---- things */
void thing_make(struct thing *t, int is_hub, int speed)
{
	static const uint8_t keyboard[] = { 9, 2, 34, 0, 1, 1, 0, 0xa0, 50, 9, 4, 0, 0, 1, 3, 1, 1, 0, 9, 0x21, 0x11,
		1, 0, 1, 0x22, 63, 0, 7, 5, 0x81, 3, 8, 0, 10 };
	static const uint8_t hub[] = { 9, 2, 25, 0, 1, 1, 0, 0xe0, 0, 9, 4, 0, 0, 1, 9, 0, 0, 0, 7, 5, 0x81, 3, 1, 0, 12 };
	const uint8_t device[18] = { 18, 1, 0, 2, 0, 0, 0, (uint8_t)(speed == SPEED_LOW ? 8 : 64), 0x34, 0x12, 0x78, 0x56 };

	memset(t, 0, sizeof *t);
	t->is_hub = is_hub;
	t->speed = speed;
	memcpy(t->device, device, 18);
	t->config_size = is_hub ? sizeof hub : sizeof keyboard;
	memcpy(t->config, is_hub ? hub : keyboard, t->config_size);
	if (speed == SPEED_SUPER) {
		t->device[3] = 3;
		t->device[7] = 9; /* as a power of two */
	}
	if (is_hub && speed == SPEED_SUPER) { /* USB 3.2, 10.15.1: two bytes of changes, and a companion */
		static const uint8_t companion[] = { 6, 0x30, 0, 0, 2, 0 };

		t->config[2] = (uint8_t)(t->config_size + sizeof companion);
		t->config[22] = 2;
		memcpy(t->config + t->config_size, companion, sizeof companion);
		t->config_size += sizeof companion;
	}
}

void thing_stick(struct thing *t, int speed, struct stick *s)
{
	static const unsigned packet[] = { 0, 64, 0, 512, 1024 };

	thing_make(t, 0, speed);
	t->stick = s;
	t->config_size = stick_config(t->config, packet[speed]);
}

/* A port's status with something in it, and without. */
static unsigned plugged(const struct thing *hub) { return hub->speed == SPEED_SUPER ? 0x203 : 0x101; }
static unsigned unplugged(const struct thing *hub) { return hub->speed == SPEED_SUPER ? 0x2a0 : 0x100; }

void strand(struct thing *hub, unsigned port)
{
	hub->status[port] = 0x200 | 6 << 5;
	hub->change[port] |= 1 << 6;
}

void plug(struct thing *hub, unsigned port, struct thing *t)
{
	(hub ? hub->behind : M.root)[port] = t;
	if (hub) {
		hub->status[port] = (uint16_t)plugged(hub);
		hub->change[port] |= 1;
		return;
	}
	M.portsc[port] |= PORT_CONNECTED | PORT_CONNECT_CHANGE | (uint32_t)t->speed << 10;
	port_event(port);
}

void unplug(struct thing *hub, unsigned port)
{
	struct thing *t = (hub ? hub->behind : M.root)[port];

	(hub ? hub->behind : M.root)[port] = NULL;
	for (int i = 1; i < 9; i++)
		if (M.slot[i].of == t)
			M.slot[i].of = NULL;
	if (hub) {
		hub->status[port] = (uint16_t)unplugged(hub);
		hub->change[port] |= 1;
		return;
	}
	M.portsc[port] = PORT_POWER | PORT_CONNECT_CHANGE;
	port_event(port);
}

void tell(struct thing *t, const uint8_t *report, unsigned size)
{
	memcpy(t->report, report, size);
	t->report_size = size;
	t->has_report = 1;
}

void press(struct thing *t, uint8_t modifiers, uint8_t usage)
{
	const uint8_t report[8] = { modifiers, 0, usage };

	tell(t, report, 8);
}

/* What only a hub at SuperSpeed takes, or takes otherwise; 0: done. */
static int super_request(struct thing *t, unsigned what, unsigned value, unsigned port)
{
	/* What clears bit 0 and so on of its ports' changes. */
	static const uint8_t clears[] = { 16, 0, 0, 19, 20, 29, 25, 26 };

	if (what == 0x0c20 && value < 5) {
		t->depth = (int)value + 1;
		return 0;
	}
	if (what == 0x0323 && value == 8)
		return 0;
	if (what == 0x0323 && (value == 4 || value == 28) && t->behind[port]) {
		t->status[port] = (uint16_t)plugged(t);
		t->change[port] |= value == 4 ? 16 : 32;
		t->warm_resets += value == 28;
		return 0;
	}
	for (unsigned i = 0; what == 0x0123 && i < sizeof clears; i++)
		if (clears[i] && clears[i] == value) {
			t->change[port] &= (uint16_t)~(1u << i);
			return 0;
		}
	return -1;
}

/* Bytes moved, -1 refused. */
static int request(struct thing *t, const uint8_t s[8], uint8_t *data)
{
	static const uint8_t hub[9] = { 9, 0x29, M_PORTS, 0x20, 0, 5, 0, 0, 0xff };
	static const uint8_t super[12] = { 12, 0x2a, M_PORTS, 0, 0, 5, 0, 4, 0x20 };
	unsigned what = s[0] | s[1] << 8, value = s[2] | s[3] << 8, port = s[4] % (M_PORTS + 1);
	unsigned size = s[6] | s[7] << 8, n = 0;
	const uint8_t *from = NULL;
	int is_super = t->is_hub && t->speed == SPEED_SUPER;

	if (t->stick && !stick_request(t->stick, s))
		return 0;
	if (is_super && (what == 0x0c20 || what == 0x0323 || what == 0x0123))
		return super_request(t, what, value, port);
	switch (what) {
	case 0x0680: from = value >> 8 == 1 ? t->device : t->config, n = value >> 8 == 1 ? 18 : t->config_size; break;
	case 0x0900:
		t->configured = 1;
		if (t->stick)
			stick_reset(t->stick);
		break;
	case 0x0b21:
		if (t->refuses_boot)
			return -1;
		t->boot = 1;
		break;
	case 0x0681: from = t->descriptor, n = t->descriptor_size; break;
	case 0x0a21: return -1; /* many refuse SET_IDLE */
	case 0x0921:
		t->lamps_size = size < 8 ? size : 8;
		memcpy(t->lamps, data, t->lamps_size);
		break;
	case 0x06a0:
		if (value >> 8 != (is_super ? 0x2a : 0x29))
			return -1;
		from = is_super ? super : hub, n = is_super ? sizeof super : sizeof hub;
		break;
	case 0x00a3: memcpy(data, &t->status[port], 2), memcpy(data + 2, &t->change[port], 2); return 4;
	case 0x0323:
		if (value == 4 && t->behind[port]) {
			t->status[port] |= 2 | (uint16_t)(t->behind[port]->speed == SPEED_LOW ? 0x200 : 0);
			t->change[port] |= 16;
		}
		break;
	case 0x0123:
		if (value >= 16)
			t->change[port] &= (uint16_t)~(1u << (value - 16));
		break;
	default: return -1;
	}
	n = n < size ? n : size;
	if (from)
		memcpy(data, from, n);
	if (from && M.random)
		random_mutate(data, n);
	return (int)n;
}

static struct thing *slot_thing(uint32_t route, unsigned port)
{
	struct thing *t = M.root[port <= M_PORTS ? port : 0];

	for (int depth = 1; route && t; route >>= 4, depth++) {
		if (t->speed == SPEED_SUPER && t->depth != depth)
			return NULL; /* it looks at another part of the route */
		t = (route & 15) <= M_PORTS ? t->behind[route & 15] : NULL;
	}
	return t;
}

static unsigned ring_of(unsigned place)
{
	if (place == 1)
		return 1;
	return place & 1 ? 2 : 3;
}

/* The next transfer of a bulk endpoint, if the stick takes it now. */
static void stick_transfer(unsigned slot, unsigned place)
{
	static const unsigned packet[] = { 0, 64, 8, 512, 1024 };
	const unsigned e = ring_of(place), is_out = e == 3;
	struct thing *t = M.slot[slot].of;
	struct stick *s = t->stick;
	const uint64_t keep = M.slot[slot].at[e];
	const int keep_cycle = M.slot[slot].cycle[e];
	uint32_t to = TRB(TRB_TRANSFER_EVENT) | slot << 24 | place << 16;
	struct trb trb;
	uint64_t first;
	unsigned n, packets;
	int r;

	if (M.slot[slot].halted[e] || !ring_take(&M.slot[slot].at[e], &M.slot[slot].cycle[e], &trb, &first))
		return;
	n = trb.status & 0x1ffff;
	if (!s->halted[is_out] && M.slot[slot].toggle[e] != s->toggle[is_out] && !M.is_lenient)
		test_fail("the toggles of place %u are not the same; the log:\n%s", place, M.log);
	r = is_out ? stick_out(s, at(trb.parameter, n), n) : stick_in(s, at(trb.parameter, n), n);
	if (r == STICK_WAITS) {
		M.slot[slot].at[e] = keep, M.slot[slot].cycle[e] = keep_cycle;
	} else if (r < 0) {
		M.slot[slot].halted[e] = 1;
		n -= r == STICK_STALLS && s->before_stall <= n ? s->before_stall : 0;
		s->before_stall = 0;
		model_event(first, n | (r == STICK_STALLS ? 6u : 4u) << 24, to);
	} else {
		r = r < (int)n ? r : (int)n;
		packets = r ? ((unsigned)r + packet[t->speed] - 1) / packet[t->speed] : 1;
		M.slot[slot].toggle[e] = s->toggle[is_out] ^= packets & 1;
		model_event(first, (n - (unsigned)r) | (r < (int)n ? 13u : 1u) << 24, to);
	}
}

static void transfer(unsigned slot, unsigned place)
{
	unsigned e = ring_of(place);
	struct thing *t = M.slot[slot].of;
	uint32_t to = TRB(TRB_TRANSFER_EVENT) | slot << 24 | place << 16;
	struct trb setup, data = { 0 }, status;
	uint64_t first, middle = 0, last, keep;
	int n, keep_cycle;

	if (!M.slot[slot].on || (t && t->silent))
		return;
	if (t && t->stick && place != 1) {
		if (M.slot[slot].at[e])
			stick_transfer(slot, place);
		return;
	}
	keep = M.slot[slot].at[e], keep_cycle = M.slot[slot].cycle[e];
	if (!keep || !ring_take(&M.slot[slot].at[e], &M.slot[slot].cycle[e], &setup, &first))
		return;
	if (place != 1) {
		uint8_t bits = 0;

		for (unsigned p = 1; t && t->is_hub && p <= M_PORTS; p++)
			bits |= (uint8_t)((t->change[p] != 0) << p);
		if (!t || (!t->has_report && !bits)) {
			if (!t) {
				model_event(first, 4u << 24, to);
			} else {
				M.slot[slot].at[e] = keep, M.slot[slot].cycle[e] = keep_cycle;
			}
			return;
		}
		n = t->is_hub ? 1 : (int)t->report_size;
		n = n < (int)(setup.status & 0x1ffff) ? n : (int)(setup.status & 0x1ffff);
		memcpy(at(setup.parameter, (unsigned)n), t->is_hub ? &bits : t->report, (size_t)n);
		t->has_report = 0;
		model_event(first, (setup.status & 0x1ffff) - (unsigned)n, to | 0);
		((struct trb *)at(M.erst + (M.event_at + 255) % 256 * 16, 16))->status |= 1u << 24;
		return;
	}
	CHECK(ring_take(&M.slot[slot].at[e], &M.slot[slot].cycle[e], &status, &last));
	if ((status.control >> 10 & 63) == TRB_DATA) {
		data = status, middle = last;
		CHECK(ring_take(&M.slot[slot].at[e], &M.slot[slot].cycle[e], &status, &last));
	}
	CHECK_EQ(status.control >> 10 & 63, TRB_STATUS);
	uint8_t scratch[4096] = { 0 };
	if (middle && !(data.control & 1 << 16))
		memcpy(scratch, at(data.parameter, data.status & 0x1ffff), data.status & 0xfff);
	n = t ? request(t, (uint8_t *)&setup.parameter, scratch) : -2;
	if (n < 0) {
		model_event(n == -1 ? last : first, n == -1 ? 6u << 24 : 4u << 24, to);
		return;
	}
	if (middle) {
		unsigned size = data.status & 0x1ffff;

		if (data.control & 1 << 16)
			memcpy(at(data.parameter, size), scratch, (unsigned)n);
		model_event(middle, (size - (unsigned)n) | (n < (int)size ? 13u : 1u) << 24, to);
	}
	model_event(last, 1u << 24, to);
}

static void command(const struct trb *t, uint64_t address)
{
	unsigned slot = t->control >> 24, type = t->control >> 10 & 63, code = 1, step = M.wide ? 64 : 32;

	if (M.is_deaf)
		return;
	if (type == TRB_ENABLE_SLOT) {
		for (slot = 1; slot < 8 && M.slot[slot].on; slot++)
			;
		memset(&M.slot[slot], 0, sizeof M.slot[slot]);
		M.slot[slot].on = 1;
	} else if (!slot || slot > 8 || !M.slot[slot].on) {
		code = 11;
	} else if (type == TRB_DISABLE_SLOT) {
		M.slot[slot].on = 0;
	} else if (type == TRB_ADDRESS || type == TRB_CONFIGURE) {
		const uint8_t *in = at(t->parameter, 33 * step);
		const uint32_t *add = (const uint32_t *)in, *s = (const uint32_t *)(in + step);

		memcpy(M.slot[slot].context, s, 16);
		for (unsigned place = 1; place < 32; place++)
			if (add[1] >> place & 1 && place > 1 - (place == 1)) {
				uint64_t ring = *(const uint64_t *)(in + (place + 1) * step + 8);
				const unsigned e = ring_of(place);

				CHECK(place == 1 || !M.slot[slot].at[e] || add[0] >> place & 1); /* dropped before it is added anew */
				M.slot[slot].at[e] = ring & ~15ul;
				M.slot[slot].cycle[e] = ring & 1;
				M.slot[slot].halted[e] = M.slot[slot].toggle[e] = 0;
				if (M.slot[slot].of && M.slot[slot].of->stick && place != 1) /* bulk, 6.2.3 */
					CHECK_EQ(*(const uint32_t *)(in + (place + 1) * step + 4) >> 3 & 7, place & 1 ? 6 : 2);
				(void)at(ring & ~15ul, 16);
			}
		(void)at(((uint64_t *)at(M.table, 72))[slot], 32 * step);
		if (type == TRB_ADDRESS)
			M.slot[slot].of = slot_thing(s[0] & 0xfffff, s[1] >> 16 & 0xff);
		code = M.slot[slot].of && !M.slot[slot].of->silent ? 1 : 4;
	} else if (type == TRB_SET_DEQUEUE) {
		unsigned e = ring_of(t->control >> 16 & 31);
		M.slot[slot].at[e] = t->parameter & ~15ul;
		M.slot[slot].cycle[e] = t->parameter & 1;
	}
	if (type == TRB_RESET_ENDPOINT && code == 1) {
		unsigned e = ring_of(t->control >> 16 & 31);
		M.slot[slot].halted[e] = M.slot[slot].toggle[e] = 0;
	}
	model_event(address, code << 24, TRB(TRB_COMMAND_EVENT) | slot << 24);
}

/* ---- registers */
uint32_t mmio_read(volatile uint8_t *where)
{
	unsigned a = (unsigned)(where - bar);

	switch (a) {
	case 0x00: return 0x0100 << 16 | 0x20;
	case 0x04: return (uint32_t)M_PORTS << 24 | 1 << 8 | 8;
	case 0x08: return (uint32_t)(M.scratchpads & 31) << 27 | (uint32_t)(M.scratchpads >> 5) << 21;
	case 0x10: return 0xc00u << 16 | (uint32_t)M.wide << 2 | 1;
	case 0x14: return 0x2000;
	case 0x18: return 0x1000;
	case 0x20: return M.command;
	case 0x24: return M.status | !(M.command & 1);
	case 0x28: return 1;
	case 0x3000: return 1 | M.legacy | (M.firmware ? 1u << 16 : 0);
	}
	if (a >= 0x420 && a < 0x420 + 16 * M_PORTS && a % 16 == 0)
		return M.portsc[(a - 0x410) / 16];
	return 0;
}

static void port_set(unsigned port, uint32_t v)
{
	uint32_t *p = &M.portsc[port];

	*p &= ~(v & PORT_CHANGES);
	*p |= v & PORT_POWER;
	if (v & PORT_ENABLED)
		*p &= ~(uint32_t)PORT_ENABLED;
	if (v & PORT_RESET && (int)port == M.dead_port) {
		*p |= PORT_RESET;
	} else if (v & PORT_RESET && *p & PORT_CONNECTED) {
		*p |= PORT_ENABLED | 1 << 21;
		port_event(port);
	}
}

void mmio_write(volatile uint8_t *where, uint32_t v)
{
	unsigned a = (unsigned)(where - bar);
	uint64_t *wide = a == 0x38 || a == 0x3c ? &M.ring : &M.erst;
	struct trb t;
	uint64_t address;

	if (a == 0x50 || a == 0x54)
		wide = &M.table;
	if (a == 0x20 && v & 2)
		memset(M.slot, 0, sizeof M.slot); /* a reset ends what it had been told */
	if (a == 0x20)
		M.command = v & ~2u;
	else if (a == 0x38 || a == 0x50 || a == 0x1030)
		*wide = v;
	else if (a == 0x3c || a == 0x54 || a == 0x1034)
		*wide |= (uint64_t)v << 32;
	else if (a == 0x3000)
		M.legacy = v & 1u << 24;
	else if (a == 0x2000)
		while (ring_take(&M.ring, &M.cycle, &t, &address))
			command(&t, address);
	else if (a > 0x2000 && a <= 0x2000 + 4 * 8)
		transfer((a - 0x2000) / 4, v);
	else if (a >= 0x420 && a < 0x420 + 16 * M_PORTS)
		port_set((a - 0x410) / 16, v);
	if (a == 0x3c)
		M.ring &= ~63ul, M.cycle = 1;
	if (a == 0x1034)
		M.erst = *(uint64_t *)at(M.erst, 16), M.event_at = 0, M.event_cycle = 1;
}

struct usb *model_start(void)
{
	struct usb *u = calloc(1, sizeof *u);

	record.config_word[0] = 0x00010002;
	record.msix = 1;
	u->x.pci.record = &record;
	u->progress = 1;
	CHECK_EQ(xhci_open(u), 0);
	return u;
}

void model_run(struct usb *u, unsigned ms)
{
	for (unsigned i = 0; i < ms; i++) {
		for (unsigned s = 1; s < 9; s++)
			for (unsigned e = 2; e < 4; e++)
				if (M.slot[s].on && M.slot[s].at[e])
					transfer(s, e + 1);
		M.now += USB_MS;
		usb_pump(u, M.now);
	}
}

void model_free(void)
{
	while (given_count)
		free(given[--given_count]);
}

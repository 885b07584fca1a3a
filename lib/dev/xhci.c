/* SPDX-License-Identifier: MIT */
/* The rings of an xHCI controller: commands, transfers, events; contexts. Knows no kind of device (xHCI 1.2, 4, 6). */
#include "usb_core.h"

enum { RING_LAST = 255, EVENTS = 256 }; /* the ring's last TRB leads back to its first */
enum { TOGGLE = 1 << 1, SHORT_TOO = 1 << 2, TELL = 1 << 5, IMMEDIATE = 1 << 6, TO_HOST = 1 << 16 };
enum { IMAN = 0x20, ERDP = 0x38, EVENT_BUSY = 8, IMAN_PENDING = 1, IMAN_ENABLE = 2 };
#define COMMAND_NS  (5000 * USB_MS)
#define CONTROL_NS  (2000 * USB_MS) /* USB 2.0, 9.2.6.4: 500 ms for each of data and status; some take longer */

static volatile struct trb *trb_at(const struct usb_page *p, unsigned i)
{ return (volatile struct trb *)p->page + i; }

void ring_start(struct usb_ring *r)
{
	memset(r->page.page, 0, EXO_PAGE_SIZE);
	r->at = 0;
	r->cycle = 1;
}

static uint64_t ring_put(struct usb_ring *r, uint64_t parameter, uint32_t status, uint32_t control)
{
	volatile struct trb *t = trb_at(&r->page, r->at);
	uint64_t address = r->page.address + r->at * sizeof *t;

	t->parameter = parameter;
	t->status = status;
	__atomic_store_n(&t->control, control | r->cycle, __ATOMIC_RELEASE);
	if (++r->at == RING_LAST) {
		t = trb_at(&r->page, RING_LAST);
		t->parameter = r->page.address;
		t->status = 0;
		__atomic_store_n(&t->control, TRB(TRB_LINK) | TOGGLE | r->cycle, __ATOMIC_RELEASE);
		r->at = 0;
		r->cycle ^= 1;
	}
	return address;
}

static void doorbell(struct usb *u, unsigned slot, unsigned target)
{
	__atomic_thread_fence(__ATOMIC_SEQ_CST); /* the ring before the register */
	mmio_write(u->x.doorbell + 4 * slot, target);
}

int xhci_command(struct usb *u, struct usb_command *c, uint64_t parameter, uint32_t control)
{
	struct xhci *x = &u->x;

	if (c->state == COMMAND_DONE) {
		c->state = COMMAND_NONE;
		u->progress = 1;
		return c->code == CODE_SUCCESS ? 1 : -EIO;
	}
	if (c->state == COMMAND_BUSY || x->asked)
		return 0;
	c->state = COMMAND_BUSY;
	x->asked = c;
	x->asked_until = u->now + COMMAND_NS;
	wake_by(u, x->asked_until);
	x->asked_trb = ring_put(&x->commands, parameter, 0, control);
	doorbell(u, 0, 0);
	return 0;
}

/* ---- contexts: 6.2 */

static uint32_t *input_part(struct usb *u, unsigned i)
{ return (uint32_t *)(u->x.input.page + i * u->x.context_size); }

enum { PIPE_OUT = 2, PIPE_CONTROL = 4, PIPE_IN = 6, PIPE_INTERRUPT = 7 };

static void input_pipe(struct usb *u, const struct usb_pipe *p, unsigned type, unsigned packet, unsigned interval)
{
	uint32_t *e = input_part(u, 1 + p->place);

	e[0] = interval << 16;
	e[1] = 3u << 1 | type << 3 | packet << 16; /* three tries */
	e[2] = (uint32_t)p->ring.page.address | 1;
	e[3] = (uint32_t)(p->ring.page.address >> 32);
	switch (type) { /* how much moves at a time; and, periodically, at most in an interval */
	case PIPE_CONTROL: e[4] = 8; break;
	case PIPE_INTERRUPT: e[4] = packet | packet << 16; break;
	default: e[4] = EXO_PAGE_SIZE;
	}
}

void xhci_input(struct usb *u, struct usb_device *d, uint32_t add)
{
	uint32_t *slot = input_part(u, 1), last = 1;
	const struct usb_hub *hub = d->kind == KIND_HUB && d->state == D_RUNS ? &d->as_hub : NULL;

	if (hub || add >> 2)
		last = d->in.place;
	if (d->disk && add >> 2 && d->disk->out.place > last)
		last = d->disk->out.place;
	memset(u->x.input.page, 0, EXO_PAGE_SIZE);
	if (d->state == D_RUNS)
		input_part(u, 0)[0] = add & ~3u;
	input_part(u, 0)[1] = add;
	slot[0] = d->route | (uint32_t)d->speed << 20 | last << 27;
	slot[1] = (uint32_t)d->root_port << 16;
	slot[2] = d->tt_slot | (uint32_t)d->tt_port << 8;
	if (hub) {
		slot[0] |= 1u << 26;
		slot[1] |= (uint32_t)hub->ports << 24;
		slot[2] |= d->speed == SPEED_HIGH ? (uint32_t)hub->think << 16 : 0;
	}
	if (add & 2)
		input_pipe(u, &d->control, PIPE_CONTROL, d->packet, 0);
	if (add >> 2)
		input_pipe(u, &d->in, d->disk ? PIPE_IN : PIPE_INTERRUPT, d->endpoint_packet, d->interval);
	if (add >> 2 && d->disk)
		input_pipe(u, &d->disk->out, PIPE_OUT, d->as_disk.packet, 0);
}

/* ---- transfers: 4.11.2 */

static void pipe_start(struct usb *u, struct usb_pipe *p, uint16_t size, uint64_t patience)
{
	p->state = PIPE_BUSY;
	p->size = size;
	p->got = 0;
	p->result = 0;
	p->until = patience ? u->now + patience : 0;
	if (patience)
		wake_by(u, p->until);
	p->first = p->data = p->last = 0;
}

void xhci_control(struct usb *u, struct usb_device *d, uint64_t setup, uint16_t size)
{
	struct usb_pipe *p = &d->control;
	uint32_t in = setup & 0x80 ? TO_HOST : 0, kind = 0;

	if (size)
		kind = in ? 3u << 16 : 2u << 16;
	pipe_start(u, p, size, CONTROL_NS);
	p->first = ring_put(&p->ring, setup, 8, TRB(TRB_SETUP) | IMMEDIATE | kind);
	if (size)
		p->data = ring_put(&p->ring, d->buffer.address, size, TRB(TRB_DATA) | TELL | SHORT_TOO | in);
	p->last = ring_put(&p->ring, 0, 0, TRB(TRB_STATUS) | TELL | (size && in ? 0 : TO_HOST));
	doorbell(u, d->slot, 1);
}

void xhci_transfer(struct usb *u, struct usb_device *d, struct usb_pipe *p, uint64_t address, uint16_t size,
	uint64_t patience)
{
	pipe_start(u, p, size, patience);
	p->last = ring_put(&p->ring, address, size, TRB(TRB_NORMAL) | TELL | SHORT_TOO);
	doorbell(u, d->slot, p->place);
}

static void pipe_end(struct usb *u, struct usb_pipe *p, int result)
{
	p->state = PIPE_DONE;
	p->result = result;
	u->progress = 1;
}

void pipe_step(struct usb *u, struct usb_device *d, struct usb_pipe *p)
{
	uint32_t to = (uint32_t)d->slot << 24 | (uint32_t)p->place << 16;
	int r;

	if (p->state == PIPE_HALTED) {
		r = xhci_command(u, &p->command, 0, TRB(TRB_RESET_ENDPOINT) | to);
		if (r > 0)
			p->state = PIPE_BEHIND;
	} else if (p->state == PIPE_BEHIND) {
		r = xhci_command(u, &p->command, (p->ring.page.address + p->ring.at * sizeof(struct trb)) | p->ring.cycle,
			TRB(TRB_SET_DEQUEUE) | to);
		if (r > 0)
			pipe_end(u, p, p->result);
	} else {
		r = p->state == PIPE_BUSY && p->until && u->now >= p->until ? -ETIMEDOUT : 0;
		if (p->state == PIPE_BUSY && p->until)
			wake_by(u, p->until);
	}
	if (r < 0) {
		p->is_stuck = 1;
		pipe_end(u, p, r);
	}
}

/* ---- events: 6.4.2. Each is held against what is under way; what fits nothing is passed over. */

static int pipe_event(struct usb *u, struct usb_pipe *p, uint64_t trb, unsigned code, uint32_t left)
{
	if (p->state != PIPE_BUSY || !trb || (trb != p->first && trb != p->data && trb != p->last))
		return 0;
	if (code >= CODE_STOPPED && code <= CODE_STOPPED_SHORT)
		return 1;
	if (trb == p->data || (trb == p->last && !p->first))
		p->got = (uint16_t)(p->size - (left < p->size ? left : p->size));
	if (code == CODE_SUCCESS || code == CODE_SHORT) {
		if (trb == p->last)
			pipe_end(u, p, 0);
		return 1;
	}
	p->result = code == CODE_STALL ? -EPIPE : -EIO;
	if (code == CODE_STALL || code == CODE_TRANSACTION || code == CODE_BABBLE || code == CODE_SPLIT) {
		p->state = PIPE_HALTED;
	} else {
		p->is_stuck = 1;
		pipe_end(u, p, -EIO);
	}
	return 1;
}

static int transfer_event(struct usb *u, uint64_t trb, uint32_t status, uint32_t control)
{
	struct usb_device *d = u->by_slot[control >> 24];
	unsigned place = control >> 16 & 31;

	if (!d)
		return 0;
	if (place == 1)
		return pipe_event(u, &d->control, trb, status >> 24, status & 0xffffff);
	if (place && d->disk && place == d->disk->out.place)
		return pipe_event(u, &d->disk->out, trb, status >> 24, status & 0xffffff);
	return place && place == d->in.place && pipe_event(u, &d->in, trb, status >> 24, status & 0xffffff);
}

static int command_event(struct usb *u, uint64_t trb, uint32_t status, uint32_t control)
{
	struct xhci *x = &u->x;

	if (!x->asked || trb != x->asked_trb)
		return 0;
	x->asked->code = (uint8_t)(status >> 24);
	x->asked->slot = (uint8_t)(control >> 24);
	x->asked->state = COMMAND_DONE;
	x->asked = NULL;
	return 1;
}

static int event_take(struct usb *u, uint64_t parameter, uint32_t status, uint32_t control)
{
	unsigned port = parameter >> 24 & 0xff;

	switch (control >> 10 & 63) {
	case TRB_TRANSFER_EVENT: return transfer_event(u, parameter, status, control);
	case TRB_COMMAND_EVENT: return command_event(u, parameter, status, control);
	case TRB_PORT_EVENT:
		if (!port || port > u->x.ports)
			return 0;
		u->news[port] = 1;
		return 1;
	case TRB_CONTROLLER_EVENT:
		xhci_fail(u, "says that it has failed");
		return 1;
	}
	return 1; /* bandwidth, doorbells, functions' notes: not ours */
}

int xhci_has_event(const struct usb *u)
{
	return (__atomic_load_n(&trb_at(&u->x.events, u->x.event_at)->control, __ATOMIC_ACQUIRE) & 1) == u->x.event_cycle;
}

void xhci_events(struct usb *u)
{
	struct xhci *x = &u->x;
	uint64_t at;

	if (!xhci_has_event(u))
		return;
	u->progress = 1;
	mmio_write(x->runtime + IMAN, IMAN_PENDING | IMAN_ENABLE);
	for (int i = 0; i < EVENTS && x->state == X_RUNS && xhci_has_event(u); i++) {
		const volatile struct trb *t = trb_at(&x->events, x->event_at);

		if (++x->event_at == EVENTS) {
			x->event_at = 0;
			x->event_cycle ^= 1;
		}
		if (!event_take(u, t->parameter, t->status, t->control) && !x->is_wild) {
			char place[USB_PLACE];

			usb_place(u, NULL, place);
			rt_log("usb: %s: an event that fits nothing (%x %x); such are passed over", place, t->status,
				t->control);
			x->is_wild = 1;
		}
	}
	if (x->state != X_RUNS)
		return;
	at = (x->events.address + x->event_at * sizeof(struct trb)) | EVENT_BUSY;
	mmio_write(x->runtime + ERDP, (uint32_t)at);
	mmio_write(x->runtime + ERDP + 4, (uint32_t)(at >> 32));
}

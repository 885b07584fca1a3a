/* SPDX-License-Identifier: MIT */
/* Walks the rows of drivers.def: finds devices, lets their drivers take them, and serves them all. */
#include <asm/errno.h>
#include <base/fmt.h>
#include <rt/log.h>
#include <rt/rt.h>
#include "drivers.h"

#define TABLE ((const volatile struct exo_pci *)EXO_PCI)

/* Where in configuration space one of both values stands, shifted up so far. */
struct match { uint32_t at, shift, value, other; const char *fixed; };
#define PCI_ID(id, old)  { 0, 0, id, old, NULL }
#define PCI_CLASS(class) { 8, 8, class, class, NULL }
#define FIXED(what)      { 0, 0, 0, 0, what }

static const struct row { const char *name; struct match match; const char *gives; uint64_t space, at; unsigned most; }
	rows[] = {
#define DRIVER(name, state, most, space, match, gives, ...) \
	{ #name, match, gives, space, offsetof(struct driver_spaces, name), most },
#include "drivers.def"
#undef DRIVER
};

#define DRIVER(name, state, most, space, ...) \
	_Static_assert((most) <= DRIVER_MOST && (space) % (2ul << 20) == 0, #name);
#include "drivers.def"
#undef DRIVER

/* The next function of that row, from number *at on, that nobody holds. NULL: there is none. */
static const volatile struct exo_pci *function_next(const struct match *m, uint64_t *at)
{
	while (*at < rt_info->pci_count) {
		const volatile struct exo_pci *f = &TABLE[(*at)++];
		uint32_t word = f->config_word[m->at / 4] >> m->shift;

		if ((word == m->value || word == m->other) && !f->holder)
			return f;
	}
	return NULL;
}

static int device_open(struct drivers *d, enum driver n, unsigned i, const volatile struct exo_pci *f, uint64_t va)
{
	switch (n) {
#define DRIVER(name, ...) case DRIVER_##name: return name##_open(&d->name[i], f, va, &d->wants);
#include "drivers.def"
#undef DRIVER
	case DRIVERS: break;
	}
	return -ENODEV;
}

int drivers_open(struct drivers *d, enum driver n)
{
	const struct row *row = &rows[n];
	const volatile struct exo_pci *f = NULL;
	uint64_t at = 0;
	unsigned i = d->held[n].count;
	int error = -ENODEV;

	while (i < row->most && (row->match.fixed || (f = function_next(&row->match, &at)) != NULL)) {
		error = device_open(d, n, i, f, d->va + row->at + i * row->space);
		if (!error) {
			d->held[n].function[i++] = f;
			d->is_new = 1;
		} else if (!f || error != -EACCES) {
			break;
		} else {
			rt_log("%s: %02x:%02x.%x is another's", row->name, f->bdf >> 8, f->bdf >> 3 & 31, f->bdf & 7);
		}
	}
	d->held[n].count = i;
	return i ? 0 : error;
}

#define EACH_DEVICE(name) for (unsigned i = 0; i < d->held[DRIVER_##name].count; i++)
#define NO(...) 0

void drivers_interrupt(struct drivers *d, uint32_t irq)
{
#define DRIVER(name, state, most, space, match, gives, interrupt, ...) \
	EACH_DEVICE(name) \
		(void)interrupt(&d->name[i], irq);
#include "drivers.def"
#undef DRIVER
}

int drivers_step(struct drivers *d)
{
	int is_new = d->is_new;

	d->is_new = 0;
#define DRIVER(name, state, most, space, match, gives, interrupt, step, ...) \
	EACH_DEVICE(name) \
		is_new |= step(&d->name[i]);
#include "drivers.def"
#undef DRIVER
	return is_new;
}

uint64_t drivers_deadline(const struct drivers *d)
{
	uint64_t soonest = 0, at;

#define DRIVER(name, state, most, space, match, gives, interrupt, step, deadline, list) \
	EACH_DEVICE(name) { \
		at = deadline(&d->name[i]); \
		soonest = at && (!soonest || at < soonest) ? at : soonest; \
	}
#include "drivers.def"
#undef DRIVER
	return soonest;
}

/* What is behind that row's device, by identity. */
static size_t device_list(const struct row *row, const volatile struct exo_pci *f, char *to, size_t max)
{
	char what[32];
	size_t n;

	if (f)
		(void)fmt(what, sizeof what, "%02x:%02x.%x %04x:%04x", f->bdf >> 8, f->bdf >> 3 & 31, f->bdf & 7,
			f->config_word[0] & 0xffff, f->config_word[0] >> 16);
	n = (size_t)fmt(to, max, "Driver:    %-8s  %-17s  gives %s\n", row->name, f ? what : row->match.fixed, row->gives);
	return n < max ? n : max - 1;
}

size_t drivers_list(const struct drivers *d, char *to, size_t max)
{
	size_t n = 0;

#define DRIVER(name, state, most, space, match, gives, interrupt, step, deadline, list) \
	EACH_DEVICE(name) { \
		n += device_list(&rows[DRIVER_##name], d->held[DRIVER_##name].function[i], to + n, max - n); \
		n += list(&d->name[i], to + n, max - n); \
	}
#include "drivers.def"
#undef DRIVER
	return n;
}

/* SPDX-License-Identifier: MIT */
/* Driver of the i8042 keyboard controller. Every wait is bounded in time: machines without one answer
 * with all ones or never. */
#include <asm/errno.h>
#include <base/string.h>
#include <rt/gate.h>
#include <rt/cpu.h>
#include "wants.h"

#define DATA       0x60
#define COMMAND    0x64 /* read: status */
#define LINE       1

#define STATUS_OUTPUT 0x01 /* a byte waits in DATA */
#define STATUS_INPUT  0x02 /* the controller has not taken the last byte yet */
#define STATUS_MOUSE  0x20 /* the byte that waits is the second port's */

#define CONFIG_READ   0x20
#define CONFIG_WRITE  0x60
#define MOUSE_OFF     0xa7
#define KEYBOARD_OFF  0xad
#define KEYBOARD_ON   0xae
#define CONFIG_IRQ    0x01
#define CONFIG_MOUSE_IRQ 0x02
#define CONFIG_CLOCK_OFF 0x10
#define CONFIG_TRANSLATE 0x40 /* the keyboard's set 2 arrives as set 1 */

#define KEY_DEFAULTS  0xf6
#define KEY_SCAN      0xf4
#define KEY_ACK       0xfa
#define KEY_AGAIN     0xfe

#define WAIT_NS       20000000u
#define ANSWER_NS     200000000u
#define FLUSH_MAX     64

static uint8_t status(void) { return port_in8(COMMAND); }

/* True when the controller takes a byte within the time. */
static int ready(void)
{
	for (uint64_t end = rt_now() + WAIT_NS; status() & STATUS_INPUT; )
		if (rt_now() > end)
			return 0;
	return 1;
}

static int command(uint8_t c)
{
	if (!ready())
		return 0;
	port_out8(COMMAND, c);
	return 1;
}

static int data(uint8_t c)
{
	if (!ready())
		return 0;
	port_out8(DATA, c);
	return 1;
}

/* The next byte, or -1. */
static int answer(uint64_t ns)
{
	for (uint64_t end = rt_now() + ns; !(status() & STATUS_OUTPUT); )
		if (rt_now() > end)
			return -1;
	return port_in8(DATA);
}

static void flush(void)
{
	for (int i = 0; i < FLUSH_MAX && status() & STATUS_OUTPUT; i++)
		(void)port_in8(DATA);
}

/* A command to the keyboard itself: true when it acknowledges. Keys that were pressed meanwhile are lost. */
static int key_command(uint8_t c)
{
	for (int try = 0; try < 2; try++) {
		int got = -1;

		if (!data(c))
			return 0;
		for (int i = 0; i < 4; i++) {
			got = answer(ANSWER_NS);
			if (got < 0 || got == KEY_ACK || got == KEY_AGAIN)
				break;
		}
		if (got != KEY_AGAIN)
			return got == KEY_ACK;
	}
	return 0;
}

int keyboard_open(struct keyboard *k, const volatile struct exo_pci *f, uint64_t va, const struct driver_wants *w)
{
	int config;

	(void)f, (void)va;
	memset(k, 0, sizeof *k);
	k->layout = (uint8_t)w->layout;
	if (gate_dev_bind(EXO_DEV_PORTS, DATA, 1) < 0 || gate_dev_bind(EXO_DEV_PORTS, COMMAND, 1) < 0)
		return -EACCES;
	if (status() == 0xff || !command(KEYBOARD_OFF) || !command(MOUSE_OFF))
		return -ENODEV;
	flush();
	if (!command(CONFIG_READ) || (config = answer(WAIT_NS)) < 0)
		return -ENODEV;
	config = (config & ~(CONFIG_MOUSE_IRQ | CONFIG_CLOCK_OFF | CONFIG_IRQ)) | CONFIG_TRANSLATE;
	if (!command(CONFIG_WRITE) || !data((uint8_t)config) || !command(KEYBOARD_ON))
		return -ENODEV;
	if (!key_command(KEY_DEFAULTS) || !key_command(KEY_SCAN))
		return -ENXIO;
	if (gate_dev_bind(EXO_DEV_IRQ, LINE, 1) < 0)
		return -EACCES;
	if (!command(CONFIG_WRITE) || !data((uint8_t)(config | CONFIG_IRQ)))
		return -ENODEV;
	(void)gate_dev_ack(LINE);
	return 0;
}

void keyboard_interrupt(struct keyboard *k, uint32_t irq)
{
	if (!(irq >> LINE & 1))
		return;
	(void)gate_dev_ack(LINE);
	k->has_news = 1;
}

int keyboard_get(struct keyboard *k, int application, char text[KEYBOARD_TEXT], size_t *size)
{
	uint8_t state = status(), byte;
	struct keyboard_event e;

	*size = 0;
	if (state == 0xff || !(state & STATUS_OUTPUT))
		return 0;
	byte = port_in8(DATA);
	if (state & STATUS_MOUSE)
		return 1;
	if (k->prefix && k->prefix < 0xe0) {
		k->prefix--;
		return 1;
	}
	if (byte == 0xe0 || byte == 0xe1) {
		k->prefix = byte == 0xe0 ? 0xe0 : 2; /* Pause: 0xe1 and two bytes, twice */
		return 1;
	}
	e = (struct keyboard_event){ byte & 0x7f, k->prefix == 0xe0, !(byte & 0x80) };
	k->prefix = 0;
	*size = keyboard_key(k, e, application, text);
	return 1;
}

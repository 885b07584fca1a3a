/* SPDX-License-Identifier: MIT */
/* The machine's own console, by the monitor: the screen shows what the terminal says (first of all the boot log),
 * the keyboard types into it. */
#include <base/fmt.h>
#include <base/string.h>
#include <rt/gate.h>
#include "monitor.h"

#define KEYBOARD_LINE 1
/* In the first env alone: below the channel's 4 MiB at the private area's end. */
#define USB_VA (PRIVATE_BASE + EXO_HOME_SIZE - (4ul << 20) - MONITOR_USB * USB_SPACE)

static void text_show(struct screen *s, const char *text, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		if (text[i] == '\n')
			screen_put(s, "\r", 1);
		screen_put(s, text + i, 1);
	}
}

static void boot_log_show(struct screen *s)
{
	char text[EXO_INFO_LOG];
	size_t n = rt_info->log_size <= sizeof text ? rt_info->log_size : 0;

	for (size_t i = 0; i < n; i++)
		text[i] = rt_info->log[i];
	text_show(s, text, n);
}

/* How many controllers there are. */
static unsigned usb_start(struct monitor *m)
{
	uint64_t at = 0;
	unsigned n = 0;

	while (n < MONITOR_USB && (m->console.usb[n] = usb_open(&at, USB_VA + n * USB_SPACE)) != NULL)
		n++;
	return n;
}

static void keyboard_start(struct monitor *m)
{
	static const char *const layouts[] = { [KEYBOARD_US] = "us", [KEYBOARD_DE] = "de" };
	int error = keyboard_open(&m->console.keyboard, CONFIG->layout);
	char line[128];
	unsigned controllers = usb_start(m);

	if (!error)
		(void)fmt(line, sizeof line, "keyboard: i8042, layout %s", layouts[CONFIG->layout]);
	else
		(void)fmt(line, sizeof line, "keyboard: %s; %s", error == -ENXIO ? "none answers behind the i8042" :
			error == -ENODEV ? "no i8042 answers" : "the kernel refuses the i8042",
			controllers ? "USB keyboards can be used" : "and there is no xHCI controller, so no USB keyboard");
	rt_log("%s", line);
	if (m->console.screen.on) {
		text_show(&m->console.screen, line, strlen(line));
		text_show(&m->console.screen, "\n", 1);
	}
}

void console_open(struct monitor *m)
{
	struct screen *s = &m->console.screen;

	if (!CONFIG->has_screen) {
		rt_log("screen: not wanted (console = serial)");
		return;
	}
	s->font = CONFIG->font;
	if (screen_open(s) == -ENODEV)
		rt_log("screen: no framebuffer that can be used");
	if (s->on) {
		boot_log_show(s);
		text_show(s, CONFIG->complaints, strlen(CONFIG->complaints));
	}
	if (s->on)
		screen_show(s);
}

void console_keys(struct monitor *m)
{
	/* A COMMAND's streams are the host's: nobody types. */
	if (!CONFIG->has_screen || CONFIG->mode > INIT_TTY)
		return;
	keyboard_start(m);
	console_drain(m);
}

void console_put(struct monitor *m, const void *bytes, size_t n)
{
	if (m->console.screen.on)
		screen_put(&m->console.screen, bytes, n);
}

/* What a key typed, or wishes. True: something for process 1. */
static int typed(struct monitor *m, const char *text, size_t n)
{
	struct screen *s = &m->console.screen;
	struct keyboard *k = &m->console.keyboard;

	/* What finds no room is lost, as anywhere; but it may be a ^C. */
	keys_put(text, n, m);
	if (k->wish == WISH_RESET)
		machine_end(m, ANSWER_RESET, 0);
	else if (k->wish != WISH_NONE && s->on)
		screen_scroll_view(s, (k->wish == WISH_VIEW_UP ? 1 : -1) * (int)s->rows / 2);
	k->wish = WISH_NONE;
	return n != 0;
}

static int keys_take(struct monitor *m)
{
	char text[KEYBOARD_TEXT];
	size_t n;
	int any = 0;

	while (keyboard_get(&m->console.keyboard, m->console.screen.keys_application, text, &n))
		any |= typed(m, text, n);
	return any;
}

/* For `hwinfo`. */
static void usb_tell(struct monitor *m)
{
	struct said *say = SAY;
	unsigned version = 0, size = 0;

	for (unsigned i = 0; i < MONITOR_USB && m->console.usb[i]; i++)
		version += usb_version(m->console.usb[i]);
	if (version == m->console.usb_version)
		return;
	m->console.usb_version = version;
	for (unsigned i = 0; i < MONITOR_USB && m->console.usb[i]; i++)
		size += (unsigned)usb_list(m->console.usb[i], say->devices + size, SAID_DEVICES - size);
	say->devices_size = size;
}

static int usb_take(struct monitor *m)
{
	struct keyboard *k = &m->console.keyboard;
	struct keyboard_event e;
	char text[KEYBOARD_TEXT];
	int any = 0;

	for (unsigned i = 0; i < MONITOR_USB && m->console.usb[i]; i++) {
		usb_leds(m->console.usb[i], (unsigned)k->numbers | (unsigned)k->caps << 1);
		usb_pump(m->console.usb[i], rt_now());
		while (usb_key(m->console.usb[i], &e))
			any |= typed(m, text, keyboard_key(k, e, m->console.screen.keys_application, text));
	}
	usb_tell(m);
	return any;
}

int console_pump(struct monitor *m, uint32_t irq)
{
	struct screen *s = &m->console.screen;
	char text[sizeof s->answer];
	size_t n;
	int news = 0;

	if (m->console.keyboard.on && irq >> KEYBOARD_LINE & 1) {
		keyboard_ack();
		news = keys_take(m);
	}
	if (m->console.usb[0])
		news |= usb_take(m);
	if (!s->on)
		return news;
	/* A host's terminal gives the same answers. */
	if (s->answer_size) {
		n = screen_take_answer(s, text, sizeof text);
		if (!CONFIG->has_channel) {
			keys_put(text, n, m);
			news = 1;
		}
	}
	if (s->dirty && clock_ns() >= s->show_at)
		screen_show(s);
	return news;
}

void console_drain(struct monitor *m)
{
	if (m->console.screen.on && m->console.screen.dirty)
		screen_show(&m->console.screen);
}

uint64_t console_deadline(const struct monitor *m)
{
	uint64_t at = m->console.screen.on && m->console.screen.dirty ? m->console.screen.show_at : 0;

	for (unsigned i = 0; i < MONITOR_USB && m->console.usb[i]; i++)
		at = earlier(at, usb_deadline(m->console.usb[i]));
	return at;
}

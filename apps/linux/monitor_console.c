/* SPDX-License-Identifier: MIT */
/* The machine's own console, by the monitor: the screen shows what the terminal says (first of all the boot log),
 * the keyboard types into it. */
#include <base/fmt.h>
#include <base/string.h>
#include <rt/gate.h>
#include "monitor.h"

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

static void keyboard_start(struct monitor *m, int no_usb)
{
	static const char *const layouts[] = { [KEYBOARD_US] = "us", [KEYBOARD_DE] = "de" };
	int error;
	char line[128];

	m->dev.wants.layout = CONFIG->layout;
	error = drivers_open(&m->dev, DRIVER_keyboard);
	m->has_keys = 1;
	if (!error)
		(void)fmt(line, sizeof line, "keyboard: i8042, layout %s", layouts[CONFIG->layout]);
	else
		(void)fmt(line, sizeof line, "keyboard: %s; %s", error == -ENXIO ? "none answers behind the i8042" :
			error == -ENODEV ? "no i8042 answers" : "the kernel refuses the i8042",
			no_usb ? "and there is no xHCI controller, so no USB keyboard" : "USB keyboards can be used");
	rt_log("%s", line);
	if (m->dev.screen->on) {
		text_show(m->dev.screen, line, strlen(line));
		text_show(m->dev.screen, "\n", 1);
	}
}

void console_open(struct monitor *m)
{
	struct screen *s = m->dev.screen;

	if (!CONFIG->has_screen) {
		rt_log("screen: not wanted (console = serial)");
		return;
	}
	m->dev.wants.font = CONFIG->font;
	if (drivers_open(&m->dev, DRIVER_screen) == -ENODEV)
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
	/* Not for keyboards alone: a report goes to a stick. A box has no devices. */
	int no_usb = IS_BOX ? -ENODEV : drivers_open(&m->dev, DRIVER_usb);

	/* A COMMAND's streams are the host's: nobody types. */
	if (!CONFIG->has_screen || CONFIG->mode > INIT_TTY)
		return;
	keyboard_start(m, no_usb);
	console_drain(m);
}

void console_put(struct monitor *m, const void *bytes, size_t n)
{
	if (m->dev.screen->on)
		screen_put(m->dev.screen, bytes, n);
}

/* What a key typed, or wishes. True: something for process 1. */
static int typed(struct monitor *m, const char *text, size_t n)
{
	struct screen *s = m->dev.screen;
	struct keyboard *k = m->dev.keyboard;

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

	m->dev.keyboard->has_news = 0;
	while (keyboard_get(m->dev.keyboard, m->dev.screen->keys_application, text, &n))
		any |= typed(m, text, n);
	return any;
}

static int usb_take(struct monitor *m)
{
	struct keyboard *k = m->dev.keyboard;
	struct keyboard_event e;
	char text[KEYBOARD_TEXT];
	int any = 0;

	for (unsigned i = 0; i < m->dev.held[DRIVER_usb].count; i++)
		while (usb_key(m->dev.usb[i], &e))
			any |= m->has_keys && typed(m, text, keyboard_key(k, e, m->dev.screen->keys_application, text));
	for (unsigned i = 0; i < m->dev.held[DRIVER_usb].count; i++)
		usb_leds(m->dev.usb[i], (unsigned)k->numbers | (unsigned)k->caps << 1);
	return any;
}

int console_pump(struct monitor *m)
{
	struct screen *s = m->dev.screen;
	char text[sizeof s->answer];
	size_t n;
	int news = 0;

	if (m->dev.keyboard->has_news)
		news = keys_take(m);
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
	return news;
}

void console_drain(struct monitor *m)
{
	if (m->dev.screen->on && m->dev.screen->dirty)
		screen_show(m->dev.screen);
}

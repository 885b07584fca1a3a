/* SPDX-License-Identifier: MIT */
/* The machine's own console, by the monitor: the screen shows what the terminal says (first of all the boot log),
 * the keyboard types into it. */
#include <base/fmt.h>
#include <base/string.h>
#include <rt/gate.h>
#include "monitor.h"

#define KEYBOARD_LINE 1

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

static void keyboard_start(struct monitor *m)
{
	static const char *const layouts[] = { [KEYBOARD_US] = "us", [KEYBOARD_DE] = "de" };
	int error = keyboard_open(&m->console.keyboard, CONFIG->layout);
	char line[128];

	if (!error)
		(void)fmt(line, sizeof line, "keyboard: i8042, layout %s", layouts[CONFIG->layout]);
	else
		(void)fmt(line, sizeof line, "keyboard: none was found (%s); USB keyboards cannot be used yet",
			error == -ENXIO ? "none answers behind the i8042" : error == -ENODEV ? "no i8042 answers" : "the kernel refuses the i8042");
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

/* True: something for process 1. */
static int keys_take(struct monitor *m)
{
	struct screen *s = &m->console.screen;
	struct keyboard *k = &m->console.keyboard;
	char text[KEYBOARD_TEXT];
	size_t n;
	int any = 0;

	while (keyboard_get(k, s->keys_application, text, &n)) {
		/* What finds no room is lost, as anywhere; but it may be a ^C. */
		keys_put(text, n, m);
		any |= n != 0;
		if (k->wish == WISH_RESET)
			machine_end(m, ANSWER_RESET, 0);
		else if (k->wish != WISH_NONE && s->on)
			screen_scroll_view(s, (k->wish == WISH_VIEW_UP ? 1 : -1) * (int)s->rows / 2);
		k->wish = WISH_NONE;
	}
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
{ return m->console.screen.on && m->console.screen.dirty ? m->console.screen.show_at : 0; }

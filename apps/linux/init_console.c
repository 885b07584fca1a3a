/* SPDX-License-Identifier: MIT */
/* The machine's own console, in the first env: the screen shows what the terminal says (first of all the boot log), the keyboard types into it. */
#include <base/fmt.h>
#include <base/string.h>
#include <rt/gate.h>
#include <fs/files.h>
#include "init.h"

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

static void keyboard_start(struct init *in)
{
	static const char *const layouts[] = { [KEYBOARD_US] = "us", [KEYBOARD_DE] = "de" };
	int error = keyboard_open(&in->console.keyboard, in->config.layout);
	char line[128];

	if (!error)
		(void)fmt(line, sizeof line, "keyboard: i8042, layout %s", layouts[in->config.layout]);
	else
		(void)fmt(line, sizeof line, "keyboard: none was found (%s); USB keyboards cannot be used yet",
			error == -ENXIO ? "none answers behind the i8042" : error == -ENODEV ? "no i8042 answers" : "the kernel refuses the i8042");
	posix_log("%s", line);
	if (in->console.screen.on) {
		text_show(&in->console.screen, line, strlen(line));
		text_show(&in->console.screen, "\n", 1);
	}
}

void init_console_open(struct init *in)
{
	struct screen *s = &in->console.screen;

	if (!in->config.has_screen) {
		posix_log("screen: not wanted (console = serial)");
		return;
	}
	s->font = in->config.font;
	if (screen_open(s) == -ENODEV)
		posix_log("screen: no framebuffer that can be used");
	if (s->on) {
		boot_log_show(s);
		text_show(s, in->config.complaints, strlen(in->config.complaints));
	}
	/* A COMMAND's streams are the host's: nobody types. */
	if (in->config.mode <= INIT_TTY)
		keyboard_start(in);
	if (s->on)
		screen_show(s);
}

void init_console_put(struct init *in, const void *bytes, size_t n)
{
	if (in->console.screen.on)
		screen_put(&in->console.screen, bytes, n);
}

static void keys_take(struct init *in)
{
	struct screen *s = &in->console.screen;
	struct keyboard *k = &in->console.keyboard;
	char text[KEYBOARD_TEXT];
	size_t n;

	while (keyboard_get(k, s->keys_application, text, &n)) {
		/* What finds no room is lost, as anywhere; but it may be a ^C. */
		tty_input(text, n);
		if (k->wish == WISH_RESET)
			init_request_off(1);
		else if (k->wish != WISH_NONE && s->on)
			screen_scroll_view(s, (k->wish == WISH_VIEW_UP ? 1 : -1) * (int)s->rows / 2);
		k->wish = WISH_NONE;
	}
}

void init_console_pump(struct init *in, uint32_t irq)
{
	struct screen *s = &in->console.screen;
	char text[sizeof s->answer];
	size_t n;

	if (in->console.keyboard.on && irq >> KEYBOARD_LINE & 1) {
		keyboard_ack();
		keys_take(in);
	}
	if (!s->on)
		return;
	/* A host's terminal gives the same answers. */
	if (s->answer_size) {
		n = screen_take_answer(s, text, sizeof text);
		if (!in->config.has_channel)
			tty_input(text, n);
	}
	if (s->dirty && clock_ns() >= s->show_at)
		screen_show(s);
}

void init_console_drain(struct init *in)
{
	if (in->console.screen.on && in->console.screen.dirty)
		screen_show(&in->console.screen);
}

uint64_t init_console_deadline(const struct init *in)
{ return in->console.screen.on && in->console.screen.dirty ? in->console.screen.show_at : 0; }

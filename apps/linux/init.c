/* SPDX-License-Identifier: MIT */
/* pid 1: starts the first program, looks after its streams and after orphans, and ends the machine when that program has ended. Lives in the first env,
 * outside of any shell. Starting is init_command.c's, what comes at its end init_end.c's, streams are init_io.c's, aril.conf init_config.c's, files for the host init_get.c's, the gate's trace
 * init_trace.c's. */
#include <base/fmt.h>
#include <base/string.h>
#include <rt/gate.h>
#include <rt/cpu.h>
#include <family/family.h>
#include "init.h"
#include <posix/signal/signals.h>

#define STATUS_BROKEN  126
#define RETRY_NS       1000000u

void init_request_off(int again)
{
	struct init_news *news = F->init;

	news->off_requested = 1;
	news->off_again = again;
	init_poke();
}

/* The convention of busybox: its halt, poweroff and reboot send these to pid 1. */
void init_signal(int sig)
{
	if (sig == SIGUSR1 || sig == SIGUSR2 || sig == SIGTERM)
		init_request_off(sig == SIGTERM);
	else if (sig == SIGCHLD)
		init_poke();
}

void init_last_words(const struct task *t, const char *text, size_t n)
{
	struct init_news *news = F->init;

	if (!news || !t || t->pid != news->command_pid)
		return;
	if (n >= sizeof news->last_words)
		n = sizeof news->last_words - 1;
	memcpy(news->last_words, text, n);
	news->last_words[n] = 0;
}

static void power_off(struct init *in, int again, int status)
{
	init_io_drain(in);
	posix_log("init: %s, status %d", again ? "reset" : "power off", status);
	if (!again && in->config.exit_port) {
		if (gate_dev_bind(EXO_DEV_PORTS, (uint64_t)in->config.exit_port, 1) >= 0)
			port_out8((uint16_t)in->config.exit_port, (uint8_t)status);
		else
			posix_log("init: exit-port %d is not given away by the kernel", in->config.exit_port);
	}
	(void)gate_env_set(0, EXO_SET_MACHINE, again ? EXO_MACHINE_RESET : EXO_MACHINE_OFF, (uint64_t)status);
}

void init_finish(struct init *in, int status)
{
	uint8_t end[20];
	const int32_t word = status;

	init_io_drain(in);
	init_trace_end(in);
	in->news->last_words[sizeof in->news->last_words - 1] = 0;
	if (in->news->last_words[0])
		init_io_frame(in, 'L', in->news->last_words, strlen(in->news->last_words));
	for (int i = 0; i < in->config.get_count; i++)
		init_get(in, in->config.get[i]);
	memcpy(end, in->config.nonce, 16);
	memcpy(end + 16, &word, 4);
	init_io_frame(in, 'X', end, sizeof end);
	power_off(in, 0, status);
}

/* Own pages for INIT: 0 or -ENOMEM. */
static int init_pages(void)
{
	uint64_t frame[INIT_PAGES];

	if (frames_claim(frame, INIT_PAGES))
		return -ENOMEM;
	for (uint64_t i = 0; i < INIT_PAGES; i++)
		if (gate_pte_write(0, ((uint64_t)INIT + i * EXO_PAGE_SIZE) | 1, 1,
			frame[i] << EXO_PAGE_SHIFT | EXO_PTE_P | EXO_PTE_U | EXO_PTE_RW | EXO_PTE_NX, 0, 0) < 0)
			return -ENOMEM;
	memset(INIT, 0, INIT_PAGES * EXO_PAGE_SIZE);
	INIT->news = fam_alloc(sizeof *INIT->news);
	F->init = INIT->news;
	return INIT->news ? 0 : -ENOMEM;
}

/* Size and kind of the terminal, as far as aril.conf leaves them open: the screen's. */
static void terminal_choose(struct init *in)
{
	struct init_config *c = &in->config;
	const struct screen *s = &in->console.screen;

	if (!c->term[0])
		(void)fmt(c->term, sizeof c->term, "%s", s->on ? "linux" : "dumb");
	if (!c->rows)
		c->rows = s->on ? (int)s->rows : 24;
	if (!c->columns)
		c->columns = s->on ? (int)s->columns : 80;
	tty_set_size(c->rows, c->columns);
}

void init_main(void)
{
	struct init *in = INIT;
	int status;

	if (!family_locked())
		family_lock();
	if (init_pages()) {
		posix_log("init: no memory for its own record");
		(void)gate_env_set(0, EXO_SET_MACHINE, EXO_MACHINE_OFF, STATUS_BROKEN);
	}
	init_config_read(&in->config, (const char *)rt_info->config_va, rt_info->config_va ? rt_info->config_size : 0);
	init_io_open(in);
	init_console_open(in);
	terminal_choose(in);
	init_trace_begin(in);
	status = init_command(in);
	if (status)
		init_ended(in, status);
}

void init_events(uint32_t pending, uint32_t irq)
{
	struct init *in = INIT;
	int pid, status;

	(void)pending;
	if (irq && in->has_port)
		serial_ack(&in->channel.serial);
	init_io_pump(in);
	init_console_pump(in, irq);
	while ((pid = reap_child(&status)) > 0)
		if (pid == in->command_pid)
			init_ended(in, status & 0x7f ? 128 + (status & 0x7f) : status >> 8 & 0xff);
	init_key_look(in);
	if (!in->news->off_requested)
		return;
	/* Who sits at the terminal may end the machine; a COMMAND that does has not told how it ended, and the host says so. */
	if (in->config.mode <= INIT_TTY && !in->news->off_again)
		init_finish(in, 0);
	power_off(in, in->news->off_again, 0);
}

uint64_t init_next_deadline(void)
{
	uint64_t show = init_console_deadline(INIT), retry = INIT->blocked ? clock_ns() + RETRY_NS : 0;

	return !show || (retry && retry < show) ? retry : show;
}

/* SPDX-License-Identifier: MIT */
/* What members tell process 1, in family memory: init.c looks at it. */
#include <base/string.h>
#include <family/family.h>
#include <linux/signal.h>
#include "init.h"
#include <posix/needs.h>
#include <run/run.h>

void init_request_off(int again)
{
	struct init_news *news = F->init;

	news->off_requested = 1;
	news->off_again = again;
	init_poke();
}

/* The convention of busybox: its halt, poweroff and reboot send these to process 1. */
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

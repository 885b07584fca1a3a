/* SPDX-License-Identifier: MIT */
/* Whose the terminal is: its session, and the process group in the foreground. */
#include <asm/signal.h>
#include "tty.h"

static int session_lives(int session)
{
	for (struct task *t = task_first(); t; t = task_next(t)) {
		struct task_view view;

		task_look(t, &view);
		if (view.session == session && view.state != 'Z')
			return 1;
	}
	return 0;
}

/* A terminal that no living session owns falls to the first one that asks. */
void tty_adopt(struct tty *t)
{
	int session = current_session();

	if (t->session == session || session <= 0 || (t->session && session_lives(t->session)) || tty_of_session(session))
		return;
	t->session = session;
	t->pgrp = current_pgrp();
}

int tty_is_ours(const struct tty *t)
{
	return t->session && t->session == current_session();
}

struct tty *tty_of_session(int session)
{
	struct tty *t = the_tty();

	if (session <= 0 || t->session == session)
		return session <= 0 ? NULL : t;
	for (t = fs_family()->ptys; t && t->session != session;)
		t = t->next;
	return t;
}

uint32_t tty_device(int session, int *foreground)
{
	const struct tty *t = tty_of_session(session);

	*foreground = t ? t->pgrp : -1;
	return !t ? 0 : t->number == NO_PTS ? DEVICE(5, 1) : DEVICE(136, t->number);
}

int tty_check(struct tty *t, int sig)
{
	int pgrp = current_pgrp();

	if (!tty_is_ours(t) || !t->pgrp || pgrp == t->pgrp)
		return 0;
	if (signal_is_ignored_or_blocked(sig))
		return sig == SIGTTIN ? -EIO : 0;
	if (group_is_orphaned(pgrp))
		return -EIO;
	(void)signal_group(pgrp, sig);
	return -ERESTARTSYS;
}

long tty_set_group(struct tty *t, int pgrp)
{
	int result, found = 0;

	if (t->number == NO_PTS)
		tty_adopt(t);
	if (!tty_is_ours(t))
		return -ENOTTY;
	result = tty_check(t, SIGTTOU);
	if (result)
		return result;
	if (pgrp < 0)
		return -EINVAL;
	for (struct task *i = task_first(); i; i = task_next(i)) {
		struct task_view view;

		task_look(i, &view);
		if (view.pgrp != pgrp)
			continue;
		if (view.session != current_session())
			return -EPERM;
		found = 1;
	}
	if (!found)
		return -ESRCH;
	t->pgrp = pgrp;
	return 0;
}

long tty_get_group(struct tty *t, int *pgrp)
{
	if (t->number == NO_PTS)
		tty_adopt(t);
	if (!tty_is_ours(t))
		return -ENOTTY;
	*pgrp = t->pgrp;
	return 0;
}

long tty_claim(struct tty *t, int steal)
{
	if (tty_is_ours(t))
		return 0;
	if (current_pid() != current_session() || tty_of_session(current_session()))
		return -EPERM;
	if (steal)
		t->session = 0;
	tty_adopt(t);
	return tty_is_ours(t) ? 0 : -EPERM;
}

long tty_disown(struct tty *t)
{
	if (!tty_is_ours(t))
		return -ENOTTY;
	if (current_pid() == current_session()) {
		if (t->pgrp) {
			(void)signal_group(t->pgrp, SIGHUP);
			(void)signal_group(t->pgrp, SIGCONT);
		}
		t->session = t->pgrp = 0;
	}
	return 0;
}

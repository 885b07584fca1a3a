/* SPDX-License-Identifier: MIT */
/* What is to be run, from the host instead of aril.conf (`run = channel`). The machine waits here, idle and before its
 * first word, so that the host can save its state once and let many runs go on from there. Frames of the host: `A`,
 * a piece of settings as aril.conf has them; `G`, go: the time, ns since 1970, and 32 bytes of entropy, since clock
 * and generator of all those runs stand where they stood. */
#include <base/string.h>
#include <rt/gate.h>
#include <rt/rt.h>
#include <family/family.h>
#include "monitor.h"

#define GO_SIZE (8 + sizeof ((struct said *)0)->entropy)
_Static_assert(sizeof ((struct rt_box *)0)->go == GO_SIZE, "another build's");
#define GIVEN_PAGES 512u /* all that may lie there: a table's */

static void go(struct monitor *m, const uint8_t *data)
{
	struct said *say = SAY;
	uint64_t wall;

	memcpy(&wall, data, 8);
	memcpy(say->entropy, data + 8, sizeof say->entropy);
	say->wall_shift = wall - rt_info->wall_boot - rt_now();
	config_more(CONFIG_SAY, m->nonce, m->run_text, m->run_size);
}

/* True: go. */
static int run_frame(struct monitor *m, const struct channel_frame *f)
{
	if (f->type == 'A' && f->size <= RUN_TEXT - m->run_size) {
		memcpy(m->run_text + m->run_size, f->data, f->size);
		m->run_size += f->size;
	} else if (f->type == 'G' && f->size == GO_SIZE) {
		go(m, f->data);
		return 1;
	}
	return 0;
}

/* The stack that this env came on and what it was given lie at the end of the library's home, which members read: they
 * go, with the run's nonce. */
void run_given(struct monitor *m)
{
	const struct rt_box *in = P->given;

	m->run_size = MIN_OF(in->settings_size, (size_t)RUN_TEXT);
	memcpy(m->run_text, in->settings, m->run_size);
	go(m, (const uint8_t *)in->go);
	P->given = NULL;
	(void)entries_write(0, (uint64_t)app_base + EXO_HOME_SIZE - GIVEN_PAGES * PAGE, GIVEN_PAGES, 0, EXO_AT_GIVE, 0);
}

void run_wait(struct monitor *m)
{
	struct channel_frame frame;
	uint64_t messages;
	int soon;

	if (!CONFIG->by_channel || !CONFIG->has_channel)
		return;
	/* The host reads here on which of its ports a saved machine listens. */
	if (!IS_BOX)
		rt_log("monitor: waits for its run over %s", m->channel.port ? "virtio" : "COM2");
	for (;;) {
		(void)__atomic_exchange_n(&P->exo->pending, 0, __ATOMIC_ACQUIRE);
		drivers_interrupt(&m->dev, __atomic_exchange_n(&P->exo->irq_bits, 0, __ATOMIC_ACQUIRE));
		messages = __atomic_exchange_n(&P->exo->msi_bits, 0, __ATOMIC_ACQUIRE);
		while (channel_get(&m->channel, &frame))
			if (run_frame(m, &frame))
				return;
		soon = channel_watch(&m->channel, messages, rt_now());
		(void)gate_wait(TURN_OVER, rt_tsc_at(rt_now() + (soon ? RETRY_NS : LOOK_NS)));
	}
}

/* SPDX-License-Identifier: MIT */
/* mini: a whole library OS. Claims frames by number, loads a program, forks it copy-on-write, alternates parent and child. */
#include <base/conf.h>
#include "mini.h"

struct mini mini;
static struct { uint64_t pfn[8], count, word; int wait; } want = { .word = 0x6f6c6c6568 };
static struct exo_env_spec spec;

int64_t must(int64_t r, const char *what)
{
	if (r < 0)
		rt_log("mini: %s: %s", what, rt_error(r)), rt_off(1);
	return r;
}

static uint64_t number(const struct conf_line *l, unsigned base)
{
	uint64_t n = 0;

	for (size_t i = 0; i < l->value_size; i++) {
		unsigned c = (unsigned char)l->value[i], digit = c <= '9' ? c - '0' : (c | 32) - 'a' + 10;
		n = digit < base ? n * base + digit : n;
	}
	return n;
}

static void config_read(const char *at, const char *end)
{
	struct conf_line l = { 0 };

	while (conf_next(&at, end, &l) > 0) {
		if (conf_is(&l, "mini-frame") && want.count < 8)
			want.pfn[want.count++] = number(&l, 10);
		if (conf_is(&l, "mini-word"))
			want.word = number(&l, 16);
		if (conf_is(&l, "mini-wait"))
			want.wait = (int)number(&l, 10);
	}
}

/* Asked for none: the highest free one, and the next one if another env was faster. */
static void frames_claim(void)
{
	volatile uint64_t *page = (volatile uint64_t *)SCRATCH;

	for (uint64_t i = 0; i < want.count; i++)
		must(gate_frame_claim(want.pfn[i], 1), "that frame");
	for (uint64_t pfn = rt_info->frame_count; !want.count && --pfn;)
		if (rt_frames[pfn].type == EXO_FREE && gate_frame_claim(pfn, 1) >= 0)
			want.pfn[want.count++] = pfn;
	if (!want.count)
		must(-EXO_ENOMEM, "a frame");
	for (uint64_t i = 0; i < want.count; i++) {
		page += EXO_PAGE_SIZE / sizeof *page;
		must(rt_map(0, (uint64_t)page, want.pfn[i], 1, EXO_PTE_RW | EXO_PTE_NX), "mapping it");
		*page = want.word;
		rt_log("mini: frame %lu holds %lx", want.pfn[i], *page);
	}
}

/* What its account may still take: another's doings do not show there. */
static uint64_t frames_left(void)
{
	const volatile struct exo_env *account = &rt_envs[rt_envs[EXO_NAME_INDEX(rt_self())].account];

	return account->limit[EXO_C_FRAMES] - account->used[EXO_C_FRAMES];
}

void app_main(exo_name self)
{
	const char *settings;
	uint64_t before;
	size_t size;

	settings = rt_settings(&size);
	config_read(settings, settings + size);
	must(rt_entries_set(), "entries");
	must(rt_tables(0, SCRATCH, 0, 0), "scratch window");
	frames_claim();
	before = frames_left();
	must(rt_env_prepare(&spec), "frames of an env");
	must(rt_env_home(&spec, (uint64_t)&mini, EXO_AT_RW), "mini's home");
	must(program_load(&spec, "/aril/spin"), "/aril/spin");
	mini.member[0] = (exo_name)must(gate_env_make(&spec), "env_make");
	while (!mini.member[1])
		must(gate_yield(mini.member[0], 0), "parent");
	rt_log("mini: env %lx forked %lx, pages copied by fork: %lu", mini.member[0], mini.member[1], mini.pages_copied);
	schedule(1);
	rt_log("mini: after a write, pages copied by fork: %lu (and %lu tables)", mini.pages_copied, mini.tables_copied);
	schedule(100);
	rt_log("mini: 100 alternations");
	rt_log("mini: parent counted to %lu, child to %lu, pages copied by fork: %lu", mini.counted[0], mini.counted[1], mini.pages_copied);
	/* The parent first: its child then is ours. */
	rt_env_end(mini.member[0]);
	rt_env_end(mini.member[1]);
	rt_log("mini: env %lx, frames free: %lu, and after all %lu", self, before, frames_left());
	while (want.wait) {
		rt_log("mini: waiting");
		(void)gate_wait(EXO_PEND_IRQ, 0); /* no line is bound: until somebody turns the power off */
	}
	rt_off(before != frames_left());
}

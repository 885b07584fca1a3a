/* SPDX-License-Identifier: MIT */
/* Hostile members of a family: each seed is a child that damages what all of them share, or its own part of the
 * library, by one deed. `members FROM TO [STEP]` prints a seed before each child, how it ended and how many frames are
 * lost; the last line is `done`.
 * What a child may do: end itself, end its family with a line that names it. What nobody may do: hang. Aril only. */
#include "check.h"
#include <fcntl.h>
#include <poll.h>
#include <rt/gate.h>
#include <signal.h>
#include <stdint.h>
#include <sys/socket.h>
#include "spare.h"

#define FAMILY  FAMILY_BASE
#define DATA    DATA_BASE
#define PRIVATE PRIVATE_BASE
#define HEAD    (PRIVATE_BASE + PRIVATE_FAMILY)
#define PRIVATE_PAGES 16
#define PAGE EXO_PAGE_SIZE

static uint64_t state;

static uint64_t any(uint64_t below)
{
	state ^= state << 13;
	state ^= state >> 7;
	state ^= state << 17;
	return state % below;
}

static int is_writable(uint64_t va)
{
	int64_t e = gate_pte_write(0, (va & -PAGE) | EXO_AT_CHANGE | 1, 1, 0, 0, 0);

	return !EXO_IS_ERROR(e) && e & EXO_PTE_RW;
}

/* What stands in the way of a wild pointer: a small number, a pointer somewhere near, noise, zero, the maximum. */
static uint64_t word(uint64_t at)
{
	switch (any(5)) {
	case 0: return any(4096);
	case 1: return at + any(1 << 20) - (1 << 19);
	case 2: return state;
	case 3: return 0;
	default: return ~0ul;
	}
}

/* Most words hit something that is in use. */
static void scribble(uint64_t base, uint64_t pages, int words)
{
	while (words) {
		uint64_t at = base + any(pages) * PAGE + any(PAGE / 8) * 8;

		if (!is_writable(at) || (!*(volatile uint64_t *)at && any(64)))
			continue;
		*(volatile uint64_t *)at = word(at);
		words--;
	}
}

static void library_stays(void) { ((volatile struct exo_page *)rt_exo(rt_self()))->disabled = 1; }

static void head1(void) { scribble(HEAD, 1, 1); }
static void head20(void) { scribble(HEAD, 1, 20); }
static void control1(void) { scribble(FAMILY, 160, 1); }
static void control20(void) { scribble(FAMILY, 160, 20); }
static void data1(void) { scribble(DATA, 64, 1); }
static void data20(void) { scribble(DATA, 64, 20); }
static void private1(void) { scribble(PRIVATE, PRIVATE_PAGES, 1); }
static void private20(void) { scribble(PRIVATE, PRIVATE_PAGES, 20); }
static void group1(void) { scribble((uint64_t)rt_exo(rt_self()), 1, 1); }
static void group20(void) { scribble((uint64_t)rt_exo(rt_self()), 4, 20); }

/* The lock's word names somebody who will never let go: this env, another one, nobody. */
static void lock_hold(void)
{
	library_stays();
	*(volatile exo_name *)HEAD = rt_self();
	for (;;)
		;
}

static void lock_name(void)
{
	exo_name name[8] = { rt_info->first, 0xffffffff, 7 };
	int n = 3;

	for (int i = 1; i < (int)EXO_ENV_MAX && n < 8; i++)
		if (rt_envs[i].name)
			name[n++] = rt_envs[i].name;
	*(volatile exo_name *)HEAD = name[any((uint64_t)n)];
}

static void unmap(void) { (void)gate_pte_write(0, (FAMILY + any(4) * 512 * PAGE) | 1, 512, 0, 0, 0); }
/* Its own entry of the family's page: what it takes from itself others keep. */
static void unmap_head(void) { (void)gate_pte_write(0, HEAD | 1, 1, 0, 0, 0); }
static void unmap_data(void)
{
	for (uint64_t i = 0; i < 4; i++) {
		(void)gate_pte_write(0, (DATA + i * 512 * PAGE) | 1, 512, 0, 0, 0);
		if (any(2))
			(void)gate_pte_write(0, (DATA + i * 512 * PAGE) | 2, 1, 0, 0, 0);
	}
}

/* The monitor is asked for what nobody wants: that it takes all control memory back, for tables without end, and that
 * all memory becomes control memory, which those who need some then have to give back. */
static void ask(void)
{
	volatile struct told_head *told = (struct told_head *)HEAD;

	for (int i = 0; i < 2000; i++) {
		told->control_wanted = i % 2 ? (uint32_t)any(1000) : (uint32_t)any(1ul << 32);
		told->table_wanted = i % 3 ? (uint32_t)any(1000) : (uint32_t)any(1ul << 32);
		told->asks++;
		(void)gate_notify(rt_info->first, MONITOR_ASKS);
	}
	told->table_wanted = 0;
	for (int i = 0; i < 100; i++) {
		told->control_wanted = ~0u;
		told->asks++;
		(void)gate_notify(rt_info->first, MONITOR_ASKS);
		(void)gate_yield(rt_info->first, 0xffffffff);
	}
}

/* It is asked to end process 1, or itself. */
static void ask_end(void)
{
	volatile struct told_head *told = (struct told_head *)HEAD;

	for (int i = 0; i < 20; i++) {
		told->end_wanted = any(2) ? SAID->keeper : rt_info->first;
		told->asks++;
		(void)gate_notify(rt_info->first, MONITOR_ASKS);
		(void)gate_yield(rt_info->first, 0xffffffff);
	}
}

/* Frames in the place of process 1's: of any type, the exit record's too, and longer than there is anything. */
static void frames(void)
{
	volatile struct told_head *head = (struct told_head *)HEAD;
	volatile struct told *told = TOLD;
	static const char types[] = "XXHOTZ";

	for (int i = 0; i < 20; i++) {
		uint32_t at = head->out_put, n = (uint32_t)(any(2) ? 20 : any(1 << 16));

		told->out[at++ % TOLD_OUT] = (uint8_t)types[any(sizeof types)];
		told->out[at++ % TOLD_OUT] = (uint8_t)n;
		told->out[at++ % TOLD_OUT] = (uint8_t)(n >> 8);
		head->out_put = at + (any(2) ? n : (uint32_t)any(64));
		(void)gate_yield(rt_info->first, 0xffffffff);
	}
}

static void unlink_all(void) { (void)gate_pte_write(0, FAMILY | 3, 1, 0, 0, 0); }
static void seal(void)
{
	(void)gate_pte_write(0, (FAMILY + any(160) * PAGE) | EXO_AT_CHANGE | 1, 16, 0, EXO_PTE_RW, 0);
}

static void spin(void)
{
	library_stays();
	for (;;)
		;
}

static void park(void) { (void)gate_wait(0x80000000u, 0); }
static void accept_all(void) { (void)gate3(EXO_GATE_pct_reply, EXO_PCT_ACCEPT, 0, 0); }
static void leave(void) { (void)gate_env_kill(0); }
static void entries(void)
{
	static uint64_t none[EXO_ENTRY_COUNT];

	(void)gate_env_set(0, EXO_SET_ENTRIES, (uint64_t)none, 0);
	__asm__ volatile("movb $1, 8" : : : "memory");
}

static void poke(void)
{
	for (int i = 0; i < 200000; i++)
		(void)gate_notify(rt_info->first, ~0ul);
}

static void yields(void)
{
	for (int i = 0; i < 20000; i++)
		(void)gate_yield((exo_name)any(2) ? rt_info->first : 0, 0xffffffff);
}

/* Every queue that can be filled, and then nobody who takes anything out. */
static void fill(void)
{
	static char bytes[4096];
	int end[2];

	for (int i = 0; i < 20; i++) {
		if (i % 2 ? pipe(end) : socketpair(AF_UNIX, i % 4 ? SOCK_STREAM : SOCK_DGRAM, 0, end))
			break;
		(void)!fcntl(end[1], F_SETFL, O_NONBLOCK);
		while (write(end[1], bytes, sizeof bytes) > 0)
			;
	}
	for (int i = 0; i < 64; i++)
		(void)!kill(1, SIGCHLD);
}

/* Standard streams in odd states, which pid 1 serves at their other end. */
static void streams(void)
{
	static char bytes[65536];

	for (int i = 0; i < 40; i++) {
		int fd = (int)any(3);

		switch (any(5)) {
		case 0: (void)!fcntl(fd, F_SETFL, O_NONBLOCK); break;
		case 1: close(fd); (void)!dup((int)any(3)); break;
		case 2: (void)!write(fd, bytes, 1 + any(100)); break;
		case 3: (void)!poll(&(struct pollfd){ .fd = fd, .events = POLLIN | POLLOUT }, 1, 0); break;
		default: (void)!fcntl(fd, F_SETFL, 0); break;
		}
	}
}

static const struct { const char *name; void (*run)(void); } deeds[] = {
#define DEED(f) { #f, f }
	DEED(head1), DEED(head20), DEED(control1), DEED(control20), DEED(data1), DEED(data20), DEED(private1), DEED(private20),
	DEED(group1), DEED(group20), DEED(lock_hold), DEED(lock_name), DEED(unmap), DEED(unlink_all), DEED(seal), DEED(spin),
	DEED(park), DEED(accept_all), DEED(leave), DEED(entries), DEED(poke), DEED(yields), DEED(fill), DEED(streams),
	DEED(unmap_data), DEED(ask), DEED(ask_end), DEED(frames), DEED(unmap_head),
};
#define DEEDS (sizeof deeds / sizeof *deeds)

/* What an ordinary program does after that, and what its siblings do meanwhile. */
static void live(void)
{
	char text[64];
	int end[2];

	for (int i = 0; i < 30; i++) {
		if (pipe(end))
			continue;
		(void)!write(end[1], "x", 1);
		(void)!read(end[0], text, 1);
		close(end[0]);
		close(end[1]);
		pid_t pid = fork();
		if (!pid)
			_exit(0);
		if (pid > 0)
			(void)waitpid(pid, NULL, 0);
		usleep(100);
	}
}

static int table_is_there(uint64_t va)
{
	return !EXO_IS_ERROR(gate_pte_write(0, va | EXO_AT_CHANGE | 2, 1, 0, 0, 0));
}

/* With the tables, which the monitor keeps. */
static uint64_t frames_spare(void)
{
	uint64_t tables = 0;

	for (uint64_t piece = 0; piece < SAID->data_homes * 512ul; piece++)
		tables += table_is_there(DATA + piece * 512 * PAGE);
	for (uint64_t piece = 0; piece < 512; piece++)
		tables += table_is_there(FAMILY + piece * 512 * PAGE);
	return frames_free() + tables;
}

/* How many are missing, when those who clean up have had their time. */
static long frames_lost(uint64_t before)
{
	for (int left = 400; left && frames_spare() < before; left--)
		usleep(10000);
	return (long)(before - frames_spare());
}

int main(int argc, char **argv)
{
	long from = argc > 1 ? atol(argv[1]) : 0, to = argc > 2 ? atol(argv[2]) : (long)DEEDS;
	long step = argc > 3 ? atol(argv[3]) : 1;

	for (long seed = from; seed < to; seed += step) {
		const char *name = deeds[seed % (long)DEEDS].name;
		pid_t pid;
		int st = 0, left = 300;
		uint64_t before;
		long lost;

		printf("%ld %s", seed, name);
		fflush(stdout);
		before = frames_spare();
		pid = fork();
		CHECK(pid >= 0);
		if (!pid) {
			state = (uint64_t)seed * 0x9e3779b97f4a7c15ul + 1;
			(void)any(1);
			deeds[seed % (long)DEEDS].run();
			live();
			_exit(0);
		}
		/* It may never end by itself: it is killed then, and that must work. */
		while (left && waitpid(pid, &st, WNOHANG) == 0) {
			usleep(10000);
			left--;
		}
		if (!left) {
			kill(pid, SIGKILL);
			st = wait_status(pid);
		}
		lost = frames_lost(before);
		printf(" %x%s", (unsigned)st, left ? "" : " killed");
		if (lost > 0)
			printf(" lost %ld", lost);
		printf("\n");
		fflush(stdout);
	}
	printf("done\n");
	return 0;
}

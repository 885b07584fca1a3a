/* SPDX-License-Identifier: MIT */
/* The family's wall clock is set, and what adjtimex(2) tells of it and takes. It is a shift on the machine's, which
 * runs as it runs: who asks for another rate is refused, and so is what would work by one (phase, leap seconds). */
#include <asm/signal.h>
#include <linux/timex.h>
#include <posix/library.h>
#include "calls.h"

#define OLD_ADJTIME 0x8000u            /* ADJ_OFFSET_SINGLESHOT without its lowest bit: adjtime(3) */
#define OLD_READS   0x2000u
#define TICK_US     10000
#define ERROR_MOST  16000000           /* us: so much is as good as unknown */
#define ERROR_GROWS 2000000            /* ns in which it does by 1 us */
#define CONSTANT_MOST 10
#define TAI_MOST    100000
#define TOLERANCE   (500l << 16)
#define YEARS_UP    (30 * 365 * 24 * 3600ul * NS) /* of time before the end that is not to be set */
#define ZONE_MOST   (15 * 60)

void clock_start(void)
{
	F->wall_shift = SAID->wall_shift;
	F->clock_status = STA_UNSYNC;
	F->clock_constant = 2;
	F->clock_error = F->clock_max_error = ERROR_MOST;
}

long clock_set(uint64_t ns)
{
	/* Nor before the machine's start. */
	if (ns < clock_ns() || ns > TIME_END - YEARS_UP)
		return -EINVAL;
	clock_wall_set(ns);
	return 0;
}

CALL2(settimeofday, from, zone_at)
{
	struct { int64_t s, us; } t;
	int32_t zone[2];
	int is_first = !F->zone;

	if (from && user_read(&t, from, sizeof t))
		return -EFAULT;
	if (from && (t.s < 0 || t.us < 0 || t.us > 1000000))
		return -EINVAL;
	if (zone_at && user_read(zone, zone_at, sizeof zone))
		return -EFAULT;
	if (zone_at && (zone[0] > ZONE_MOST || zone[0] < -ZONE_MOST))
		return -EINVAL;
	if (zone_at)
		memcpy(&F->zone, zone, sizeof zone);
	/* A clock of hardware that ran by local time, as Linux has it. */
	if (zone_at && !from && is_first && zone[0])
		return clock_set(clock_wall_ns() + (uint64_t)((int64_t)zone[0] * 60 * NS));
	return from ? clock_set(time_of(t.s, t.us * 1000)) : 0;
}

static int64_t max_error(void)
{
	uint64_t more = (clock_ns() - F->clock_error_at) / ERROR_GROWS, room = (uint64_t)(ERROR_MOST - F->clock_max_error);

	if (more < room)
		return F->clock_max_error + (int64_t)more;
	F->clock_status |= STA_UNSYNC;
	return ERROR_MOST;
}

/* -EINVAL as on Linux; -EOPNOTSUPP: it would need a clock that runs at another rate. */
static int wrong(const struct __kernel_timex *t)
{
	int64_t parts = t->modes & ADJ_NANO ? NS : 1000000;

	if (t->modes & OLD_ADJTIME) {
		if (!(t->modes & ADJ_OFFSET))
			return -EINVAL;
		return !(t->modes & OLD_READS) && t->offset ? -EOPNOTSUPP : 0;
	}
	if (t->modes & ADJ_TICK && (t->tick < TICK_US * 9 / 10 || t->tick > TICK_US * 11 / 10))
		return -EINVAL;
	if (t->modes & ADJ_SETOFFSET && (t->time.tv_usec < 0 || t->time.tv_usec >= parts))
		return -EINVAL;
	if (t->modes & ADJ_TICK && t->tick != TICK_US)
		return -EOPNOTSUPP;
	if (t->modes & ADJ_FREQUENCY && t->freq)
		return -EOPNOTSUPP;
	return t->modes & ADJ_STATUS && t->status & ~(STA_RONLY | STA_UNSYNC) ? -EOPNOTSUPP : 0;
}

static int64_t within(int64_t value, int64_t most)
{
	if (value < 0)
		return 0;
	return value > most ? most : value;
}

/* What is the clock's to take; it is not wrong. Without a loop that is locked to a phase Linux ignores one, too. */
static void take(const struct __kernel_timex *t)
{
	if (t->modes & ADJ_STATUS)
		F->clock_status = (F->clock_status & STA_RONLY) | (t->status & ~STA_RONLY);
	if (t->modes & ADJ_NANO)
		F->clock_status |= STA_NANO;
	if (t->modes & ADJ_MICRO)
		F->clock_status &= ~STA_NANO;
	if (t->modes & ADJ_MAXERROR) {
		F->clock_max_error = within(t->maxerror, ERROR_MOST);
		F->clock_error_at = clock_ns();
	}
	if (t->modes & ADJ_ESTERROR)
		F->clock_error = within(t->esterror, ERROR_MOST);
	if (t->modes & ADJ_TIMECONST)
		F->clock_constant = within(within(t->constant, CONSTANT_MOST) + (F->clock_status & STA_NANO ? 0 : 4),
			CONSTANT_MOST);
	if (t->modes & ADJ_TAI && t->constant >= 0 && t->constant <= TAI_MOST)
		F->clock_tai = t->constant;
}

static long offset_take(const struct __kernel_timex *t)
{
	int64_t part = t->modes & ADJ_NANO ? t->time.tv_usec : t->time.tv_usec * 1000, now = (int64_t)clock_wall_ns(), ns;

	if (__builtin_mul_overflow(t->time.tv_sec, NS, &ns) || __builtin_add_overflow(ns, part, &ns) ||
		__builtin_add_overflow(ns, now, &ns) || ns < 0)
		return -EINVAL;
	return clock_set((uint64_t)ns);
}

static void tell(struct __kernel_timex *t)
{
	uint64_t now = clock_wall_ns();

	t->offset = t->freq = 0;
	t->maxerror = max_error();
	t->esterror = F->clock_error;
	t->status = F->clock_status;
	t->constant = F->clock_constant;
	t->precision = 1;
	t->tolerance = TOLERANCE;
	t->time.tv_sec = (int64_t)(now / NS);
	t->time.tv_usec = (int64_t)(now % NS) / (F->clock_status & STA_NANO ? 1 : 1000);
	t->tick = TICK_US;
	t->ppsfreq = t->jitter = t->stabil = t->jitcnt = t->calcnt = t->errcnt = t->stbcnt = 0;
	t->shift = 0;
	t->tai = (int)F->clock_tai;
}

long clock_adjust(uint64_t at)
{
	struct __kernel_timex t;
	long error;

	if (user_read(&t, at, sizeof t))
		return -EFAULT;
	error = wrong(&t);
	if (!error && !(t.modes & OLD_ADJTIME)) {
		error = t.modes & ADJ_SETOFFSET ? offset_take(&t) : 0;
		if (!error)
			take(&t);
	}
	if (error)
		return error;
	tell(&t);
	if (user_write(at, &t, sizeof t))
		return -EFAULT;
	return F->clock_status & STA_UNSYNC ? TIME_ERROR : TIME_OK;
}

CALL1(adjtimex, at) { return clock_adjust(at); }

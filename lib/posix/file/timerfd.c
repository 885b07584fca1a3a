/* SPDX-License-Identifier: MIT */
/* timerfd_create(2): a timer whose expirations are read. */
#include <asm/poll.h>
#include <linux/time.h>
#include <linux/time_types.h>
#include <fs/files.h>
#include <run/timer.h>

#define TFD_ABSTIME       1u
#define TFD_CANCEL_ON_SET 2u

/* at: when it last came or will come next; 0: it does not run. It waits for a look once it has come: `came`. */
struct timerfd {
	struct timer timer;
	uint64_t at, interval, times, expirations;
	int is_real, came;
	int cancels;   /* when the clock is set; sets: how often it had been when that was last told */
	uint32_t sets;
	struct waiter clock;           /* of those that cancel */
	struct wait_list waits;
};
struct setting { struct __kernel_timespec interval, value; };

static void timerfd_wake(struct timerfd *t)
{
	wake_up(t);
	waiters_tell(&t->waits, WAIT_IN);
}

static int clock_tell(struct waiter *w)
{
	timerfd_wake(w->owner);
	return 1;
}

/* Whether it is told when the clock is set. */
static void cancels_set(struct timerfd *t, int cancels)
{
	waiter_leave(&t->clock);
	t->cancels = cancels;
	t->clock = (struct waiter){ .tell = clock_tell, .owner = t, .events = WAIT_ANY };
	if (cancels)
		waiter_join(clock_waits(), &t->clock);
}

static void fire(struct timer *timer)
{
	struct timerfd *t = (struct timerfd *)timer;

	t->times++;
	t->expirations++;
	t->came = 1;
	timerfd_wake(t);
}

/* What came since it was last looked at is counted, and it goes on. */
static void catch_up(struct timerfd *t)
{
	if (!t->came)
		return;
	t->came = 0;
	if (!t->interval) {
		t->at = 0;
		return;
	}
	t->times += time_forward(&t->at, t->interval, clock_ns()) - 1;
	timer_start(&t->timer, t->at);
}

/* The clock has been set since the last look, which who asked for it is told once. */
static int is_cancelled(const struct timerfd *t) { return t->cancels && t->sets != F->wall_sets; }

static int cancel_take(struct timerfd *t)
{
	int cancelled = is_cancelled(t);

	t->sets = F->wall_sets;
	if (cancelled)
		t->times = 0;
	return cancelled ? -ECANCELED : 0;
}

static long timerfd_read(struct file *f, struct io *io, uint64_t at)
{
	struct timerfd *t = f->own;

	(void)at;
	if (io->total < 8)
		return -EINVAL;
	while (!t->times && !is_cancelled(t)) {
		if (f->flags & O_NONBLOCK)
			return -EAGAIN;
		if (sleep_on(t, 0) == -EINTR)
			return -ERESTARTSYS;
	}
	if (cancel_take(t))
		return -ECANCELED;
	catch_up(t);
	if (io_put(io, &t->times, 8) < 0)
		return -EFAULT;
	t->times = 0;
	return 8;
}

static int timerfd_poll(struct file *f)
{
	const struct timerfd *t = f->own;

	return t->times || is_cancelled(t) ? POLLIN | POLLRDNORM : 0;
}

static struct wait_list *timerfd_waits(struct file *f) { return &((struct timerfd *)f->own)->waits; }

static uint64_t timerfd_events(struct file *f)
{
	const struct timerfd *t = f->own;

	return t->expirations + (t->cancels ? F->wall_sets : 0);
}

static void timerfd_release(struct file *f)
{
	struct timerfd *t = f->own;

	timer_stop(&t->timer);
	cancels_set(t, 0);
	waiters_end(&t->waits);
	fam_free(t);
}

static const struct file_ops timerfd_ops = { .read = timerfd_read, .poll = timerfd_poll, .waits = timerfd_waits,
	.events = timerfd_events, .release = timerfd_release };

CALL2(timerfd_create, clock, flags)
{
	struct timerfd *t;

	if ((clock != CLOCK_REALTIME && clock != CLOCK_MONOTONIC && clock != CLOCK_BOOTTIME) || (flags & ~(uint64_t)(O_CLOEXEC | O_NONBLOCK)))
		return -EINVAL;
	t = fam_alloc(sizeof(*t));
	if (!t)
		return -ENOMEM;
	t->timer.fire = fire;
	t->is_real = clock == CLOCK_REALTIME;
	return anon_fd("[timerfd]", 0600, &timerfd_ops, t, O_RDWR | ((unsigned)flags & (O_CLOEXEC | O_NONBLOCK)));
}

static struct setting look(struct timerfd *t)
{
	uint64_t now = clock_ns(), left;

	catch_up(t);
	left = t->at > now ? t->at - now : t->at != 0;
	return (struct setting){ timespec_of(t->interval), timespec_of(left) };
}

static void set(struct timerfd *t, unsigned flags, uint64_t value, uint64_t interval)
{
	t->times = 0;
	t->came = 0;
	t->interval = interval;
	t->timer.wall_at = t->is_real && flags & TFD_ABSTIME ? &t->at : NULL;
	cancels_set(t, t->timer.wall_at && flags & TFD_CANCEL_ON_SET);
	t->at = value ? clock_deadline(value, flags & TFD_ABSTIME, t->is_real) : 0;
	timer_start(&t->timer, t->at);
}

/* The timer of a descriptor; reference held by *f. */
static int timerfd_of(uint64_t fd, struct file **f)
{
	*f = fd_file((int)fd);
	if (!*f)
		return -EBADF;
	if ((*f)->ops == &timerfd_ops)
		return 0;
	file_put(*f);
	return -EINVAL;
}

CALL4(timerfd_settime, fd, flags, from, old)
{
	struct setting is, was;
	uint64_t value, interval;
	struct file *f;
	long result;

	if (flags & ~(uint64_t)(TFD_ABSTIME | TFD_CANCEL_ON_SET))
		return -EINVAL;
	if (user_read(&is, from, sizeof(is)) < 0)
		return -EFAULT;
	if (timespec_ns(&is.value, &value) || timespec_ns(&is.interval, &interval))
		return -EINVAL;
	result = timerfd_of(fd, &f);
	if (result)
		return result;
	was = look(f->own);
	result = cancel_take(f->own); /* it is set all the same */
	set(f->own, (unsigned)flags, value, interval);
	if (old && user_write(old, &was, sizeof(was)) < 0)
		result = -EFAULT;
	file_put(f);
	return result;
}

CALL2(timerfd_gettime, fd, to)
{
	struct file *f;
	long result = timerfd_of(fd, &f);

	if (!result) {
		struct setting is = look(f->own);

		result = user_write(to, &is, sizeof(is));
		file_put(f);
	}
	return result;
}

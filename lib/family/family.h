/* SPDX-License-Identifier: MIT */
/* What all members share: F, a page with the lock and the heads of all lists; control memory at FAMILY_BASE, with the
 * heap; data memory at DATA_BASE, with contents of files. What the pages hold is their owners'. */
#ifndef POSIX_FAMILY_H
#define POSIX_FAMILY_H
#include <exo/env.h>
#include <family/memory.h>
#include <family/monitor.h>
#include <family/process.h>
#include <rt/gate.h>

#define DATA_KEPT 4 /* free pages of data memory that stay mapped, at most */
#define HEAP_CLASSES 8 /* 32, 64, .. 4096/2: see heap.c */
/* Numbers of threads that there is room for at the start, and at last. */
#define TIDS_FIRST (IS_BOX ? 512u : 4096u)
#define TIDS_MAX   524288
#define SLEEP_BUCKETS 64       /* the last is WAITS_CHANNEL's */
#define FUTEX_BUCKETS 64

struct heap_page;

struct family {
	struct told_head told;         /* what the monitor reads, the lock first */
	volatile exo_name lock_wanted; /* env that waits for the lock and gets the CPU at the unlock */

	/* memory: control.c, data.c, shortage.c */
	uint64_t control_hint;         /* no control page below is free */
	struct {
		uint64_t limit, used, hint; /* pages that there can be, that are mapped, below which none is free */
		uint64_t *map;              /* bit set = in use */
		uint32_t kept[DATA_KEPT], kept_count; /* free pages that stay mapped */
	} data;
	uint64_t frame_reserve;        /* frames that contents of files leave to everybody else */
	struct swap *swap;             /* vm/swap.h; NULL: there is none */
	uint64_t swap_outs, swap_ins;  /* pages that went there, that came back, ever */
	struct heap_page *heap[HEAP_CLASSES]; /* pages of each class that have room */
	struct heap_page *heap_kept[HEAP_CLASSES]; /* one without an object, counted as free; NULL: there is none */

	/* tasks and run queue */
	struct task *tasks, *tasks_end; /* by rising pid; the first is pid 1 */
	uint32_t stopped_count;        /* of them, by job control */
	struct thread **by_tid;        /* numbers differ modulo tid_size, a power of two */
	uint32_t tid_size, tid_count;
	int last_tid;
	uint32_t task_count;
	exo_name stray;                /* an env that no process had at the last look, 0 = none: reap.c */
	uint64_t strays_at;            /* when that was, ns of clock_ns */
	uint64_t reaped_at;            /* when all were looked at, for such as are stuck: reap.c */

	/* running and sleeping: sched.c, sleep.c */
	struct thread *run_head, *run_tail; /* by rising virtual time, as of when each was put there */
	struct thread *running;        /* who was given the CPU last; NULL: process 1 chooses */
	uint64_t turn_end;             /* TSC: when it may be asked to let others run */
	uint64_t min_virtual;          /* never falls: where a woken thread's virtual time starts */
	uint64_t latency_ns, granularity_ns;
	/* those of SCHED_FIFO and SCHED_RR: run/realtime.c. In each period they have so much; used_ns is in debt for more
	 * than that. slice_ns: a turn of SCHED_RR. resumes: they wait until then, ns of clock_ns; 0: they do not. came: one
	 * that goes before who has the CPU */
	struct {
		struct thread *head, *tail;
		uint64_t period_ns, runtime_ns, slice_ns, used_ns, began_at, resumes;
		int came;
	} realtime;
	struct thread *sleepers[SLEEP_BUCKETS]; /* by channel */
	uint64_t checked_at;           /* when process 1 looked through the lists, ns of clock_ns */
	struct due *timed;             /* sleepers with a deadline: run/due.h */
	uint64_t due_order;
	uint32_t signalfds;            /* open ones: who they wait for is told of signals that are blocked, too */
	struct due *timers;            /* that run: timer.c */
	uint64_t signals_queued;       /* what RLIMIT_SIGPENDING counts: signal.c */
	struct { uint64_t frames, deadline, used; int victim; } returns; /* memory that was asked back: shortage.c */
	struct futex_queue { struct futex_wait *first, *last; } futexes[FUTEX_BUCKETS]; /* by word: futex.c */

	uint64_t shared_count;         /* shared anonymous mappings made so far: their numbers */
	uint32_t cuts;                 /* times that a mapped file lost pages: ask.c */
	uint32_t randomize;            /* kernel.randomize_va_space: load/image.c */
	int32_t regions_most;          /* vm.max_map_count, at most REGIONS_MAX */

	/* the wall clock: run/time.c. wall_shift: what is added to rt_info->wall_boot; programs read it, too */
	uint64_t wall_shift, zone;     /* zone: settimeofday's, minutes west and kind of summer time */
	uint32_t wall_sets;            /* times that it was set */
	struct waiter *clock_waiter;   /* the first of those that are told when it is: run/wait.h */
	int32_t clock_status;          /* from here on adjtimex's: clock_set.c */
	int64_t clock_tai, clock_constant, clock_error;
	int64_t clock_max_error;       /* when clock_error_at was, ns of clock_ns: it grows */
	uint64_t clock_error_at;

	uint64_t rootimg_pfn;          /* first frame of the root image: it is contiguous */
	uint64_t rootimg_pages;
	uint64_t unknown_calls[8];    /* numbers that were logged as unknown */

	struct inode *vdso;            /* mapped into every program: start.c */

	/* roots of others' state */
	struct fs_family *fs;          /* fs/files.h */
	struct binfmt *binfmts;        /* formats that users registered, the last one first: binfmt.c */
	int binfmts_made, binfmt_off;
	struct sysv *sysv;             /* sysv.c; NULL until there is an object */
	struct pipe *strace;           /* where calls are logged, NULL: nowhere */
	/* control memory in which it is noted who had which env, for a trace; NULL: none is made */
	struct env_names *env_names;
	struct keys *keys;             /* posix/process/keys.c; NULL: nobody had any */
	struct init_news *init;        /* what members tell process 1: apps/linux/init.h */
	struct random *random;         /* random.c; NULL until somebody wants some */
	struct host_names *names;      /* system_calls.c; NULL: those that the system came with */
	struct totals *totals;         /* load.c */
};

_Static_assert(sizeof(struct family) <= EXO_PAGE_SIZE, "one page");

/* Processes get envs by fork and exec, and are long gone when a trace is read: so it is noted then. */
#define ENV_NAMES_PAGES 4
struct env_name {
	uint64_t env, tsc;             /* its name; when the process got it */
	int32_t pid;
	char name[16];                 /* comm */
	uint32_t spare;
};
#define ENV_NAMES_MOST (ENV_NAMES_PAGES * EXO_PAGE_SIZE / sizeof(struct env_name) - 1)
struct env_names {
	uint64_t count;                /* also of those that found no room */
	struct env_name of[ENV_NAMES_MOST];
};
_Static_assert(sizeof(struct env_names) <= ENV_NAMES_PAGES * EXO_PAGE_SIZE, "in its pages");

/* One page of the family's, of its monitor's frames, in each member's private area: a member that takes it away from
 * itself harms itself alone. */
#define F ((struct family *)(PRIVATE_BASE + PRIVATE_FAMILY))

/* F for who uses several fields of it: the compiler else loads the address of each. */
static inline struct family *family_here(void)
{
	struct family *f = F;

	__asm__("" : "+r"(f));
	return f;
}

/* The file half's root pointer. */
struct fs_family **family_slot_fs(void);

/* ---- home.c: by the homes' owner, the family's monitor. Once, first of all: so many bytes that it alone writes, at
 * MONITOR_BASE, which say how large the family may grow. 0 or a gate error. */
int said_start(uint64_t size);
/* Once: homes, tables, first pages; fills F. 0 or a gate error. */
int family_start(void);
/* n pages more of that kind from `at` on, within the same 2 MiB. */
int said_more(uint64_t at, uint64_t n);
/* Homes of data memory, as many as so many frames may need; control pages at the start (SAID is made). */
uint64_t data_homes_for(uint64_t frames);
uint64_t control_first(void);
/* n more control pages behind `have`: how many there are now, from frames of the caller's. And how many tables so many
 * pages stand in: those stay when pages go. */
uint64_t control_map(uint64_t have, uint64_t n);
uint64_t control_tables(uint64_t pages);
/* n pages from that one on go, with their frames. */
void control_unmap(uint64_t page, uint64_t n);
/* The caller's own link to control memory lets it write there, and map; or read only; and so does its entry of F. 0 or
 * more, or a gate error. */
int64_t control_rights(int may_write);
/* The table of the 2 MiB with that number of data memory is there and can be written: 1 when it is a new one, 0, or a
 * gate error. */
int64_t data_table(uint64_t piece);
/* What monitor_ask asks for, where the first env has no monitor: it is its own. */
void home_serve(uint64_t control_wanted, uint64_t table_wanted);

/* ---- control.c. Family lock held. */
void control_start(uint64_t used);
/* Free pages go back to the monitor: true when there were some. */
int  control_give_back(void);
/* heap.c: pages that it keeps without an object in them are free pages again: true when there were some. */
int  heap_give_back(void);
/* Asks the monitor for that many control pages in all, and for the table of data memory with that number, counted from
 * 1 (0: none). It has answered when this returns, but perhaps not done it. */
void monitor_ask(uint64_t control_wanted, uint64_t table_wanted);
/* Members tell process 1 that there is work (tty output, a pipe read or filled, a child of 1 ended): ends its wait
 * soon. */
void init_poke(void);
/* Ends an env of the family: by the caller when it made that env, else by the monitor, whose right does not depend on
 * what the maker does. True: it is dying or gone. */
int  member_end(exo_name env);

/* ---- data.c */
void data_start(uint64_t limit, uint64_t *map);
int  data_give_back(void);
/* The library touched a page of data memory that is gone: an empty one takes its place. False: it was none, or none is
 * to be had. */
int  data_heal(uint64_t va);

/* The lock (lock.c). Not recursive: family_locked() tells whether this env holds it. */
void family_lock(void);
void family_unlock(void);
int  family_locked(void);

/* gate.c: helpers over the stubs. */
int  gate_errno(int64_t result);                   /* a gate error as -errno */
/* Level-1 entries, all n of them; flags: EXO_AT_STEP, LIST, GIVE. 0 or a negative gate error. */
int64_t entries_write(uint64_t root, uint64_t va, uint64_t n, uint64_t value, uint64_t flags, uint64_t proof);
/* a new empty table linked at va in the own root: 0 or a gate error */
int64_t table_new(uint64_t va, int level);

/* reserve.c. */
/* Frames that the family's account can still claim, whatever the machine has besides. The account has the index of
 * process 1's env, which it was made with. */
static inline uint64_t frames_left(void)
{
	const volatile struct exo_env *account = &rt_envs[EXO_NAME_INDEX(SAID->keeper)];

	return account->limit[EXO_C_FRAMES] - account->used[EXO_C_FRAMES];
}
/* That account is `top`, or stands below it (exo_env.account_parent). */
int account_is_below(uint32_t account, uint32_t top);
void reserves_set(void);                           /* by the memory that the family has */
/* n more frames for a program's own pages leave enough to those who must go on: else it is ENOMEM, while fork and
 * exec may still go below. */
static inline int memory_spare(uint64_t n) { return frames_left() >= F->frame_reserve / (ROOM_CONTENT / ROOM_OWN) + n; }
int memory_wait(uint64_t n);                       /* the same, after what the dead still hold has come back */
/* Tears down to the end whatever env is dying, and under the family lock gives back free control memory: 1 when there
 * was some, so that asking again for a frame is worth it. */
int memory_recover(void);
/* Kills (or waits for the end of) an env of the family, pushing its teardown to the end. */
void env_end(exo_name env);

/* Frames (frames.c): claims n frames, list gets their numbers; 0, or -ENOMEM with none kept. */
int frames_claim(uint64_t *list, uint64_t n);
int frames_claim_zeroed(uint64_t *list, uint64_t n);
void frames_release(const uint64_t *list, uint64_t n);
/* The head of a new run of 2 MiB, or a gate error with nothing kept. huge.c */
int64_t run_claim(void);
/* Frame number behind an address of the caller's root that is mapped, 0 = none. */
uint64_t frame_at(uint64_t va);
#endif

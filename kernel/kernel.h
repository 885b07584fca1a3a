/* SPDX-License-Identifier: MIT */
/* What every kernel file may know of the others: the machine's tables, the env record, and each file's few public functions. */
#ifndef KERNEL_KERNEL_H
#define KERNEL_KERNEL_H
#include <stdbool.h>
#include <stddef.h>
#include <exo/boot.h>
#include <exo/env.h>
#include <exo/error.h>
#include <exo/gate.h>
#include <exo/page.h>
#include <exo/pci.h>
#include <exo/trace.h>
#include "cpu.h"
#include "offset.h"

/* ---- tables of the machine (public ones are written here through the direct map, read by ring 3 in the system window) */
extern struct exo_frame_rec *frames;
extern struct exo_env *envs;
extern struct exo_home *homes;
extern struct exo_slices *slices;
extern struct exo_info *info;
extern uint64_t frame_count;
extern const struct boot_info *boot;

/* Private flags of a frame record. */
#define FRAME_WRITABLE 0x10 /* unshared frame: its sole entry has R/W */
#define FRAME_CLEAN    0x40 /* holds zeros only; a table: in all its absent entries */
#define FRAME_GLOBAL   0x20 /* table: the links that stand in it count as global */

/* Where counters refuse: at what their fields hold. The model of the core is built with small ones. */
#ifndef LINKS_MAX
#define LINKS_MAX UINT16_MAX /* of a table, in each class */
#define MAPS_MAX UINT32_MAX
#endif

/* ---- env: the kernel's record of one, in a frame that its maker supplied */
#define ENV_PORTS 72 /* groups of eight: of the table, and of I/O BARs */
#define PORT_OF_PCI 0xff /* in place of a row of the table */
#define ENV_HOMES 128
struct env {
	/* What entry.S reads stands first. */
	struct exo_page *exo;      /* direct map */
	uint8_t *upcall_end;       /* end of the upcall stack: direct map */
	uint64_t upcall_at;        /* the first frame on it: its address in ring 3 */
	uint64_t upcall_resume;    /* and its word `resume` */
	uint64_t entry[EXO_ENTRY_COUNT];
	exo_name name;
	uint16_t index;
	bool ran;                  /* has been given time at least once */
	bool machine;              /* the machine right: devices that can master the bus or reset, power */
	uint32_t root;             /* pfn */
	uint32_t group[EXO_EF_COUNT];
	struct exo_save *save;     /* direct map */
	struct exo_env *public;    /* its record in the env table */
	uint8_t *stack[2];         /* upcall stack pages, direct map */
	bool direct;               /* has taken the direct vectors */
	uint64_t group_va;
	uint64_t alarm;            /* TSC, 0 = none */
	uint32_t wait_mask;        /* parked: the bits that wake */
	uint32_t yield_mask;       /* gave its slice away: the bits that fetch it back */
	uint64_t wait_deadline;    /* TSC, 0 = none */
	uint64_t open_bits;
	struct env *caller, *callee; /* of a PCT in progress */
	uint64_t revoke_deadline;  /* TSC, 0 = nothing asked */
	uint32_t revoke_target;    /* frames that it may keep */
	uint64_t log_since;        /* TSC at which log_bytes began */
	uint32_t log_bytes;
	uint32_t chain;            /* frames that it owns */
	struct env *creator, *child, *sibling, *sibling_back;
	struct env *dying_next, *dying_back;
	uint32_t dying_rest;       /* frames found still counted during teardown */
	uint32_t dying_table, dying_index;
	struct pci *pci;           /* functions that it holds */
	uint32_t pinned;           /* frames that these may reach */
	uint16_t irq_lines;
	uint16_t made, made_at;    /* accounts that it made; from where on its end looks for them */
	uint8_t port_count, slice_count;
	struct env_port { uint16_t group; uint8_t mask, row; } port[ENV_PORTS]; /* of the I/O map: its byte, which of the eight; row of dev.c's table */
	struct { uint64_t generation; uint32_t unit; uint16_t account; bool rw; } opened; /* a home; to account 0: none */
	uint32_t home_count;
	struct { uint32_t first, count; } home[ENV_HOMES];
};
_Static_assert(sizeof(struct env) <= EXO_PAGE_SIZE, "env record fits its frame");

#define ENV_ASSERT(field, offset) _Static_assert(__builtin_offsetof(struct env, field) == (offset), "asm")
ENV_ASSERT(exo, ENV_EXO);
ENV_ASSERT(upcall_end, ENV_UPCALL_END);
ENV_ASSERT(upcall_at, ENV_UPCALL_AT);
ENV_ASSERT(upcall_resume, ENV_UPCALL_RESUME);
ENV_ASSERT(entry[EXO_ENTRY_FAULT], ENV_ENTRY_FAULT);
ENV_ASSERT(entry[EXO_ENTRY_FOREIGN], ENV_ENTRY_FOREIGN);

/* ---- per CPU */
#define KERNEL_STACK 16384
struct cpu {
	struct cpu *self;
	uint64_t user_rsp;
	uint64_t stack_top;
	struct env *current;
	uint64_t upcall_limit;     /* exceptions at an rsp from here up go by way of C: it lies, or may lie, on the upcall stack */
	uint64_t save_end;         /* where the CPU stacks what it interrupts: the end of struct trap in the save frame of `current` */
	uint64_t *trap_stack;      /* the same, in the task state segment */
	bool switched;             /* `current` was entered anew: the op's result is not its */
	bool armed;                /* the timer stands as the slice and the alarms want it */
	bool early_sent, idle;
	struct env *owner;         /* of the slice that runs */
	uint64_t slice_end, early_at, timer_at;
	bool direct;               /* the IDT's direct vectors enter ring 3 */
	bool iret_alias, push_alias; /* this CPU (an emulated one) reads or pushes ring-3 frames with kernel rights */
};
#define CPU_ASSERT(field, offset) _Static_assert(__builtin_offsetof(struct cpu, field) == (offset), "asm")
CPU_ASSERT(user_rsp, CPU_USER_RSP);
CPU_ASSERT(stack_top, CPU_STACK_TOP);
CPU_ASSERT(current, CPU_CURRENT);
CPU_ASSERT(upcall_limit, CPU_UPCALL_LIMIT);
CPU_ASSERT(save_end, CPU_SAVE_END);
CPU_ASSERT(switched, CPU_SWITCHED);
extern struct cpu cpu0;
static inline struct cpu *this_cpu(void) { return &cpu0; }

/* Registers as entry.S stacks them: the beginning of struct exo_regs. Those of ring 3 go to the env's save frame and are loaded from there, so that a switch copies
 * none; those of ring 0 stay on the kernel's stack. */
struct trap {
	uint64_t rax, rbx, rdx, rsi, rdi, rbp, r8, r9, r10, r12, r13, r14, r15, rcx, r11;
	uint64_t vector, error;
	uint64_t rip, cs, rflags, rsp, ss;
};
_Static_assert(sizeof(struct trap) == TRAP_SIZE && __builtin_offsetof(struct exo_regs, fs_base) == TRAP_SIZE && TRAP_SIZE % 16 == 0, "asm; the CPU aligns its stack");
_Static_assert(__builtin_offsetof(struct trap, rip) == __builtin_offsetof(struct exo_regs, rip), "same order");
static inline struct trap *env_trap(struct env *e) { return (struct trap *)&e->save->regs; }

/* No more than 8,000 instructions go by between two looks at interrupts. Work whose parts differ counts down from STRETCH
 * what each costs, roughly: a look at an entry, at one that an op finds absent or at a range of homes, a home, parking a
 * frame, letting one go, an env's last step. A run (512 frames) goes only at the beginning of a stretch, and ends it. */
enum { STRETCH = 5000, COST_ENTRY = 10, COST_ABSENT = 30, COST_LISTED = 13, COST_HOME = 60, COST_PARK = 100,
	COST_FRAME = 230, COST_RUN = STRETCH, COST_FINISH = 3000 };

/* ---- frame.c: ownership, types, counts of frames */
void frames_start(void);
int64_t op_frame_claim(uint64_t pfn, uint64_t n, uint64_t list, uint64_t proof);
int64_t op_frame_give(uint64_t pfn, uint64_t n, uint64_t env);
int64_t op_frame_type(uint64_t pfn, uint64_t n, uint64_t type, uint64_t flags);
static inline bool pfn_is_ram(uint64_t pfn)
{ return pfn < frame_count && frames[pfn].type != EXO_NONE && frames[pfn].type != EXO_KERNEL; }
static inline bool frame_is_table(const struct exo_frame_rec *f) { return f->type >= EXO_PT1 && f->type <= EXO_PT4; }
static inline uint32_t table_links(const struct exo_frame_rec *f) { return (uint32_t)f->glinks + f->plinks; }
/* How many frames the record speaks for. */
static inline uint32_t frame_weight(const struct exo_frame_rec *f) { return f->type == EXO_RUN ? f->used : 1; }
/* Without a link a table is not sealed; without content, too, it stands nowhere. */
static inline void table_unplace(struct exo_frame_rec *t)
{
	if (table_links(t))
		return;
	uint8_t gone = t->used ? EXO_F_SEALED : EXO_F_SEALED | FRAME_GLOBAL;
	t->flags &= (uint8_t)~gone;
	t->base = t->used ? t->base : 0;
}
/* With content, and nothing leads to it: it cannot be let go before it is emptied. */
static inline bool table_is_stranded(const struct exo_frame_rec *f) { return frame_is_table(f) && f->used && !table_links(f); }
static inline bool frame_is_counted(const struct exo_frame_rec *f) { return f->maps || f->glinks || f->plinks || f->pins; }
void frame_free(uint32_t pfn);                      /* uncounted; unchained, uncharged, free */
void frame_release(uint32_t pfn);                   /* free when uncounted, else disown */
void frame_adopt(uint32_t pfn, struct env *e);      /* e owns what was disowned */
bool frame_charge(uint32_t pfn, uint16_t account);  /* moves its charge there; false: that account has no room */
void frame_chain(uint32_t pfn, struct env *e);      /* owner := e, at the head of its chain */
void frame_unchain(uint32_t pfn);
void frame_move(uint32_t pfn, struct env *from, struct env *to); /* from, which lives, to the head of to's chain */
void frame_park(uint32_t pfn, struct env *e);       /* from e's chain to its second one */
void frame_clean(uint32_t pfn);                     /* zeros in it, if they are not there yet */

/* ---- table.c, leaf.c, link.c, pt_copy.c, root.c: the only files that write page table entries (walk.h) */
int64_t op_pte_write(uint64_t root, uint64_t at, uint64_t n, uint64_t value, uint64_t mask, uint64_t proof);
int64_t op_pt_link(uint64_t root, uint64_t at, uint64_t n, uint64_t pfn);
int64_t op_pt_copy(uint64_t root, uint64_t at, uint64_t pfn, uint64_t first, uint64_t n);
int64_t root_resolve(uint64_t root, uint32_t *pfn);
int64_t table_proof(uint32_t pfn, uint64_t at);     /* is `at` in the caller's root the sole entry or link of pfn? */
int64_t root_declare_private(uint32_t root, uint64_t va);
bool table_teardown(struct env *e, uint32_t pfn, uint32_t *index); /* drops some entries: true when the table is empty */
void window_clear(struct env *e);
void window_build(struct env *e);                   /* slot 255 of e's root */
void root_start(void);
void root_prepare(uint32_t pfn);                    /* upper half into a fresh PT4 */
void kernel_map_device(uint64_t va, uint64_t pa);   /* one uncached page below KERNEL_DEVICES */
/* Most of a table is empty: bits that any of eight entries has. */
static inline uint64_t any_of_8(const uint64_t *e) { return e[0] | e[1] | e[2] | e[3] | e[4] | e[5] | e[6] | e[7]; }
/* A page of the caller as the direct map shows it, NULL when its own root gives no such right. */
void *user_page(uint64_t va, bool write);
#ifdef KERNEL_HOST
void root_load(uint32_t pfn);
#else
/* The one place that writes CR3. */
static inline void root_load(uint32_t pfn)
{
	__asm__ volatile("mov %0, %%cr3" :: "r"((uint64_t)pfn << EXO_PAGE_SHIFT) : "memory");
}
#endif
void tables_flush(uint32_t root);                   /* forget all translations of root, if it is the one in use */

/* ---- home.c */
int64_t op_home_set(uint64_t root, uint64_t what, uint64_t va, uint64_t n);
void homes_teardown(struct env *e);
/* What the caller may link of a home that was opened to its account: an entry of level 3, or 0. */
uint64_t home_opened(uint64_t unit);                 /* some of them */

/* ---- user.c: the only ways to memory that ring 3 named */
struct user_cursor { uint64_t page; uint8_t *at; }; /* start with zeros */
/* Word of an array that is walked through in order: one walk a page. NULL: no such right, or not aligned. */
volatile uint64_t *user_word(struct user_cursor *c, uint64_t va, bool write);
int64_t user_read(void *to, uint64_t from, uint64_t n);

/* ---- account.c */
bool account_charge(uint16_t account, int count, uint32_t n);
void account_refund(uint16_t account, int count, uint32_t n);
void account_retire(uint16_t account);              /* gives a dead account's limits and index back, when nothing draws on it any more */
int64_t account_move(uint16_t from, uint16_t to, uint64_t count, uint64_t n);
bool account_is_under(uint16_t account, const struct env *maker); /* it, or one above it, was made by him */
void accounts_teardown(struct env *e);              /* what it made is its creator's: some of them */

/* ---- env.c */
int64_t op_env_make(uint64_t spec);
int64_t op_env_set(uint64_t env, uint64_t what, uint64_t a, uint64_t b);
extern struct env *env_records[EXO_ENV_MAX];
/* Live or dying; NULL = stale. */
static inline struct env *env_by_name(uint64_t name)
{
	struct env *e = env_records[EXO_NAME_INDEX(name)];
	return e && e->name == name ? e : NULL;
}
struct env *env_by_index(uint32_t index);
extern uint64_t env_generation[EXO_ENV_MAX];        /* how many envs had that index, the one that has it included */
void records_clear(uint32_t index);
struct env *env_setup(const struct exo_env_spec *spec, struct env *creator); /* all checks done */
bool env_is_child(struct env *e);                   /* of the caller */
bool env_is_under(struct env *e);                   /* a child of the caller, or drawing on an account that the caller made, or on one below it */
void env_index_free(uint32_t index);
bool entry_is_good(uint64_t va);

/* ---- teardown.c */
int64_t op_env_kill(uint64_t env);
bool teardown_waits(void);                          /* some env is dying */
void teardown_push(void);                           /* one bounded step for it */

/* ---- sched.c: slices, switching, waiting */
int64_t slice_take(uint64_t i, struct env *from);   /* to the caller, its creator */
int64_t op_slice_set(uint64_t i, uint64_t env);
int64_t op_yield(uint64_t env, uint64_t mask);
int64_t op_wait(uint64_t mask, uint64_t deadline);
int64_t op_notify(uint64_t env, uint64_t bits);
void sched_start(struct env *first) __attribute__((noreturn));
void sched_switch(struct env *e);
void sched_leave(void);                             /* the current env cannot go on: another does */
void sched_event(struct env *e, uint32_t bits);     /* sets pending bits; wakes */
void sched_tick(void);
void sched_check(void);                             /* before going back to ring 3 */
void sched_arm(void);                               /* sets the timer anew: to the current slice, its alarms */
void sched_longer(uint64_t ticks);                  /* time that is nobody's: the slice ends so much later */
void sched_forget(struct env *e);                   /* e is dying: out of the slice vector */

/* ---- pct.c, revoke.c */
int64_t op_pct(uint64_t env, uint64_t deadline);
int64_t op_pct_reply(uint64_t what);
void pct_release(struct env *caller, int64_t result); /* its call is over */
void pct_forget(struct env *e);                     /* e is dying: its caller is released, a reply to it goes nowhere */
int64_t op_revoke(uint64_t env, uint64_t what, uint64_t a, uint64_t b);
extern uint32_t revoke_asked;                       /* envs that were asked, and have not been seen to have returned all */
bool revoke_owed(struct env *e);                    /* it, or who has the account that it draws on, has not yet returned what was asked */
static inline bool revoke_bars(struct env *e) { return __builtin_expect(revoke_asked != 0, 0) && revoke_owed(e); }
void revoke_forget(struct env *e);                  /* e is dying, or has returned all */

/* ---- upcall.c */
void upcall_fault(uint64_t vector, uint64_t error, uint64_t addr);
void upcall_async(void);                            /* if something is pending and not disabled */
void upcall_int80(void);
void upcall_foreign(void);                          /* as entry.S does it, for calls that are traced */

/* ---- trace.c */
extern struct exo_trace *trace_ring;                /* NULL: nobody watches */
int64_t trace_bind(uint64_t pfn, uint64_t n);
void trace_enter(void);                             /* each call by SYSCALL, while somebody does */
void trace_write(int kind, unsigned number, exo_name env, const uint64_t arg[6]) __attribute__((cold));
void trace_foreign(unsigned number) __attribute__((cold)); /* a call of the current env's: 0 by SYSCALL, 1 by int 0x80 */
void trace_upcall(const struct exo_upcall *u) __attribute__((cold)); /* the current env is entered, with this frame */
#define TRACED __builtin_expect(trace_ring != NULL, 0)
#define TRACE(kind, number, env, ...) do { \
	if (TRACED) \
		trace_write(kind, number, env, (const uint64_t[6]){ __VA_ARGS__ }); \
} while (0)

/* ---- trap.c, gate.c, entry.S */
void trap_start(void);
void trap_direct(bool on);                          /* the direct vectors enter ring 3, or the kernel */
void trap_aliases(struct env *e);                   /* tells e how an iretq must name its group's pages here */
void trap_enter(struct trap *t);
typedef int64_t op_function(uint64_t, uint64_t, uint64_t, uint64_t, uint64_t, uint64_t);
extern op_function *const gate_ops[EXO_GATE_SPAN];  /* by number: what each gate call performs */
#ifdef KERNEL_DEBUG
/* test/kernel/refusal.c */
int64_t gate_watched(uint64_t, uint64_t, uint64_t, uint64_t, uint64_t, uint64_t, uint64_t number);
#define gate_perform(number, ...) gate_watched(__VA_ARGS__, number)
#else
#define gate_perform(number, ...) gate_ops[number](__VA_ARGS__)
#endif
int64_t op_batch(uint64_t array, uint64_t n);
void return_to_env(void) __attribute__((noreturn)); /* abandons whatever the stack holds */
void syscall_entry(void);
void syscall_traced(void);
void syscall_refused(void);
bool interrupt_waits(void);                         /* a device or timer wants the CPU */

/* ---- machine.c, time.c, apic.c, dev.c, fpu.c */
void machine_start(void);                           /* descriptor tables, control registers, features */
void machine_special(const struct env *from, struct env *to); /* ports and direct vectors, at a switch */
void machine_bases_switch(struct exo_regs *out, const struct exo_regs *in); /* of FS and GS: on any CPU, whatever the selectors */
extern bool has_fsgsbase, has_hypervisor;
void machine_syscall_entry(void (*entry)(void)); /* where SYSCALL leads from now on */
void machine_bases_save(uint64_t *fs, uint64_t *gs);
void machine_bases_load(uint64_t fs, uint64_t gs);
void machine_direct_stack(struct env *e, bool alias); /* where the CPU pushes frames of direct vectors */
void machine_ports(const struct env *e, bool open);
void machine_off(int reset, uint32_t status) __attribute__((noreturn));
/* An exception in ring 0: when it is the firmware's, the next way is taken; else it comes back. */
void machine_off_fault(const struct trap *t);
void time_start(void);
void timer_arm(uint64_t tsc);
void apic_start(void);
void apic_eoi(void);
void apic_timer(uint32_t count);
uint32_t apic_timer_now(void);
/* Turns the timer to TSC-deadline mode, if the CPU has it. */
bool apic_deadline(void);
void irq_mask(unsigned line, bool masked);
bool irq_is_level(unsigned line);
int64_t op_dev_bind(uint64_t kind, uint64_t base, uint64_t n);
int64_t op_dev_ack(uint64_t line);
void dev_interrupt(unsigned line);
void dev_teardown(struct env *e);
extern uint64_t dev_late;                           /* TSC, ~0 = never: then dev_overdue takes level lines from who did not acknowledge */
void dev_overdue(uint64_t now);
struct dev_frames { uint32_t first, count, maps; uint16_t owner; bool write_combined; const struct exo_pci *function; };
struct dev_frames *dev_frames_find(uint64_t pfn);   /* NULL: nobody holds that device memory */
bool dev_frames_are_kept(uint64_t first, uint64_t end); /* RAM, the firmware's, or the kernel's own devices */
bool dev_frames_are_held(uint64_t first, uint64_t end);
struct dev_frames *dev_frames_spare(unsigned n);    /* a place for more, with n others left; NULL: none */

/* ---- pci.c */
int64_t pci_bind(uint64_t kind, uint64_t base, uint64_t n);
bool pci_has_memory(uint64_t first, uint64_t end);  /* of some function: it comes with that alone */
extern uint8_t message_at[256];                     /* by vector: 1 + the line of messages that it is */
void pci_interrupt(unsigned line);
void pci_quiet(struct env *e);                      /* e is dying: its functions master the bus no more */
void pci_teardown(struct env *e);                   /* one step of their reset; then their frames are unpinned */
static inline bool pci_waits(const struct env *e) { return e->pci || e->pinned; }
uint32_t apic_message_address(void);                /* where a message for this CPU is written */
volatile uint32_t *kernel_device(uint64_t pa);      /* one page of a device, until the next call */

void fpu_start(void);
void fpu_init(struct exo_save *s);
extern bool fpu_xsave;                              /* the CPU has it, and XCR0 names all that is switched */
extern bool fpu_keeps_pointers;                     /* of x87: loading a state may leave the previous one's error pointers */
static inline void fpu_switch(struct exo_save *from, const struct exo_save *to)
{
#ifndef KERNEL_HOST
	if (__builtin_expect(fpu_xsave, 1)) {
		xsave(from->xstate);
		if (fpu_keeps_pointers)
			x87_forget(); /* AMD APM vol. 2, 11.4.4.3 */
		xrstor(to->xstate);
	} else {
		fxsave(from->xstate);
		if (fpu_keeps_pointers)
			x87_forget();
		fxrstor(to->xstate);
	}
#else
	(void)from, (void)to;
#endif
}

/* ---- log.c, panic.c, first.c */
int64_t op_log(uint64_t text, uint64_t n);
void log_publish(void);                             /* from now on lines go to the info page too, the loader's first */
void log_keep(void);                                /* no longer: ring 3 is entered */
void klog(const char *format, ...) __attribute__((format(printf, 1, 2)));
void klog_raw(const char *text, size_t n);
void panic(const char *format, ...) __attribute__((noreturn, format(printf, 1, 2)));
void panic_trap(struct trap *t) __attribute__((noreturn));
void backtrace(uint64_t rbp, uint64_t rip);
#define PANIC_TEXT 1500
void panic_screen(const char *text);
void log_last(char *to, size_t room);               /* the last whole lines that fit, ended by NUL */
#define assert(c) do { if (!(c)) panic("%s:%d: %s", __FILE__, __LINE__, #c); } while (0)
struct env *first_env(void);
struct env *first_make(void);
void first_recount(void);

/* ---- test/kernel/recount.c: debug builds and host tests only */
const char *recount(uint64_t *where);               /* NULL when every count is right, else what is wrong (static text; pfn in *where) */
void recount_start(void);

static inline struct env *current_env(void) { return this_cpu()->current; }
#endif

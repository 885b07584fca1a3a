/* SPDX-License-Identifier: MIT */
/* A small base for any library OS on the bare gate: entry, upcalls, log, frames and tables, new envs. Owns no data:
 * all state is the app's. */
#ifndef RT_RT_H
#define RT_RT_H
#include <stddef.h>
#include <rt/gate.h>
#include <rt/log.h>
#include <rt/regs.h>

/* All of an app is linked together: addresses are taken directly, never by way of a GOT. */
#pragma GCC visibility push(hidden)

/* ---- what an app writes; each but app_main has a default that logs what came and ends the env */

/* Start of the app, on a ready stack, with its own name. Its return powers the machine off with status 0. */
void app_main(exo_name self);

/* A synchronous fault (regs->at.vector, error, addr). Changes to *regs take effect; returning resumes there. Runs on
 * the upcall stack, disabled. */
void rt_on_fault(struct rt_regs *regs);

/* Pending bits (enum exo_pending), already cleared in the exo page. Runs on the upcall stack, disabled; may yield. */
void rt_on_async(struct rt_regs *regs, uint32_t bits);

/* A foreign system call: regs->at.vector tells the door (RT_VECTOR_FOREIGN, RT_VECTOR_INT80), regs->rax the number;
 * the result goes to regs->rax. */
void rt_on_foreign(struct rt_regs *regs);

/* ---- entry and resumption (upcall.S) */
void rt_fault_entry(void), rt_async_entry(void), rt_foreign_entry(void), rt_int80_entry(void);
/* entry of an env whose rsp points to its struct rt_regs */
void rt_restore(void);
void rt_resume(struct rt_regs *regs) __attribute__((noreturn)); /* goes on with these registers */

/* Contexts (context.c): *to begins at rip with that stack and two arguments. */
void rt_regs_start(struct rt_regs *to, uint64_t rip, uint64_t rsp, uint64_t first, uint64_t second);
/* In a handler: what *frame held goes to *keep, and the handler's return goes on with *to. Nothing when they are the
 * same. */
void rt_switch(struct rt_regs *frame, struct rt_regs *keep, const struct rt_regs *to);

/* Fills in the four entries above; rt_entries_set registers them for the caller and lets upcalls come (the first env
 * starts disabled): 0 or a gate error. */
void rt_entries_fill(uint64_t entry[EXO_ENTRY_COUNT]);
int64_t rt_entries_set(void);

/* Exo page of the env that runs. */
static inline volatile struct exo_page *rt_page(void) { return rt_exo(rt_self()); }

/* ---- the end (print.c, with what log.h says) */

/* First env: powers the machine off with a status. Any other: ends itself. */
void rt_off(int status) __attribute__((noreturn));

/* ---- where it was started (console.c) */

/* What an app in a box (apps/README.md) is told: its own name, the base of a row of homes that are its to claim, two
 * rings (ring.h) with who is notified of each move by which bits, and the settings as text of aril.conf's form. What
 * is added comes at its end: builds of other days read it. It lies near the end of the app's home, above the stack. */
struct ring_side;
struct rt_box {
	exo_name self, maker;
	uint64_t base, bits;
	struct ring_side *up;
	const struct ring_side *down;
	const char *settings;
	size_t settings_size;
	char nonce[16];
	/* For another build of the Linux library OS: the time, ns since 1970, and 32 bytes of entropy. */
	uint64_t go[5];
};

/* The address of the home that this app is linked in. */
extern const char app_base[];

/* NULL: it is the first env. */
const struct rt_box *rt_box(void);
/* aril.conf, or what the box was given: the text, *size bytes. */
const char *rt_settings(size_t *size);
/* The number that a setting has, in decimal digits, of 32 bits and some more; 0 where it is none; `otherwise` where
 * there is no such setting. */
uint64_t rt_setting(const char *key, uint64_t otherwise);
/* What _start calls: app_main, then the end. */
void rt_begin(exo_name self, struct rt_box *in) __attribute__((noreturn));
/* One line of n bytes, with room for one more, to where rt_log's go; a status, to whoever waits for one. */
void rt_say(char *line, size_t n);
void rt_end(int status);
/* Of a box: up to n bytes of its standard input, how many; 0 at its end, and where there is none, as in the first env.
 * Where none are there yet: waits for them, or with waits == 0 -EXO_EAGAIN; then notify bits rt_box()->bits say that it
 * is worth another look. Who takes notifications by an upcall calls it with 0. */
int64_t rt_input(void *to, size_t n, int waits);

/* ---- frames and tables (region.c): results are gate errors when EXO_IS_ERROR */

/* A frame of the kernel's choice, of zeros, owned by the caller. Returns its number. */
int64_t rt_frame(void);

/* A new empty table linked into `root` (0 = own) at the entry of `level` (2..4) that covers va. Returns its frame.
 * The caller owns it. */
int64_t rt_table(uint64_t root, uint64_t va, int level);

/* A copy of the shared (sealed) table at `at` (address | level 2 or 3 | EXO_AT_GIVE: the old one goes where nobody
 * else has it) takes its place in `root`, as pt_copy says. Returns its frame, owned by the caller, or pt_copy's
 * error. */
int64_t rt_table_own(uint64_t root, uint64_t at);

/* Makes the tables that va lacks, down to level 1, counted in *made with their frames in list (room for 3); either
 * may be NULL. 0 or an error. */
int64_t rt_tables(uint64_t root, uint64_t va, uint32_t *list, uint32_t *made);

/* Maps n frames [pfn, pfn + n) at va with rights out of EXO_PTE_RW and EXO_PTE_NX. 0, or the first error. */
int64_t rt_map(uint64_t root, uint64_t va, uint64_t pfn, uint64_t n, uint64_t rights);

/* Maps new pages of zeros, for reading and writing, from *from up to `to` in the own root, with the tables that they
 * lack; *from is moved behind what was mapped. 0, or the first error. */
int64_t rt_pages(uint64_t *from, uint64_t to);

/* Unmaps n pages; with give != 0 the caller's frames among them are released. 0 or an error. */
int64_t rt_unmap(uint64_t root, uint64_t va, uint64_t n, int give);

/* The entry of `level` (1..3) at va in the caller's own root, or an error (-EXO_ENOENT: absent). */
int64_t rt_entry(uint64_t va, int level);

/* ---- new environments (env.c) */

/* Claims the frames that env_make wants first and types the root: *spec is zeroed, its entries are rt's, frame_count
 * is EXO_EF_COUNT. 0 or an error, and then nothing is left claimed. */
int64_t rt_env_prepare(struct exo_env_spec *spec);

/* Links the home that holds va into the new root, with flags out of EXO_AT_RW and EXO_AT_REMAP; the upper table goes
 * into the spec. 0 or an error. */
int64_t rt_env_home(struct exo_env_spec *spec, uint64_t va, uint64_t flags);

/* Makes all tables for va in the new root and puts them into the spec. 0 or an error. */
int64_t rt_env_tables(struct exo_env_spec *spec, uint64_t va);

/* Maps n new frames at va in the new root and puts them into the spec; numbers to list unless NULL. 0 or an error. */
int64_t rt_env_pages(struct exo_env_spec *spec, uint64_t va, uint64_t n, uint64_t rights, uint64_t *list);

/* An env in the caller's home, which it may write: starts at start(argument) below stack_top, disabled, so that no
 * upcall comes to it but for faults. Its name to *name. 0 or an error. */
int64_t rt_env_beside(exo_name *name, void (*start)(uint64_t argument), uint64_t argument, void *stack_top);

/* Kills an env that the caller made (or one that is dying) and pushes its teardown to the end. */
void rt_env_end(exo_name env);

#pragma GCC visibility pop
#endif

/* SPDX-License-Identifier: MIT */
/* Instructions of sched.c that a host test has no use for, or that end in it; included before all else. */
#ifndef TIME_CPU_H
#define TIME_CPU_H
#include <stdint.h>
void host_halt(void);
static inline void cpu_halt(void) { host_halt(); }
static inline void cpu_open(void) { }
static inline uint64_t rdfsbase(void) { return 0; }
static inline void wrfsbase(uint64_t v) { (void)v; }
static inline uint64_t user_gs_exchange(uint64_t v) { return v; }
static inline uint32_t selectors(void) { return 0; }
#endif

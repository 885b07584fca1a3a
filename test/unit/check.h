/* SPDX-License-Identifier: MIT */
/* The unit tests' harness: TEST(name) { ... } registers a test; each runs in a child of its own with a time limit, so that a crash is one failure. */
#ifndef UNIT_CHECK_H
#define UNIT_CHECK_H
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct test { const char *name; void (*run)(void); struct test *next; };
void test_add(struct test *t);
/* Ends the test: the text is the reason in `not ok NAME: reason`. */
void test_fail(const char *format, ...) __attribute__((format(printf, 1, 2), noreturn));

#define TEST(id) \
	static void id(void); \
	__attribute__((constructor)) static void id##_add(void) { static struct test t = { #id, id, NULL }; test_add(&t); } \
	static void id(void)

#define CHECK(what) do { if (!(what)) test_fail("%s:%d: %s", __FILE__, __LINE__, #what); } while (0)
#define CHECK_EQ(a, b) do { long long a_ = (long long)(a), b_ = (long long)(b); \
	if (a_ != b_) test_fail("%s:%d: %s is %lld (0x%llx), not %lld (0x%llx)", __FILE__, __LINE__, #a, a_, a_, b_, b_); } while (0)
#define CHECK_STR(a, b) do { const char *a_ = (a), *b_ = (b); \
	if (strcmp(a_, b_)) test_fail("%s:%d: \"%s\" is not \"%s\"", __FILE__, __LINE__, a_, b_); } while (0)

/* Same numbers on every run (xorshift64*, seeded per test). */
void random_seed(uint64_t seed);
uint64_t random_next(void);
static inline uint64_t random_below(uint64_t n) { return random_next() % n; }
/* Changes 1 to 8 places of a buffer: bits, bytes, words with values that break sums, copied runs. */
void random_mutate(uint8_t *bytes, size_t size);

/* Seconds of processor time that this test has used. */
double test_seconds(void);

/* n bytes that end right before a page that faults; not freed. */
uint8_t *guarded(size_t n);
/* A whole file in a malloc of exactly its size. */
uint8_t *file_load(const char *path, size_t *size);
#endif

/* SPDX-License-Identifier: MIT */
/* lib/base/duration.h: times that are too long to be held, in either unit. */
#include <base/duration.h>
#include "check.h"

TEST(duration_mul_div)
{
	CHECK_EQ(mul_div(1000, 12000, 5), 2400000);
	CHECK_EQ(mul_div(1ul << 50, 3579545, 17897), 225189103315582529); /* the product needs more than 64 bits */
	CHECK_EQ(mul_div(UINT64_MAX, UINT64_MAX, UINT64_MAX), UINT64_MAX);
	CHECK_EQ(mul_div(UINT64_MAX, 2, 2), UINT64_MAX);
	CHECK_EQ(mul_div(UINT64_MAX, 2, 1), UINT64_MAX);                  /* and so does the quotient */
	CHECK_EQ(mul_div(UINT64_MAX, UINT64_MAX, 1), UINT64_MAX);
	CHECK_EQ(mul_div(1, 1, 0), UINT64_MAX);
	CHECK_EQ(mul_div(0, 5, 3), 0);
}

TEST(duration_of_seconds)
{
	CHECK_EQ(time_of(0, 0), 0);
	CHECK_EQ(time_of(1, 999999999), 1999999999);
	CHECK_EQ(time_of(9223372036, 854775806), TIME_END - 1);
	CHECK_EQ(time_of(9223372036, 854775807), TIME_END);
	CHECK_EQ(time_of(9223372036, 999999999), TIME_END);
	CHECK_EQ(time_of(9223372037, 0), TIME_END);
	CHECK_EQ(time_of(18446744073, 0), TIME_END);
	CHECK_EQ(time_of(INT64_MAX, 999999999), TIME_END);
}

TEST(duration_after)
{
	CHECK_EQ(time_after(5, 7), 12);
	CHECK_EQ(time_after(TIME_END - 1, 1), TIME_END);
	CHECK_EQ(time_after(TIME_END, 1), TIME_END);
	CHECK_EQ(time_after(TIME_END, TIME_END), TIME_END);
	CHECK_EQ(time_after(UINT64_MAX, UINT64_MAX), TIME_END);
	CHECK_EQ(add_most(UINT64_MAX - 1, 1, UINT64_MAX), UINT64_MAX);
	CHECK_EQ(add_most(UINT64_MAX, 1, UINT64_MAX), UINT64_MAX);
}

/* Whatever the clock's rate: rising, and never past the end. */
TEST(duration_in_ticks)
{
	static const uint64_t hz[] = { 1000000, 999999999, 1000000000, 1000000001, 2400000000, 5000000000, UINT64_MAX };
	static const uint64_t ns[] = { 0, 1, 1000000000, 9999999999, 1ul << 62, 1ul << 63, (1ul << 33) * NS, TIME_END, UINT64_MAX };

	CHECK_EQ(ns_ticks(1000000000, 2400000000), 2400000000);
	CHECK_EQ(ns_ticks(TIME_END, 2400000000), UINT64_MAX);
	CHECK_EQ(ns_ticks(TIME_END, 1000000000), TIME_END);
	for (size_t h = 0; h < sizeof hz / sizeof *hz; h++)
		for (size_t i = 0; i < sizeof ns / sizeof *ns; i++) {
			unsigned __int128 exact = (unsigned __int128)ns[i] * hz[h] / NS;

			CHECK_EQ(ns_ticks(ns[i], hz[h]), exact > UINT64_MAX ? UINT64_MAX : (uint64_t)exact);
		}
	CHECK_EQ(ticks_ns(2400000000, ((1ul << 32) * 1000 + 1200) / 2400), 1000000000);
}

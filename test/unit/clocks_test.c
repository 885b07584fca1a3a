/* SPDX-License-Identifier: MIT */
/* efi/clocks.c: which of three clocks is believed. */
#include "check.h"
#include "../../efi/clocks.h"

static int choose(uint64_t a, uint64_t b, uint64_t c)
{
	struct clock clock[3] = { { .hz = a }, { .hz = b }, { .hz = c } };

	return clocks_choose(clock, 3);
}

TEST(clocks_rate)
{
	CHECK_EQ(clock_hz(1000, 5, 12000), 2400000);
	CHECK_EQ(clock_hz(3579545, 17897, 1ul << 50), 225189103315582529); /* the product needs more than 64 bits */
	CHECK_EQ(clock_hz(3579545, 17897, ~0ul), 0);                      /* and so does the quotient */
	CHECK_EQ(clock_hz(3579545, 0, 1), 0);
}

TEST(clocks_middle)
{
	static const uint64_t order[][3] = { { 1, 2, 3 }, { 1, 3, 2 }, { 2, 1, 3 }, { 2, 3, 1 }, { 3, 1, 2 }, { 3, 2, 1 }, { 2, 2, 9 }, { 9, 2, 2 }, { 2, 9, 2 }, { 0, 2, 2 } };

	for (size_t i = 0; i < sizeof order / sizeof *order; i++)
		CHECK_EQ(clock_middle(order[i]), 2);
}

TEST(clocks_choice)
{
	CHECK_EQ(choose(2400, 2410, 2390), 0);
	CHECK_EQ(choose(2400, 2600, 2401), 0);
	CHECK_EQ(choose(1200, 2400, 2401), 1); /* the first alone is wrong */
	CHECK_EQ(choose(0, 2400, 2401), 1);
	CHECK_EQ(choose(0, 0, 2401), 2);
	CHECK_EQ(choose(1000, 2000, 3000), 0); /* nobody confirms anybody */
	CHECK_EQ(choose(0, 2000, 3000), 1);
	CHECK_EQ(choose(0, 0, 0), -1);
}

TEST(clocks_agreement)
{
	CHECK(clocks_agree(6400, 6500));
	CHECK(clocks_agree(6400, 6300));
	CHECK(!clocks_agree(6400, 6501));
	CHECK(!clocks_agree(6400, 6299));
}

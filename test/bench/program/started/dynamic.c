/* SPDX-License-Identifier: MIT */
/* The smallest dynamic program: what ld.so and glibc cost. */
int main(void) { return 0; }

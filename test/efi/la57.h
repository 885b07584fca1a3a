/* SPDX-License-Identifier: MIT */
#ifndef TEST_EFI_LA57_H
#define TEST_EFI_LA57_H
/* la57_switch.S: (level-5 root, own address), both below 4 GiB, interrupts off; position-independent. */
extern const uint8_t la57_code[], la57_code_end[];
#endif

/* SPDX-License-Identifier: MIT */
/* What the loader's files promise one another. Everything here runs identity-mapped, on one CPU, with addresses equal to physical ones. */
#ifndef EFI_LOADER_H
#define EFI_LOADER_H
#include <stddef.h>
#include <stdint.h>
#include <exo/boot.h>
#include <exo/layout.h>
#include <base/homes.h>
#include "acpi.h"
#include "firmware.h"
#include "memmap.h"

#define PAGES(bytes) (((bytes) + EXO_PAGE_SIZE - 1) >> EXO_PAGE_SHIFT)
#define MIB(bytes)   ((bytes) >> 20)

/* The first env's fixed places, the same for any app. */
#define ROOT_VA   HOME_AT(HOME_ROOTIMG)
#define REPORT_PAGES 4
#define REPORT_VA (ROOT_VA + EXO_HOME_SIZE - REPORT_PAGES * EXO_PAGE_SIZE)
#define VARS_PAGES 128
#define VARS_VA (REPORT_VA - VARS_PAGES * EXO_PAGE_SIZE)
#define CONFIG_VA (ROOT_VA + 3 * EXO_HOME_SIZE)
#define STACK_VA  (CONFIG_VA + (EXO_UL(16) << 20))
#define STACK_PAGES 16

/* log.c */
void log_init(void);
/* A line that is shown whatever aril.conf says of the log. */
void log_error(const char *format, ...) __attribute__((format(printf, 1, 2)));
/* (log_line: acpi.h) With 1, log_line keeps its lines but shows them nowhere; stop() still speaks. */
void log_quiet(int quiet);
/* The lines so far and the report, on the boot volume, as \aril\bootlog.txt; for after a stop() too. One log line tells
 * when that fails. */
void log_file_wanted(void);
void log_file_write(void);
/* From ExitBootServices on: lines go to the serial port. */
void log_leave(void);
void log_hand_over(struct boot_info *info);
/* Says why (status 0 = none to show), waits for a key, powers off. */
_Noreturn void stop(EFI_STATUS status, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* memory.c: pages from the firmware, zeroed, contiguous; stops the boot with `what` in the message when there are none. `type` says whose they
 * are after the exit: BOOT_KERNEL, BOOT_FIRST, or BOOT_FREE for what only the loader needs. Returns the physical address. */
uint64_t memory_pages(uint64_t count, enum boot_range_type type, const char *what);
/* Takes a first look at the map: frame_count, and what the direct map covers. */
void memory_survey(struct boot_info *info);
/* One zeroed page below 4 GiB that may hold code, free after the exit. */
uint64_t memory_low_page(const char *what);
/* Calls each() for every range of RAM, sorted and disjoint, up to frame_count. */
void memory_each_ram(void (*each)(uint64_t pfn, uint64_t count));
/* The firmware's map as the survey found it. */
const struct memmap_raw *memory_map(void);
void memory_arenas(struct boot_info *info);
/* Allocates what memory_exit and memory_finish need; the last allocation of all. */
void memory_prepare(struct boot_info *info);
/* ExitBootServices with its retry. Neither prints nor allocates. */
EFI_STATUS memory_exit(void);
/* RAM to use in all, in bytes; 0 = all there is. What boot has placed counts, and is never taken away. */
void memory_limit(uint64_t bytes);
/* Turns the final map into info->map. */
void memory_finish(struct boot_info *info);

/* file.c: files under \aril\ on the loader's own volume, looked for from the loader's folder upwards. */
void file_open_volume(void);
/* Reads \aril\NAME into zeroed pages of `type`, with at least one byte of zeros behind it. EFI_NOT_FOUND is returned, anything else stops. */
EFI_STATUS file_read(const CHAR16 *name, enum boot_range_type type, uint64_t max, uint64_t *phys, uint64_t *size);
/* Writes \aril\NAME anew, in the folder where the last file was found. EFI_NOT_FOUND before that. Never stops. */
EFI_STATUS file_write(const CHAR16 *name, const void *data, uint64_t size);
/* The load options that we were started with; NULL = none. */
const void *file_load_options(uint32_t *size);

/* acpi_find.c: RSDP, tables, their facts; after memory_survey. */
void acpi_facts(struct boot_info *info);
extern struct acpi acpi_seen;

/* report.c: what the firmware knows of the machine, as text for people, in the first env's root home. Nothing is decided by it. */
extern uint64_t loader_began; /* main.c: the TSC when efi_main was called */
void report_make(struct boot_info *info);
/* What it is so far, and its size. */
const char *report_page(size_t *size);
/* One more piece of it; what does not fit is left out and said so. */
void report(const char *format, ...) __attribute__((format(printf, 1, 2)));
/* pci.c: the devices that the firmware has found, a line each. */
void report_pci(void);

/* pci_scan.c: gives each function of segment 0 with the first words of its configuration space; their number. For a
 * firmware without PciIo, before the exit. each() calls nothing of the firmware's. place: bus << 8 | device << 3 |
 * function. */
#define PCI_HEAD 7
unsigned pci_scan(void (*each)(unsigned place, const uint32_t head[PCI_HEAD]));

/* variables.c: the firmware's variables, in the first env's root home. */
void variables_read(struct boot_info *info);

/* master.c: finds all PCI functions; after the exit stops those that master the bus, but for a few that it names in the log. */
void master_find(int keep);
void master_stop(void);
unsigned master_count(void);
/* Bus, device and function (bus << 8 | device << 3 | function) of the one with that number. */
unsigned master_place(unsigned i);

/* pci_table.c: after the exit and master_stop: the table of those functions, with their BARs measured. */
void pci_table_fill(struct boot_info *info);

/* serial.c: which port speaks after the exit, by ACPI; after acpi_facts. */
void serial_facts(struct boot_info *info);
/* Its page, if it is in memory, into the kernel's root. */
void serial_map(void);
/* After the exit: sets it up, and says a character, after a bounded wait. */
void serial_start(void);
void serial_put(char c);
void report_serial(void);

/* tsc.c: the TSC's rate by all clocks there are; after acpi_facts. */
void tsc_facts(struct boot_info *info);
void report_clocks(void);

/* screen.c: the graphics output that is drawn on; width 0 = in the mode that it has. */
void screen_facts(struct boot_info *info, uint32_t width, uint32_t height);
void report_modes(void);

/* facts.c */
void clock_facts(struct boot_info *info);
void entropy_facts(struct boot_info *info);
void reset_facts(struct boot_info *info);
/* Stops when the CPU lacks what the kernel cannot do without. */
void cpu_check(void);

/* config.c: aril.conf and load options; what in them is the loader's. */
#define APP_NAME_MAX 64
struct settings {
	char app[APP_NAME_MAX];
	uint64_t memory;           /* limit in bytes, 0 = none */
	uint32_t screen_width, screen_height; /* 0 = as the firmware has it */
	int quiet, bootlog, verify, busmaster; /* busmaster: devices go on mastering the bus */
	enum boot_panic panic;
	const char *source;        /* for messages: what is being read */
};
void config_load(struct boot_info *info, struct settings *settings);

/* verify.c: whether the firmware lets only signed programs run. */
int secure_boot(void);
/* Whether `make sign` sealed that configuration. */
int config_is_sealed(const void *text, uint64_t size);
/* Under Secure Boot, or when asked for: stops unless the root image is the one whose hash BOOTX64.EFI carries. */
void root_verify(const void *image, uint64_t size, int asked);

/* kernel.c: checks and places the embedded kernel. */
struct kernel_segment { uint64_t va, phys, count; uint32_t rights; };
struct kernel_image { uint64_t entry; int count; struct kernel_segment segment[BOOT_SEGMENTS]; };
void kernel_place(struct kernel_image *kernel);

/* app.c: the root image, the app in it, its stack. */
void root_load(struct boot_info *info, int verify);
void app_load(struct boot_info *info, const char *app);
void first_segment(struct boot_info *info, uint64_t va, uint64_t phys, uint64_t count, uint32_t rights);

/* paging.c: all roots. */
void paging_build(struct boot_info *info, const struct kernel_image *kernel);
/* Maps size bytes at va in the kernel's root with these entry bits (P is added). */
void paging_map_kernel(uint64_t va, uint64_t phys, uint64_t size, uint64_t bits);
void paging_reset_root(struct boot_info *info);
/* Root with the kernel's half and the page at `code` one to one, itself below 4 GiB; given back with the loader's memory. */
uint64_t paging_bridge(struct boot_info *info, uint64_t code);

/* traps.c: handlers that print and stop. */
void traps_build(const struct boot_info *info); /* after serial_facts */
void traps_map(void);                  /* into the kernel's root */
void traps_load(void);                 /* right after the exit, one to one */
#define TRAPS_VA (KERNEL_IMAGE + EXO_HOME_SIZE - EXO_UL(0x10000)) /* code, tables, stack: three pages at the end of the image's GiB */
#define TRAPS_TASK 0x18
/* Descriptor-table pointers for lgdt and lidt under the kernel's root. */
uint64_t traps_gdt_pointer(void);
uint64_t traps_idt_pointer(void);

/* handover.c */
void handover_prepare(struct boot_info *info);
_Noreturn void handover(struct boot_info *info, const struct kernel_image *kernel);

#endif

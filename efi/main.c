/* SPDX-License-Identifier: MIT */
/* BOOTX64.EFI's table of contents: from the firmware's call to the kernel's first instruction. */
#include <base/fmt.h>
#include "cpu.h"
#include "loader.h"

EFI_HANDLE firmware_image;
EFI_SYSTEM_TABLE *firmware_system;
EFI_BOOT_SERVICES *firmware_boot;
uint64_t loader_began;

EFI_STATUS efi_main(EFI_HANDLE image, EFI_SYSTEM_TABLE *system);

static struct boot_info *info_new(void)
{
	struct boot_info *info = (struct boot_info *)memory_pages(PAGES(sizeof(*info)), BOOT_KERNEL, "boot_info");

	info->magic = BOOT_MAGIC;
	info->version = BOOT_VERSION;
	info->size = sizeof(*info);
	fmt(info->build, sizeof(info->build), "%s", ARIL_BUILD);
	return info;
}

EFI_STATUS efi_main(EFI_HANDLE image, EFI_SYSTEM_TABLE *system)
{
	struct kernel_image kernel;
	struct boot_info *info;
	struct settings settings;

	loader_began = cpu_tsc();
	firmware_image = image;
	firmware_system = system;
	firmware_boot = system->BootServices;
	(void)firmware_boot->SetWatchdogTimer(0, 0, 0, NULL); /* a firmware without one is as good */
	log_init();
	log_line("%s", ARIL_BUILD);
	cpu_check();                     /* what no kernel of ours can do without */
	info = info_new();               /* all that will cross */
	kernel_place(&kernel);           /* embedded ELF, checked, to its pages */
	file_open_volume();              /* the volume that we came from */
	config_load(info, &settings);    /* aril.conf or defaults, load options over it */
	root_load(info, settings.verify); /* root.img, whole, the signed one if it must be */
	app_load(info, settings.app);    /* the first env's image, out of it */
	screen_facts(info, settings.screen_width, settings.screen_height); /* frame buffer */
	clock_facts(info);               /* wall clock */
	entropy_facts(info);             /* EFI_RNG */
	reset_facts(info);               /* how to reset later */
	memory_limit(settings.memory);   /* as the configuration wants */
	memory_survey(info);             /* how much RAM, how long the frame table */
	acpi_facts(info);                /* interrupt controllers, timers, power */
	serial_facts(info);              /* the port that the log goes to */
	tsc_facts(info);                 /* how fast the TSC runs */
	report_make(info);               /* the machine, for people */
	variables_read(info);            /* the firmware's, for ring 3 to read */
	master_find(settings.busmaster); /* devices that write memory */
	memory_arenas(info);             /* the kernel's tables, zeroed */
	traps_build(info);               /* GDT, TSS, IDT that print */
	paging_build(info, &kernel);     /* kernel_root: upper half and system window */
	traps_map();                     /* their place in the kernel's half */
	paging_reset_root(info);         /* root that ResetSystem runs on */
	log_file_write();                /* \aril\bootlog.txt, if wanted */
	handover_prepare(info);          /* stack, bridge root, map buffers */
	handover(info, &kernel);         /* leave the firmware, jump */
}

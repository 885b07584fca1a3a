# SPDX-License-Identifier: MIT
# Builds everything into build/ (DEBUG=1: kernel and loader into build/debug/, beside links to the rest). Needs nothing installed to be read: what needs a tool stands in a recipe.
MAKEFLAGS += -r
.DEFAULT_GOAL := help
.SUFFIXES:
.SECONDARY:
.DELETE_ON_ERROR:
.PHONY: help deps deps-bench all install uninstall deb run test test-all fuzz reference mutants deps-pages deps-prove prove bench bench-run budget profile gdb image iso deps-boot screenshot pictures lab grade sign usb boot-entry clean FORCE

CC      ?= gcc
ifeq ($(origin CC),default)
CC      := gcc
endif
LD      := ld
OBJCOPY := objcopy
B       := build$(if $(DEBUG),/debug)
U       := build
PKG     := build/pkg
RELEASE := 0.1
VERSION := Aril $(RELEASE)$(if $(DEBUG), debug)
Q       := $(if $(V),,@)
quote    = '$(subst ','\'',$(1))'
say      = $(if $(V),@:,@echo $(call quote,  $(1)) >&2)
# What people type after the name: never expanded as make's own text, and handed to the shell by the environment only, so that no value is a command.
GIVEN := CMD QEMUFLAGS DEV IMAGE DRY_RUN FORCE CONFIRM KEY CERT ROOT CONF WITH SECTOR DISK PART OPTIONS RUNS PREFIX DESTDIR N LAB_FILE PROGRAM AT
GIVEN := $(foreach name,$(GIVEN),$(if $(filter undefined,$(origin $(name))),,$(name)))
$(foreach name,$(GIVEN),$(eval override $(name) := $$(value $(name))))
export $(GIVEN)
EFI_INC ?= /usr/include/efi
EFI_LIB ?= /usr/lib

# ---- flags, one set a world
COMMON   := -std=gnu11 -O2 -g -Wall -Wextra -Werror -ffreestanding -fno-stack-protector -mno-red-zone -mgeneral-regs-only -fno-common \
	-fno-asynchronous-unwind-tables -ffile-prefix-map=$(CURDIR)=. -MMD -MP
LZ4      := $(PKG)-lz4
INCLUDE  := -Ikernel/include -Ilib
KERNEL_C := $(COMMON) -mcmodel=kernel -fno-pic -fno-pie -fno-omit-frame-pointer -fno-optimize-sibling-calls $(if $(DEBUG),-DKERNEL_DEBUG) \
	-DARIL_BUILD='"$(VERSION)"' $(INCLUDE)
USER_C   := $(COMMON) -fPIE -fvisibility=hidden $(INCLUDE) -isystem $(LZ4)/lib -DLZ4_MEMORY_USAGE=12
POSIX_C  := $(USER_C) -flto -flto-partition=one
EFI_C    := $(COMMON) -fpic -fshort-wchar -fvisibility=hidden -maccumulate-outgoing-args -DARIL_BUILD='"$(VERSION)"' $(INCLUDE) \
	-I$(EFI_INC) -I$(EFI_INC)/x86_64
LINK     := --fatal-warnings -z max-page-size=4096 -z noexecstack --build-id=none -static

# ---- sources: whatever stands in a folder
objects   = $(patsubst %,$(1)/%.o,$(wildcard $(addsuffix /*.c,$(2)) $(addsuffix /*.S,$(2))))
KERNEL_O := $(call objects,$(B)/kernel,kernel $(if $(DEBUG),test/kernel)) $(patsubst %,$(B)/kernel/lib/base/%.c.o,string fmt crc32 surface notice) $(B)/kernel/$(U)/font.c.o
EFI_O    := $(filter-out %/kernel_image.S.o,$(call objects,$(B)/efi,efi lib/base))
ROOMS    := lib/family lib/run lib/vm lib/fs lib/tty lib/load lib/dev lib/posix lib/posix/process lib/posix/signal lib/posix/call lib/posix/file lib/posix/sysv
POSIX_O  := $(filter-out %/alone.c.o,$(call objects,$(U)/posix,$(ROOMS) apps/linux)) $(U)/posix/$(U)/font.c.o
# Native apps on more than lib/rt: they are linked with what they ask for of these rooms.
ON_VM    := $(sort $(patsubst %/,%,$(dir $(filter-out apps/linux/% test/guest/slowfs/% test/guest/fifo/% test/guest/parts/%,$(shell grep -lE '<(family|run|vm)/' apps/*/*.c test/guest/*/*.c)))))
APP_DIRS := $(patsubst %/,%,$(sort $(dir $(wildcard apps/*/*.c))))
TEST_DIRS := $(patsubst %/,%,$(sort $(dir $(wildcard test/guest/*/*.c))))
APPS     := $(addprefix $(U)/apps/,$(notdir $(APP_DIRS)))
TEST_APPS := $(addprefix $(U)/apps/,$(notdir $(TEST_DIRS)))
SKELETON := $(shell find esp/root 2>/dev/null)

help: ## what can be made
	@sed -n 's/^\([a-z-]*\):.*## \(.*\)/  make \1\t\2/p' $(firstword $(MAKEFILE_LIST)) | expand -t 20
	@echo "  options: DEBUG=1 (a kernel that recounts, in build/debug), V=1 (show commands), CMD='...', WITH='PACKAGE ...', QEMUFLAGS='...'"

# ---- what has to be installed
DEPS := gcc libc6-dev gnu-efi fonts-spleen libqrcodegen-dev ovmf qemu-system-x86 mtools erofs-utils xorriso musl-tools python3-pytest python3-pexpect python3-pyelftools help2man gdb dpkg-dev
deps: ## install what build, run and test need (Debian packages)
	@missing=; for p in $(DEPS); do dpkg -s $$p 2>/dev/null | grep -q '^Status: .* installed$$' || missing="$$missing $$p"; done; \
	command="apt-get update && apt-get install -y --no-install-recommends$$missing"; \
	if [ -z "$$missing" ]; then echo "deps: all there" >&2; \
	elif [ "$$(id -u)" = 0 ]; then sh -c "$$command" >&2; \
	elif command -v sudo >/dev/null; then sudo sh -c "$$command" >&2; \
	else echo "deps: as root, type: $$command" >&2; exit 1; fi
	@$(MAKE) -s $(PKG)/bin/busybox $(ZONES)/tzdata.zi $(LZ4)/lib/lz4.c

ZONES := $(PKG)-zones/usr/share/zoneinfo
$(ZONES)/tzdata.zi:
	$(call say,get     tzdata)
	$(Q)esp/getpackages --alone --only 'usr/share/zoneinfo/*' $(PKG)-zones tzdata
$(PKG)/bin/busybox:
	$(call say,get     busybox-static)
	$(Q)esp/getpackages --alone $(PKG) busybox-static
$(LZ4)/lib/lz4.c:
	$(call say,get     lz4)
	$(Q)esp/getpackages --source $(LZ4) lz4

all: $(B)/BOOTX64.EFI $(U)/BOOTIA32.EFI $(U)/root.img $(U)/root-test.img $(if $(DEBUG),links,efi-tests) ## kernel, loader, apps, root image

# What both kernels have in common is built once.
LINKS := apps posix user tools posix.o librt.a librooms.a root.img root-test.img roottree roottree-test BOOTIA32.EFI
.PHONY: links
links: $(U)/root.img $(U)/root-test.img $(U)/BOOTIA32.EFI
	@mkdir -p $(B)
	@for name in $(LINKS); do [ -L $(B)/$$name ] || { rm -rf $(B)/$$name; ln -s ../$$name $(B)/$$name; }; done

# ---- objects depend on their flags
define keep_flags # folder
$(1)/%.flags: FORCE
	@mkdir -p $$(@D); printf '%s\n' $$(call quote,$$(strip $$($$*))) | cmp -s - $$@ || printf '%s\n' $$(call quote,$$(strip $$($$*))) >$$@
endef
$(foreach folder,$(sort $(B) $(U)),$(eval $(call keep_flags,$(folder))))

define compile # world, flags, folder
$(3)/$(1)/%.c.o: %.c $(3)/$(2).flags
	$$(call say,cc      $$<)
	@mkdir -p $$(@D)
	$$(Q)$$(CC) $$($(2)) -c $$< -o $$@
$(3)/$(1)/%.S.o: %.S $(3)/$(2).flags
	$$(call say,as      $$<)
	@mkdir -p $$(@D)
	$$(Q)$$(CC) $$($(2)) -c $$< -o $$@
endef
$(eval $(call compile,kernel,KERNEL_C,$(B)))
$(eval $(call compile,user,USER_C,$(U)))
$(eval $(call compile,posix,POSIX_C,$(U)))
$(eval $(call compile,efi,EFI_C,$(B)))

# ---- the screen's font, out of Debian's
FONT ?= /usr/share/consolefonts/spleen-8x16.psfu.gz
$(U)/font.c: lib/base/mkfont
	@mkdir -p $(@D)
	$(Q)lib/base/mkfont $(call quote,$(strip $(FONT))) spleen >$@

# ---- LZ4, for swap (lib/vm/swap_store.c): one file of Debian's source, without a C library
LZ4_USED := LZ4_compress_fast_extState LZ4_decompress_safe
LZ4_C = $(filter-out -Wextra,$(USER_C)) -DLZ4_FREESTANDING=1 -DLZ4LIB_VISIBILITY= \
	-DLZ4_memcpy=__builtin_memcpy -DLZ4_memmove=__builtin_memmove -DLZ4_memset=__builtin_memset
$(U)/lz4.o: $(LZ4)/lib/lz4.c $(U)/LZ4_C.flags
	$(call say,cc      lz4)
	$(Q)$(CC) $(LZ4_C) -ffunction-sections -c $< -o $@.all
	$(Q)$(LD) -r --gc-sections $(addprefix -e ,$(LZ4_USED)) $(addprefix -u ,$(LZ4_USED)) -o $@ $@.all
$(U)/user/lib/vm/swap_store.c.o $(U)/posix/lib/vm/swap_store.c.o: $(LZ4)/lib/lz4.c

# libqrcodegen, for the panic screen: the one part of ring 0 that was compiled elsewhere
QRCODE   = $$($(CC) -print-file-name=libqrcodegen.a)

# ---- kernel: linked twice, the second time with the table of its own symbols (text comes first, so it does not move)
$(B)/kernel/ksyms0.S: $(B)/KERNEL_C.flags
	$(Q)efi/ksyms </dev/null >$@
$(B)/kernel/ksyms1.S: $(B)/kernel0.elf
	$(Q)nm -n $< | efi/ksyms >$@
$(B)/kernel/ksyms%.o: $(B)/kernel/ksyms%.S
	$(Q)$(CC) $(KERNEL_C) -c $< -o $@
$(B)/kernel0.elf: $(KERNEL_O) $(B)/kernel/ksyms0.o kernel/kernel.ld
	$(Q)$(LD) $(LINK) -T kernel/kernel.ld -o $@ $(filter %.o,$^) $(QRCODE)
$(B)/kernel.elf: $(KERNEL_O) $(B)/kernel/ksyms1.o kernel/kernel.ld
	$(call say,ld      $@)
	$(Q)$(LD) $(LINK) -T kernel/kernel.ld -o $@ $(filter %.o,$^) $(QRCODE)
	$(Q)nm -n $@ | efi/ksyms | cmp - $(B)/kernel/ksyms1.S
$(B)/kernel.bare: $(B)/kernel.elf
	$(Q)$(OBJCOPY) --strip-all $< $@

# ---- loader, with the kernel inside; the CRC32 is the one that gzip appends
$(B)/efi/kernel_image.o: efi/kernel_image.S $(B)/kernel.bare $(B)/EFI_C.flags
	$(Q)$(CC) $(EFI_C) -DKERNEL_ELF='"$(B)/kernel.bare"' -DKERNEL_CRC=0x$$(gzip -1c $(B)/kernel.bare | tail -c 8 | od -An -N4 -tx4 | tr -d ' ') \
		-c $< -o $@
LINK_EFI = $(LD) --fatal-warnings -nostdlib -shared -Bsymbolic -znocombreloc -z noexecstack --build-id=none --no-undefined -T efi/efi.ld -o $@ \
	$(EFI_LIB)/crt0-efi-x86_64.o $(filter %.o,$^) $(EFI_LIB)/libgnuefi.a
MAKE_PE = $(OBJCOPY) -j .text -j .reloc -j .rodata -j .kernel -j .rootsum -j .sbat -j .data -j .dynamic -j .rela -j .dynsym -j .dynstr \
	--target efi-app-x86_64 --subsystem=10
$(B)/loader.so: $(EFI_O) $(B)/efi/kernel_image.o efi/efi.ld
	$(Q)$(LINK_EFI)
$(B)/BOOTX64.EFI: $(B)/loader.so $(U)/root.img efi/pefinish efi/sealroot
	$(call say,efi     $@)
	$(Q)$(MAKE_PE) $< $@.new
	$(Q)efi/pefinish $@.new
	$(Q)efi/sealroot $@.new $(U)/root.img
	$(Q)mv $@.new $@

# What 32-bit firmware starts: one source that is laid out as the file.
$(U)/BOOTIA32.EFI: efi/ia32/main.S
	$(call say,efi     $@)
	$(Q)mkdir -p $(U)/efi/ia32
	$(Q)$(CC) -m32 -c $< -o $(U)/efi/ia32/main.o
	$(Q)$(LD) -m elf_i386 -Ttext=0 -e 0 --oformat binary -o $@ $(U)/efi/ia32/main.o

# ---- EFI apps of the test suite: firmware with odd habits, which then starts the loader
EFI_TESTS := $(addprefix $(B)/efi-test/,$(addsuffix .efi,$(filter-out chain,$(basename $(notdir $(wildcard test/efi/*.c))))))
.PHONY: efi-tests
efi-tests: $(EFI_TESTS)
$(B)/efi-test/%.so: $(B)/efi/test/efi/%.c.o $(B)/efi/test/efi/chain.c.o efi/efi.ld
	@mkdir -p $(@D)
	$(Q)$(LINK_EFI)
$(B)/efi-test/la57.so: $(B)/efi/test/efi/la57_switch.S.o
$(B)/efi-test/%.efi: $(B)/efi-test/%.so
	$(Q)$(MAKE_PE) $< $@

# ---- the vDSO that lib/posix shows to programs: an ELF image inside its text
$(U)/vdso.so: lib/posix/vdso/vdso.c lib/posix/vdso/vdso.ld $(U)/USER_C.flags
	$(call say,ld      $@)
	@mkdir -p $(U)/posix
	$(Q)$(CC) $(filter-out -fPIE -g,$(USER_C)) -fPIC -fno-jump-tables -shared -nostdlib -Wl,--fatal-warnings,-z,noexecstack,-z,max-page-size=4096 \
		-Wl,--build-id=none,--hash-style=both,-Bsymbolic,-soname,linux-vdso.so.1,-T,lib/posix/vdso/vdso.ld -MF $(U)/posix/vdso.d -o $@ $<
	$(Q)$(OBJCOPY) --strip-all $@
$(U)/posix/lib/posix/vdso.S.o: $(U)/vdso.so
$(U)/posix/lib/posix/vdso.S.o: POSIX_C += -DVDSO='"$(U)/vdso.so"'

# ---- apps: `linux` is built on all of lib, every other on lib/rt alone
$(U)/librt.a: $(call objects,$(U)/user,lib/rt lib/base)
	@rm -f $@
	$(Q)ar rcsD $@ $^
# Each is linked in a home of its own, which a hash of what it is made of chooses; one with a linker script that says
# where (`app_base`) lies there. What is linked where goes to the right of the command below.
ON_POSIX := apps/linux test/guest/slowfs test/guest/fifo test/guest/parts
AT_HOME  = base=$$$$(lib/rt/apphome $(1) $$(filter %.o %.a %.ld,$$^)) && set -- --defsym "app_base=$$$$base" &&
app_at   = $(if $(filter $(ON_POSIX),$(1)),$(call AT_HOME,linux),$(if $(wildcard $(1)/app.ld),,$(call AT_HOME,app)))
LINK_APP = $$(LD) $$(LINK) -no-pie --no-relax -u _start "$$$$@"
define app # folder, its objects
$(U)/apps/$(notdir $(1)): $(2) $(U)/librt.a lib/rt/app.ld $(wildcard $(1)/app.ld) lib/rt/apphome lib/base/homes.h $(U)/LINK.flags
	$$(call say,ld      $$@)
	@mkdir -p $$(@D)
	$$(Q)$(app_at) $(LINK_APP) -T $(firstword $(wildcard $(1)/app.ld) lib/rt/app.ld) -o $$@ $$(filter %.o,$$^) $$(filter %.a,$$^) \
		$$$$($$(CC) -print-libgcc-file-name)
endef
# The Linux library OS and its app as one object, optimised over their files: they are many, and small.
$(U)/posix.o: $(POSIX_O) $(U)/lz4.o
	$(Q)$(CC) -r -nostdlib -flto -flinker-output=nolto-rel $(POSIX_C) -o $@ $^
# The rooms up to vm, for an app that takes out of them what it asks for.
$(U)/librooms.a: $(call objects,$(U)/user,lib/family lib/run lib/vm) $(U)/lz4.o
	@rm -f $@
	$(Q)ar rcsD $@ $^
# The same, with another list of file systems than its own, or another policy of swap: an app of the test suite brings that.
$(U)/posix-open.o: $(U)/posix.o
	$(Q)$(OBJCOPY) --weaken-symbol=kinds_of_linux --weaken-symbol=swap_clock $< $@
# The same without what an app chooses: for one that brings all parts.
$(U)/posix-parts.o: $(filter-out $(addprefix $(U)/posix/apps/linux/,main.c.o cpu.c.o memory.c.o),$(POSIX_O)) $(U)/lz4.o
	$(Q)$(CC) -r -nostdlib -flto -flinker-output=nolto-rel $(POSIX_C) -o $@ $^
app_objects = $(if $(filter test/guest/parts,$(1)),$(U)/posix-parts.o $(call objects,$(U)/user,$(1)),$(app_objects_some))
app_objects_some = $(if $(filter-out apps/linux,$(filter $(ON_POSIX),$(1))),$(U)/posix-open.o $(call objects,$(U)/user,$(1)),$(app_objects_other))
app_objects_other = $(if $(filter apps/linux,$(1)),$(U)/posix.o,$(call objects,$(U)/user,$(1)) $(if $(filter $(ON_VM),$(1)),$(U)/librooms.a))
$(foreach dir,$(APP_DIRS) $(TEST_DIRS),$(eval $(call app,$(dir),$(call app_objects,$(dir)))))

# ---- programs of our own in the root image: ordinary ones for Linux, of one file each, and what is in a folder of
# that name
PROGRAMS := $(patsubst esp/%.c,$(U)/tools/%,$(wildcard esp/*.c))
PROGRAM_C = -static -s -std=gnu11 -D_GNU_SOURCE -Os -Wall -Wextra -Werror $(INCLUDE) -Iapps
$(U)/tools/%: esp/%.c $(U)/PROGRAM_C.flags
	$(call say,musl-cc $@)
	@mkdir -p $(@D) $(U)/user
	$(Q)musl-gcc $(PROGRAM_C) -MMD -MP -MF $(U)/user/$*.d -o $@ $(filter esp/%.c,$^)
$(U)/tools/box: $(wildcard esp/box/*)

# ---- a lab's solution with the check that looks at it: LAB is its number, LAB_FILE the solution (test/lab)
LAB_C = $(USER_C) -Iapps/lab
$(eval $(call compile,lab,LAB_C,$(U)))
ifdef LAB
$(U)/lab/$(LAB)/app: $(U)/lab/apps/lab/$(LAB)/check.c.o $(U)/lab/$(LAB)/solution.o $(U)/librt.a lib/rt/app.ld
	@mkdir -p $(@D)
	$(Q)base=$$(lib/rt/apphome app $(filter %.o %.a %.ld,$^)) && \
		$(LD) $(LINK) -no-pie --no-relax -u _start --defsym app_base=$$base -T lib/rt/app.ld -o $@ $(filter %.o,$^) $(filter %.a,$^) \
		$$($(CC) -print-libgcc-file-name)
$(U)/lab/$(LAB)/solution.o: FORCE $(U)/LAB_C.flags
	@mkdir -p $(@D)
	$(Q)$(CC) $(filter-out -MMD -MP,$(LAB_C)) -c "$$LAB_FILE" -o $@
# The program of Linux's that calls a server.
$(U)/lab/$(LAB)/client: apps/lab/$(LAB)/client.c $(U)/PROGRAM_C.flags
	@mkdir -p $(@D)
	$(Q)musl-gcc $(PROGRAM_C) -Iapps/lab -MMD -MF $(@D)/client.d -o $@ $<
endif

# ---- root image; the -test one also carries the native guests of the test suite
TREE = esp/mktree $@ esp/root $(PKG)/bin/busybox $(ZONES) $(U)/tools $(filter $(U)/apps/%,$^)
$(U)/roottree: $(PKG)/bin/busybox $(ZONES)/tzdata.zi $(PROGRAMS) $(APPS) $(SKELETON) esp/mktree lib/rt/apphome
	$(call say,tree    $@)
	$(Q)$(TREE)
$(U)/roottree-test: $(PKG)/bin/busybox $(ZONES)/tzdata.zi $(PROGRAMS) $(APPS) $(TEST_APPS) $(SKELETON) esp/mktree lib/rt/apphome
	$(Q)$(TREE)
$(U)/root.img: $(U)/roottree esp/mkroot
	$(call say,erofs   $@)
	$(Q)esp/mkroot $< $@
$(U)/root-test.img: $(U)/roottree-test esp/mkroot
	$(Q)esp/mkroot $< $@

# WITH: Debian packages in the image's tree. The loader carries the hash of its root image, so there is one of it for each.
WITH_TREE := $(PKG)-with/$(subst $() ,+,$(sort $(WITH)))
$(B)/with.img: $(U)/roottree $(B)/WITH.flags esp/getpackages esp/addpackages
	$(call say,get     $(strip $(WITH)))
	$(Q)esp/getpackages $(call quote,$(WITH_TREE)) $(foreach name,$(WITH),$(call quote,$(name)))
	$(Q)rm -rf $(B)/withtree && cp -a $(U)/roottree $(B)/withtree
	$(Q)esp/addpackages $(B)/withtree $(call quote,$(WITH_TREE)) esp/root
	$(call say,erofs   $@)
	$(Q)esp/mkroot $(B)/withtree $@
$(B)/with.efi: $(B)/BOOTX64.EFI $(B)/with.img
	$(Q)cp $< $@ && efi/sealroot $@ $(B)/with.img
image: ## bootable disk image, WITH='...' with those Debian packages, SECTOR=4096 for such disks: build/aril.img
	$(if $(WITH),$(Q)esp/getpackages --check $(WITH))
	@$(MAKE) --no-print-directory $(B)/aril.img
$(B)/aril.img: $(if $(WITH),$(B)/with.efi $(B)/with.img,$(B)/BOOTX64.EFI $(U)/root.img) $(U)/BOOTIA32.EFI esp/aril.conf esp/mkimage $(B)/WITH.flags $(B)/SECTOR.flags
	$(call say,image   $@)
	$(Q)esp/mkimage --efi $(word 1,$^) --root $(word 2,$^) --conf esp/aril.conf --ia32 $(U)/BOOTIA32.EFI --sector "$${SECTOR:-512}" $@

iso: $(B)/aril.iso ## the same as a CD that is also a stick (by xorriso): build/aril.iso
$(B)/aril.iso: $(B)/aril.img esp/mkiso
	$(call say,iso     $@)
	$(Q)esp/mkiso $< $@

# ---- on a real machine
DEPS_BOOT := sbsigntool openssl gdisk zbar-tools ovmf-ia32
deps-boot: deps ## install what signing, make iso and tests of firmware, panic screen and core files need
	@$(MAKE) -s --no-print-directory deps DEPS='$(DEPS_BOOT)'
sign: ## sign for Secure Boot: KEY=key.pem CERT=cert.pem [ROOT=root.img] [CONF=aril.conf]: build/signed/
	@$(ALL)
	@esp/sign --efi $(B)/BOOTX64.EFI --root "$${ROOT:-$(U)/root.img}" --conf "$${CONF:-esp/aril.conf}" "$$KEY" "$$CERT" $(B)/signed
usb: ## write the image to a whole removable disk: DEV=/dev/sdX [IMAGE=...] [DRY_RUN=1] [FORCE=1] [CONFIRM=serial]
	@[ -n "$$IMAGE" ] || { sector=$$(esp/usb --sector "$$DEV") && $(MAKE) --no-print-directory image SECTOR="$$sector" </dev/null >&2; }
	@esp/usb "$$DEV" "$${IMAGE:-$(B)/aril.img}"
boot-entry: ## print the command that makes a boot entry: DISK=/dev/sdX PART=1 [OPTIONS='key=value ...']; nothing is run
	@quote() { printf "'%s'" "$$(printf %s "$$1" | sed "s/'/'\\\\''/g")"; }; \
	printf 'efibootmgr --create --disk %s --part %s --label Aril --loader %s%s\n' "$$(quote "$${DISK:-/dev/sdX}")" "$$(quote "$${PART:-1}")" \
		"$$(quote '\EFI\BOOT\BOOTX64.EFI')" "$${OPTIONS:+ --unicode $$(quote "$$OPTIONS")}"

# ---- running
ALL = $(MAKE) --no-print-directory $(if $(filter -j%,$(MAKEFLAGS)),,-j$$(nproc)) all </dev/null >&2
MACHINE = test/machine run $(if $(DEBUG),--debug) $(if $(WITH),--with "$$WITH")
run: ## boot it: a shell on this terminal, or CMD='...'
	@$(ALL)
	@$(MACHINE) $(if $(CMD),-- sh -c "$$CMD")

lab: ## look at your solution of a lab of apps/lab: N=1
	@$(ALL)
	@test/lab run "$$N"
grade: ## say how it stands: N=1
	@$(ALL)
	@test/lab grade "$$N"

pictures: ## apps/fork.svg: a fork's page tables, by `aril map`; apps/forktime.svg: one in time, by `aril trace`
	@$(ALL)
	@test/machine map --fork --svg apps/fork.svg
	@musl-gcc -static -O2 -o $(B)/forkonce test/programs/forkonce.c
	@test/machine trace --icount 4 --add $(B)/forkonce:/bin/forkonce apps/forktime.svg -- forkonce || [ $$? = 7 ]

screenshot: ## esp/screen.png, from the framebuffer
	@$(ALL)
	@test/screenshot esp/screen.png

test: ## the whole suite
	@test/suite
test-all: ## the suite with its slow parts, for an hour at most
	@test/suite --all
fuzz: ## fuzz the decoders of foreign bytes: RUNS=... (a million each)
	@test/fuzz/run --runs "$${RUNS:-1000000}"
reference: ## write kernel/GATE.md out of the ABI's tables
	@kernel/reference >kernel/GATE.md.new && mv kernel/GATE.md.new kernel/GATE.md
mutants: ## remove checks one by one: a test must fail for each
	@test/mutants

deps-pages: ## install what looks at pages of the test suite (Debian's chromium)
	@$(MAKE) -s --no-print-directory deps DEPS='chromium'
deps-prove: ## install what proving needs (Debian's frama-c-base, half a gigabyte)
	@$(MAKE) -s --no-print-directory deps DEPS='frama-c-base'
prove: ## prove that the kernel's counters never wrap, and that each planted mutant raises an alarm
	@test/proof/run

# ---- the command for those who have no checkout
$(B)/aril.1 $(B)/aril.bash &: $(wildcard test/aril/*.py) test/machine test/manual Makefile
	$(call say,manual  $@)
	$(Q)test/manual $(B)
install: ## the command `aril` with its images: PREFIX=/usr/local, DESTDIR=
	@$(ALL)
	@$(MAKE) --no-print-directory -s $(B)/aril.1 $(B)/aril.bash </dev/null >&2
	@test/install $(B) "$${DESTDIR:-}" "$${PREFIX:-/usr/local}"
uninstall: ## remove what `make install` with the same PREFIX and DESTDIR put there
	@test/install --remove "$${DESTDIR:-}" "$${PREFIX:-/usr/local}"
deb: ## the same as a Debian package: build/aril_VERSION_all.deb
	@$(ALL)
	@$(MAKE) --no-print-directory -s $(B)/aril.1 $(B)/aril.bash </dev/null >&2
	@test/deb $(B) $(RELEASE)

# ---- measuring, see test/bench/README.md
deps-bench: deps ## fetch what Aril is measured beside (Debian's cloud kernel, sqlite3) into build/; nothing is installed
	$(call say,get     linux-image-cloud-amd64 sqlite3)
	$(Q)test/bench/getpackages build/pkg-bench
bench: ## the table beside Linux, in seven to ten minutes: build/bench/
	@$(ALL)
	@test/bench/bench
bench-run: ## what a run costs who waits for it, in seconds, beside Debian's kernel in the same QEMU
	@$(ALL)
	@test/bench/run
budget: ## write today's instruction counts to test/bench/budget, which `make test` holds
	@$(ALL)
	@test/bench/bench budget
profile: ## instructions per function of CMD='...' or CMD='row NAME'; each one of CMD='native NAME'
	@$(ALL)
	@test/bench/profile -- "$$CMD"

gdb: ## boot under gdb, with symbols of kernel and library: PROGRAM=FILE runs that with its own, AT='PLACE ...' goes there
	@command -v gdb >/dev/null || { echo "gdb: missing; as root, type: apt-get install gdb" >&2; exit 1; }
	@$(ALL)
	@test/gdb

clean: ## remove what was built (downloaded packages stay)
	@find build -mindepth 1 -maxdepth 1 ! -name 'pkg*' -exec rm -rf {} + 2>/dev/null || true

# `make deps run`, with -j too: first the one, then the other.
ifneq ($(filter deps,$(MAKECMDGOALS)),)
all install deb run test test-all mutants prove bench budget profile gdb image iso sign usb: deps
endif
ifneq ($(filter deps-bench,$(MAKECMDGOALS)),)
bench bench-run: deps-bench
endif

FORCE:
-include $(shell find $(B)/kernel $(B)/efi $(U)/user $(U)/posix $(U)/lab -name '*.d' ! -name solution.d 2>/dev/null)

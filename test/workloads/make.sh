# SPDX-License-Identifier: MIT
# Debian's make: pattern rules, functions, variables, -j2, includes, what is up to date, an error, a recursive make; 200 files.
for i in $(seq 1 100); do echo $i >in$i.txt; done; mkdir sub; printf 'x:\n\t@echo sub $(V) $(MAKELEVEL)\n' >sub/Makefile
cat >Makefile <<'E'
IN := $(sort $(wildcard in*.txt))
OUT := $(IN:in%.txt=out%)
all: total
out%: in%.txt
	@expr $$(cat $<) \* 2 >$@
total: $(OUT)
	@cat $^ | awk '{ s += $$1 } END { print s }' >$@; cat $@
show:
	@echo $(words $(OUT)) $(firstword $(OUT)) $(subst out,X,$(lastword $(OUT))) $(foreach v,a b,[$(v)]) $(if $(NONE),no,yes) $(shell echo from shell) $(patsubst %.c,%.o,p.c q.c)
fail:
	@echo before; exit 3
deep:
	@$(MAKE) --no-print-directory -C sub V=7 x
include more.mk
E
printf 'more: ; @echo made more\n' >more.mk
make -j2; make; make show more deep; touch in5.txt; make -n | wc -l; make; make fail; echo $?; make -k nothing; echo $?; ls out* | wc -l

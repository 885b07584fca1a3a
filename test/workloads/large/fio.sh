# SPDX-License-Identifier: MIT
# fio by each way of input and output that needs no device: what is written in random order is read back and verified.
said() { grep '^3;' | cut -d';' -f3,5,6,47; }
for engine in sync psync pvsync2 mmap libaio posixaio; do
	fio --name=$engine --filename=f --ioengine=$engine --rw=randwrite --bs=4k --size=1m --iodepth=4 --verify=crc32c \
		--randseed=7 --minimal 2>&1 | said
	fio --name=$engine-back --filename=f --ioengine=$engine --rw=read --bs=16k --size=1m --minimal 2>&1 | said
done
for way in --thread --fork; do
	[ $way = --fork ] && way=
	fio --name=jobs$way $way --numjobs=3 --filename_format='j.$jobnum' --ioengine=psync --rw=randrw --rwmixread=50 \
		--bs=4k --size=256k --randseed=3 --norandommap=0 --group_reporting --minimal 2>&1 | grep '^3;' | cut -d';' -f3,5
done
ls -l f j.* | awk '{ print $5, $9 }'
fio --name=nope --ioengine=psync --filename=/nowhere/f --rw=read --size=4k --minimal >/dev/null 2>&1; echo $?

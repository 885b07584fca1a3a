# SPDX-License-Identifier: MIT
# Debian's mount, umount and mountpoint: a tmpfs, in it a bind mount and another, seen by name and by folder.
top=/mounts-$$
shown() { mount | grep "on $top/" | sed "s,$top,TOP,g; s/,inode64//" | sort; }
mkdir -p $top/a $top/b
mount -t tmpfs -o size=1m,mode=750,nosuid mine $top/a
stat -c '%a %U' $top/a
mkdir $top/a/in
echo one >$top/a/in/file
mount --bind $top/a/in $top/b
cat $top/b/file
mount -o bind,noexec $top/a $top/a/in
ls $top/a/in
shown
mountpoint -q $top/b && echo b is one
mountpoint -q $top/a/in && echo in is one
umount $top/a 2>/dev/null || echo busy
mount -o remount,ro $top/b
touch $top/b/file 2>&1 | sed "s,$top,TOP,"
mount -o remount,rw,size=2m $top/a
dd if=/dev/zero of=$top/a/big bs=4k count=600 2>&1 | sed "s,$top,TOP,; /bytes/d"
df -k --output=size,avail $top/a
rm $top/a/big
umount $top/a/in
umount $top/b
shown
mount --move $top/a $top/b
cat $top/b/in/file
umount -l $top/b
mount -t proc proc $top/a && test -e $top/a/self/stat && umount proc
mount -t nosuchkind none $top/a 2>&1 | sed "s,$top,TOP," | head -1
umount $top/a 2>&1 | sed "s,$top,TOP,"
shown
rmdir $top/a $top/b $top

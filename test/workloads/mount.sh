# SPDX-License-Identifier: MIT
# Debian's mount and umount: a tmpfs, in it a bind mount and another, seen by name and by folder.
top=/mounts-$$
shown() { /bin/mount | grep "on $top/" | sed "s,$top,TOP,g; s/,inode64//" | sort; }
mkdir -p $top/a $top/b
/bin/mount -t tmpfs -o size=1m,mode=750,nosuid mine $top/a
/usr/bin/stat -c '%a %U' $top/a
mkdir $top/a/in
echo one >$top/a/in/file
/bin/mount --bind $top/a/in $top/b
cat $top/b/file
/bin/mount -o bind,noexec $top/a $top/a/in
ls $top/a/in
shown
/bin/umount $top/a 2>/dev/null || echo busy
/bin/mount -o remount,ro $top/b
/bin/touch $top/b/file 2>&1 | sed "s,$top,TOP,"
/bin/mount -o remount,rw,size=2m $top/a
dd if=/dev/zero of=$top/a/big bs=4k count=600 2>&1 | sed "s,$top,TOP,; /bytes/d"
/bin/df -k --output=size,avail $top/a
rm $top/a/big
/bin/umount $top/a/in
/bin/umount $top/b
shown
/bin/mount --move $top/a $top/b
cat $top/b/in/file
/bin/umount -l $top/b
/bin/mount -t proc proc $top/a && test -e $top/a/self/stat && /bin/umount $top/a
/bin/umount $top/a 2>&1 | sed "s,$top,TOP,"
shown
rmdir $top/a $top/b $top

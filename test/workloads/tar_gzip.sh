# SPDX-License-Identifier: MIT
# Debian's tar, gzip, bzip2 and xz: 100 kB in a tree, packed, listed, compared, unpacked.
mkdir -p d/e; seq 1 9000 >d/n; seq 1 3 9000 >d/e/m; ln -s n d/l; ln d/n d/hard; touch -d 2020-01-01 d/n d/e/m; chmod 700 d/e
for z in gzip bzip2 xz; do
	tar -c --sort=name --mtime=2020-01-01 --owner=0 --group=0 -f $z.tar --use-compress-program=$z d; tar -tvf $z.tar | sort; mkdir $z; tar -xf $z.tar -C $z; diff -r d $z/d && echo $z same
done
gzip -n -9 <d/n | md5sum; bzip2 -9 <d/n | md5sum; gzip -l gzip.tar | awk 'NR == 1'; gzip -dc gzip.tar | tar -xO d/e/m | md5sum; tar --diff -f gzip.tar -C xz; rm d/e/m; tar --diff -f gzip.tar; echo $?
head -c 500 gzip.tar >cut; gzip -dc cut | wc -c; gzip -t cut; echo $?; tar rf plain.tar d/n; tar --append -f plain.tar d/e; tar tf plain.tar | sort

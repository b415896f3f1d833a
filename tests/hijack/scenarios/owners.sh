# SPDX-License-Identifier: BSD-2-Clause
# needs setpriv tar dpkg-deb sha256sum
# nobody
# A tree of two thousand files of many owners goes into an archive and back, and
# a package is built of files that are given away: by root on the host, and in a
# world by somebody who is nobody outside.
tree() {
	(cd "$1" && find . -type d -printf '%p %y %m %U:%G - %n %T@\n' -o \
	    -printf '%p %y %m %U:%G %s %n %T@ %l\n' | sort)
}

umask 022
mkdir tree
for i in $(seq 40); do
	mkdir "tree/$i"
	(cd "tree/$i" && seq "$i" 50 2000 | split -l 1 -a 3 - f)
	for j in 1 2 3 4 5 6 7 8 9 10; do
		seq "$((i * j))" >"tree/$i/file $j"
	done
	chown -R "$((1000 + i)):$((100 + i % 7))" "tree/$i"
	chmod "$((i % 8))$((i % 6 + 2))$((i % 8))$((i % 5))" "tree/$i/file 1"
	ln -s "file $((i % 10 + 1))" "tree/$i/link"
	chown -h "$i:$i" "tree/$i/link"
	ln "tree/$i/file 2" "tree/$i/again"
	mkfifo -m "$((400 + i % 8))" "tree/$i/fifo"
done
find tree -exec touch -hd '2001-02-03 04:05:06.789' {} +
find tree -type f | wc -l
tar -cf tree.tar --sort=name tree
sha256sum tree.tar
mkdir back
tar -C back -xpf tree.tar
tree tree | grep -v '^\. ' >before
tree back/tree | grep -v '^\. ' >after
# Parts of a second are not in such an archive.
sed -i 's/\.[0-9]\{10\}//' before after
diff before after && echo the same
sha256sum after
tar -tvf tree.tar | sed -n '1~97p'
rm -r tree back
ls

mkdir -p p/DEBIAN p/usr/bin p/usr/share/x p/var/lib/x
printf 'Package: x\nVersion: 1\nArchitecture: all\nMaintainer: a <a@b>\n%s\n' \
    'Description: y' >p/DEBIAN/control
printf '#!/bin/sh\n' >p/DEBIAN/postinst
chmod 755 p/DEBIAN/postinst
echo text >p/usr/share/x/text
cp /bin/true p/usr/bin/x
chown 0:42 p/usr/bin/x
chmod 2755 p/usr/bin/x
chown 33:33 p/var/lib/x
chmod 1770 p/var/lib/x
chown -R 0:50 p/usr/share/x
dpkg-deb --build p x.deb
dpkg-deb -c x.deb | awk '{print $1, $2, $NF}'
dpkg-deb -x x.deb o
tree o | awk '{print $1, $2, $3, $4}'

# SPDX-License-Identifier: BSD-2-Clause
# needs /usr/bin/python3 lsof
# What /proc has of other processes.
# What sh says of who was killed comes now or later.
exec 2>/dev/null
mkdir d
(
	cd d
	exec 3>file 4<.. 5>>gone 7<>/dev/null 8</etc/passwd
	rm gone
	exec sleep 60
) >/dev/null 2>&1 &
first=$!
until [ "$(cat /proc/$!/comm)" = sleep ]; do sleep 0.05; done
for fd in 3 4 7 8; do
	readlink /proc/$!/fd/$fd
done
readlink /proc/$!/cwd /proc/$!/root /proc/$!/fd/99
echo written >/proc/$!/fd/3
cat /proc/$!/cwd/file d/file
stat -L -c '%F %n' /proc/$!/fd/4 | sed 's,/[0-9]*/,/PID/,'
ls /proc/$!/fd/4/
lsof -a -p $! -d 3,4,7,8,cwd 2>/dev/null | awk '{ sub("[rwu]$", "", $4)
    print $1, $4, $NF }'
(cd /proc && exec sleep 60) >/dev/null 2>&1 &
until [ "$(cat /proc/$!/comm)" = sleep ]; do sleep 0.05; done
readlink /proc/$!/cwd
kill $!
wait $!
echo $?
readlink /proc/$!/cwd
ls /proc/1/fd/99
kill $first
wait $first

# Programs that are not the host's, too.
cp /bin/sleep mine
./mine 60 &
until [ "$(cat /proc/$!/comm)" = mine ]; do sleep 0.05; done
readlink /proc/$!/exe
cmp /proc/$!/exe mine && echo the same
[ /proc/$!/exe -ef mine ] && echo one file
mv mine yours
readlink /proc/$!/exe
kill $!
wait $!
readlink /proc/$!/exe
readlink /proc/$$/exe

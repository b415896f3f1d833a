# SPDX-License-Identifier: BSD-2-Clause
# needs tail
# Following files that others append to, rotate and make again.
wait_for() {
	n=0
	until grep -qs "$1" out; do
		n=$((n + 1))
		[ $n -lt 500 ] || { echo "no $1"; cat out; exit 1; }
		sleep 0.02
	done
}
follow() {
	echo first >log
	tail -s "$1" -F log >out 2>&1 &
	wait_for first
	echo second >>log
	wait_for second
	sh -c 'echo by another >>log'
	wait_for another
	ln log log.1
	echo third >new
	mv new log
	wait_for third
	echo 'to the old one' >>log.1
	rm log
	wait_for inaccessible
	echo fourth >log
	wait_for fourth
	: >log
	wait_for truncated
	echo fifth >>log
	wait_for fifth
	kill $!
	# The shell may have a word about it.
	wait $! 2>wait
	cat out
	rm log log.1
}
# tail looks itself in an overlay, everywhere else inotify tells it, and it does
# not wait so many seconds.
mkdir memory
if [ "$(stat -f -c %T .)" = overlayfs ]; then
	mount -t tmpfs none memory
	follow 0.05
else
	follow 99
fi
cd memory
follow 99

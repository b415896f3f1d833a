# SPDX-License-Identifier: BSD-2-Clause
# 77 inotifywait inotifywatch
# The tools of inotify-tools are told what others do.
mkdir -p d/sub
inotifywait -qmr --format '%w %e %f' d >>out 2>err &
watcher=$!
wait_for() {
	n=0
	until grep -qs "$1" out; do
		n=$((n + 1))
		[ $n -lt 500 ] || { echo "no $1"; cat out err; exit 1; }
		[ $n -lt 2 ] || sleep 0.02
		[ -z "$2" ] || : >"$2"
	done
}
# Until it watches.
wait_for begin d/sub/begin
: >out
echo one >d/a
mv d/a d/sub/b
chmod 600 d/sub/b
sh -c 'cat d/sub/b; rm d/sub/b; mkdir d/new'
wait_for new
wait_for 'OPEN,ISDIR'
: >d/new/end
wait_for 'CLOSE.* end'
kill $watcher
# The shell may have a word about it.
wait $watcher 2>err
grep -v 'd/sub/ .* begin' out
(sleep 0.3; echo >>d/new/end) &
inotifywait -q -t 20 -e modify d/new/end
echo $?
inotifywait -q -t 1 -e modify d/new/end
echo $?
inotifywait -q nowhere
echo $?

# SPDX-License-Identifier: BSD-2-Clause
# needs vim.tiny tmux
# A file is edited on a terminal: what the screen shows, and what was written.
export TMUX_TMPDIR="$PWD" SHELL=/bin/sh
unset TMUX

screen() {
	tmux -f /dev/null capture-pane -p
}
keys() {
	tmux -f /dev/null send-keys "$@"
}
# A text that is on the screen sooner or later.
await() {
	until screen | grep -q "$1"; do
		sleep 0.05
	done
	echo "* $1"
	screen
}

seq 30 >text
tmux -f /dev/null new-session -d -x 80 -y 24 \
    'vim.tiny -u NONE -i NONE -N text; echo "left with $?"; exec cat'
await '^23$'
keys 5G dd /17 Enter 'cwseventeen and é' Escape
keys Go 'the end' Escape ggO 'the beginning' Escape
keys :%s/2/two/g Enter
await substitutions
keys u :w Enter
await written
keys :.,+3d Enter p :%!sort Enter
await 'lines filtered'
keys :wq Enter
await 'left with'
tmux -f /dev/null kill-server
cat text
ls -A

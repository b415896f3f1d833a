# SPDX-License-Identifier: BSD-2-Clause
# needs /usr/bin/python3 flock sh
# Who has been waited for has nothing left: no lock, no file, no directory.
/usr/bin/python3 - <<'END'
import fcntl, os, signal, subprocess
signal.alarm(60)
def child(*how):
    r, w = os.pipe(); pid = os.fork()
    if pid == 0:
        f = open("lock", "w"); fcntl.flock(f, fcntl.LOCK_EX)
        g = open("range", "w"); fcntl.lockf(g, fcntl.LOCK_EX)
        os.write(w, b"x")
        for what in how:
            what()
    os.read(r, 1); os.close(r); os.close(w)
    return pid
def free():
    with open("lock", "w") as f, open("range", "w") as g:
        fcntl.flock(f, fcntl.LOCK_EX | fcntl.LOCK_NB)
        fcntl.lockf(g, fcntl.LOCK_EX | fcntl.LOCK_NB)
for i in range(100):
    pid = child(signal.pause); os.kill(pid, signal.SIGKILL)
    if i % 2:
        print(os.waitpid(pid, 0)[1], end=" ")
    else:
        w = os.waitid(os.P_PID, pid, os.WEXITED)
        print(w.si_status, w.si_code == os.CLD_KILLED, end=" ")
    free()
    pid = child(lambda: os._exit(3)); print(os.waitpid(pid, 0)[1], end=" "); free()
print()
# One that sleeps in a call when it is killed.
f = open("other", "w"); fcntl.flock(f, fcntl.LOCK_EX)
pid = child(lambda: fcntl.flock(open("other", "w"), fcntl.LOCK_EX))
os.kill(pid, signal.SIGTERM); print(os.wait()[1]); free()
# Not there yet, stopped, not to be taken.
pid = child(signal.pause)
print(os.waitpid(-1, os.WNOHANG), os.waitid(os.P_ALL, 0, os.WEXITED | os.WNOHANG))
os.kill(pid, signal.SIGSTOP)
print(os.WIFSTOPPED(os.waitpid(pid, os.WUNTRACED)[1])); os.kill(pid, signal.SIGKILL)
print(os.waitid(os.P_ALL, 0, os.WEXITED | os.WNOWAIT).si_status)
print(os.wait4(pid, 0)[1]); free()
try:
    os.wait()
except ChildProcessError as e:
    print(e)
END
# Only in a world (where root can mount): what others were in can be unmounted.
mkdir m
if [ "$(stat -f -c %T .)" = overlayfs ]; then
	for i in 1 2 3 4 5 6 7 8 9 10; do
		mount -t tmpfs none m
		(cd m && exec sleep 9) &
		kill -9 $!
		wait $!
		(cd m && sh -c 'exec true')
		umount m || echo busy
	done 2>&1 | grep busy
fi
ls m

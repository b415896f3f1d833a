# SPDX-License-Identifier: BSD-2-Clause
# needs /usr/bin/python3
# Whoever watches files is told what others do to them, however he waits.
cat >watch.py <<'END'
import ctypes, errno, fcntl, os, select, signal, struct, subprocess, termios, time
signal.alarm(60)
libc = ctypes.CDLL(None, use_errno=True)
def watch(fd, path, mask):
    r = libc.inotify_add_watch(fd, path.encode(), mask)
    return r if r >= 0 else errno.errorcode[ctypes.get_errno()]
NAMES = ["ACCESS", "MODIFY", "ATTRIB", "CLOSE_WRITE", "CLOSE_NOWRITE", "OPEN",
         "MOVED_FROM", "MOVED_TO", "CREATE", "DELETE", "DELETE_SELF",
         "MOVE_SELF"]
def show(data):
    while data:
        wd, mask, cookie, n = struct.unpack("iIII", data[:16])
        name = data[16:16 + n].rstrip(b"\0").decode()
        print(wd, "|".join(name for i, name in enumerate(NAMES)
                           if mask >> i & 1), hex(mask & ~0xfff), bool(cookie), name)
        data = data[16 + n:]
def ready():
    return bool(select.select([fd], [], [], 0)[0])
def pending():
    return struct.unpack("i", fcntl.ioctl(fd, termios.FIONREAD, b"1234"))[0]

os.mkdir("d"); os.symlink("d", "link"); open("d/old", "w").write("old")
fd = libc.inotify_init1(os.O_NONBLOCK | os.O_CLOEXEC)
print(os.get_inheritable(fd), watch(fd, "d", 0xfff & ~1), watch(fd, "none", 2),
      watch(fd, "d/old", 2 | 0x20000000), watch(99, "d", 2), watch(0, "d", 2),
      watch(fd, "d", 0), watch(fd, "link", 2 | 0x02000000))
print(ready(), pending())
try:
    os.read(fd, 999)
except BlockingIOError:
    print("nothing")
subprocess.run(["sh", "-c", """echo a >d/a; mv d/a d/b; chmod 600 d/b; ln d/b d/c
    rm d/b; mkdir d/e; rmdir d/e; echo >>d/old; cat d/old; touch -d @1 d/old"""])
print(ready(), pending() > 100)
try:
    os.read(fd, 10)
except OSError as e:
    print(e)
first = os.read(fd, 32); print(len(first), ready()); show(first)
show(os.read(fd, 9999)); print(ready(), pending())
print(libc.inotify_rm_watch(fd, 2), libc.inotify_rm_watch(fd, 2))
show(os.read(fd, 999))

# poll, epoll, blocking reads, dup, fork.
p = select.epoll(); p.register(fd, select.EPOLLIN | select.EPOLLET)
print(p.poll(0))
child = subprocess.Popen(["sh", "-c", "sleep 0.3; echo >d/late; sleep 0.3; rm d/late"])
q = select.poll(); q.register(fd, select.POLLIN)
print(q.poll(5000) == [(fd, select.POLLIN)], p.poll(0) == [(fd, select.EPOLLIN)], p.poll(0))
time.sleep(0.1); show(os.read(fd, 9999)); print(q.poll(0))
twin = os.dup(fd); os.set_blocking(fd, True)
show(os.read(twin, 9999)); child.wait()
signal.signal(signal.SIGALRM, lambda *a: print("alarm"))
signal.setitimer(signal.ITIMER_REAL, 0.2)
pid = os.fork()
if pid == 0:
    time.sleep(0.5); os.rename("d/old", "d/new"); os._exit(0)
both = os.read(fd, 9999); os.wait()  # it may come between the two
show(both + (os.read(fd, 9999) if ready() else b""))
print(q.poll(0)); os.rename("d/new", "d/old")
os.set_inheritable(fd, True)
subprocess.run(["/usr/bin/python3", "-c", f"""
import os, select
print(select.select([{fd}], [], [], 0)[0] == [{fd}], len(os.read({fd}, 999)),
      select.select([{fd}], [], [], 0)[0])"""], close_fds=False)
os.unlink("d/old"); os.unlink("d/c"); os.rmdir("d"); show(os.read(fd, 9999))
os.close(fd); print(ready.__name__, q.poll(0) != [] and bool(select.select([twin], [], [], 0)[0]))
END
/usr/bin/python3 watch.py
# Nobody reads what is told of a file whose watcher was killed.
/usr/bin/python3 -c '
import ctypes, os
libc = ctypes.CDLL(None); fd = libc.inotify_init()
print(libc.inotify_add_watch(fd, b".", 0xfff)); os.kill(os.getpid(), 9)'
echo $?
touch new; ls

# SPDX-License-Identifier: BSD-2-Clause
# needs /usr/bin/python3
# Descriptors of files are sent to other processes: they are the same open file.
seq 1000 >read
/usr/bin/python3 - <<'END'
import array, fcntl, os, signal, socket, subprocess, sys, tempfile, time
signal.alarm(60)

# Where a file is, flags, several at once, pipes among them, close-on-exec.
a, b = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
read = os.open("read", os.O_RDONLY); os.read(read, 100)
twin = os.dup(read)
made = os.open("made", os.O_RDWR | os.O_CREAT | os.O_APPEND); os.write(made, b"one")
folder = os.open(".", os.O_RDONLY | os.O_DIRECTORY)
gone = os.open("gone", os.O_RDWR | os.O_CREAT); os.unlink("gone")
pipe = os.pipe()
socket.send_fds(a, [b"all"], [read, made, folder, gone, *pipe])
for fd in read, made, folder, gone:
    os.close(fd)
pid = os.fork()
if pid == 0:
    data, fds, flags, _ = socket.recv_fds(b, 99, 10)
    print(data, len(fds), flags)
    print(os.read(fds[0], 20), [os.get_inheritable(fd) for fd in fds])
    os.write(fds[1], b"two"); print(os.fstat(fds[1]).st_size)
    print(sorted(os.listdir(fds[2])), os.stat("made", dir_fd=fds[2]).st_size)
    os.write(fds[3], b"unnamed"); print(os.pread(fds[3], 99, 0))
    os.write(fds[5], b"through"); print(os.read(fds[4], 99))
    print(os.readlink(f"/proc/self/fd/{fds[1]}")[-5:],
          fcntl.fcntl(fds[1], fcntl.F_GETFL) & os.O_APPEND != 0)
    os.set_inheritable(fds[0], True); sys.stdout.flush()
    os.execvp("sh", ["sh", "-c", f"head -n 2 <&{fds[0]}"])
print(os.waitpid(pid, 0)[1], os.lseek(twin, 0, os.SEEK_CUR) > 120)

# What is only looked at is there again; what nobody takes goes.
f = tempfile.TemporaryFile(dir=".")
socket.send_fds(a, [b"x"], [f.fileno()] * 3)
(_, _, peeked), = b.recvmsg(9, socket.CMSG_SPACE(12), socket.MSG_PEEK)[1]
print(len(peeked))
for fd in array.array("i", peeked):
    os.close(fd)
data, fds, _, _ = socket.recv_fds(b, 9, 9)
os.write(fds[0], b"same"); print(os.pread(f.fileno(), 9, 0), len(set(fds)))
for fd in fds:
    os.close(fd)
fcntl.flock(f, fcntl.LOCK_EX)
with open("lock", "w") as lock:
    fcntl.flock(lock, fcntl.LOCK_EX)
    socket.send_fds(a, [b"lock"], [lock.fileno()])
with open("lock") as lock:
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB); print("not kept")
    except BlockingIOError:
        print("kept")
    a.close(); b.close()
    for _ in range(200):
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB); print("gone")
            break
        except BlockingIOError:
            time.sleep(0.01)

# As many as go, and one more; truncated; closed ones.
a, b = socket.socketpair()
for n in 253, 254:
    try:
        socket.send_fds(a, [b"x"], [f.fileno()] * n)
    except OSError as e:
        print(n, e.errno)
data, fds, flags, _ = socket.recv_fds(b, 9, 5)
print(len(fds), flags == socket.MSG_CTRUNC)
try:
    socket.send_fds(a, [b"x"], [f.fileno(), 999])
except OSError as e:
    print(e)

# By name, to a process that was there before.
s = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM); s.bind("name")
child = subprocess.Popen([sys.executable, "-c", """
import os, socket
c = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM); c.connect("name")
with open("by name", "w+") as f:
    f.write("sent"); f.flush()
    socket.send_fds(c, [b"fd"], [f.fileno()])
"""])
_, fds, _, _ = socket.recv_fds(s, 9, 9); child.wait()
print(os.pread(fds[0], 9, 0), os.lseek(fds[0], 0, os.SEEK_CUR))
END
/usr/bin/python3 - <<'END'
# multiprocessing sends them by itself.
import multiprocessing as m, multiprocessing.reduction as r, os
def child(c):
    fd = r.recv_handle(c); os.write(fd, b"from the child"); c.send("done")
m.set_start_method("fork")
here, there = m.Pipe()
p = m.Process(target=child, args=(there,)); p.start()
f = open("work", "wb+"); r.send_handle(here, f.fileno(), p.pid)
print(here.recv(), f.seek(0), f.read()); p.join()
END
ls

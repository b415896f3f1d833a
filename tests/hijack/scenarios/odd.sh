# SPDX-License-Identifier: BSD-2-Clause
# needs /usr/bin/python3
# Calls that are seldom made: on descriptors with O_PATH, by links of /proc that
# are not to be followed, between the kernel and the host.
/usr/bin/python3 - <<'END'
import ctypes
import errno
import fcntl
import os
import select
import struct
libc = ctypes.CDLL(None, use_errno=True)
libc.syscall.restype = ctypes.c_long
CWD, OPENAT2 = -100, 437


def call(what, function, *args):
    try:
        print(what, function(*args))
    except OSError as e:
        print(what, errno.errorcode[e.errno])


def openat2(path, flags, resolve):
    how = struct.pack("QQQ", flags, 0, resolve)
    fd = libc.syscall(OPENAT2, CWD, path.encode(), how, len(how))
    if fd == -1:
        return errno.errorcode[ctypes.get_errno()]
    where = os.readlink("/proc/self/fd/%d" % fd)
    os.close(fd)
    return os.path.basename(where)


with open("f", "w") as f:
    f.write("text")
os.mkdir("d")
os.symlink("f", "l")

IOCTLS = {"TCGETS": 0x5401, "TIOCGPGRP": 0x540f, "TIOCGWINSZ": 0x5413,
          "FIONREAD": 0x541b, "FIONBIO": 0x5421, "FIONCLEX": 0x5450,
          "FIOCLEX": 0x5451, "FIGETBSZ": 2, "none": 0x12345}
PATH = os.O_PATH
for name, flags in (("f", PATH), ("d", PATH), ("l", PATH | os.O_NOFOLLOW),
                    ("/etc/passwd", PATH), ("/dev/null", PATH),
                    ("f", os.O_RDWR), ("d", os.O_RDONLY)):
    fd = os.open(name, flags)
    copy = os.dup(fd)
    print(name, hex(flags), os.get_inheritable(fd))
    for at in fd, copy:
        for what, cmd in IOCTLS.items():
            call(what, lambda: bool(fcntl.ioctl(at, cmd, bytes(64)))
                 if flags == PATH else len(fcntl.ioctl(at, cmd, bytes(64))))
    poll = select.poll()
    poll.register(fd, select.POLLIN)
    call("poll", lambda: [events for _, events in poll.poll(0)])
    call("select", lambda: len(select.select([fd], [], [], 0)[0]))
    call("epoll", select.epoll().register, fd)
    os.set_inheritable(fd, True)
    print(os.get_inheritable(fd), os.fstat(fd).st_mode == os.stat(
        name, follow_symlinks=flags & os.O_NOFOLLOW == 0).st_mode)
    if os.fork() == 0:
        os.execv("/usr/bin/python3", ["python3", "-c", """
import errno, fcntl
try:
    print(fcntl.ioctl(%d, 0x5401, bytes(64)))
except OSError as e:
    print(errno.errorcode[e.errno])
""" % fd])
    os.wait()
    os.close(fd)
    os.close(copy)

fd = os.open("f", os.O_RDONLY)
XDEV, MAGIC, LINKS, BENEATH, ROOT = 1, 2, 4, 8, 16
for path in ("/proc/self/fd/%d" % fd, "/proc/%d/fd/%d" % (os.getpid(), fd),
             "/dev/fd/%d" % fd, "/proc/self/cwd/f", "/proc/self/exe",
             "/proc/self/root/etc/passwd", "f", "l"):
    for resolve in 0, XDEV, MAGIC, LINKS, BENEATH, MAGIC | XDEV:
        print(path.replace(str(os.getpid()), "PID"), resolve,
              openat2(path, os.O_RDONLY, resolve))

for old in "/proc/none", "/dev/none/none", "none", "/proc/version":
    call("link " + old, os.link, old, "new")
    call("linkat " + old, lambda: os.link(old, "new", follow_symlinks=True))
    call("rename " + old, os.rename, old, "new")
for new in ("/dev/shm/rump-none/new", "/dev/none", "/dev/null",
            "/proc/version/none"):
    call("link to " + new, os.link, "f", new)
    call("rename to " + new, os.rename, "f", new)
call("link", os.link, "none", "/dev/shm/rump-new")
os.chdir("/proc")
call("link", os.link, "none", "/tmp/rump-new")
call("link", os.link, "version", "/tmp/rump-new")
END

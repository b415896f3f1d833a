# SPDX-License-Identifier: BSD-2-Clause
# needs /usr/bin/python3
# Files without a name get one by their links in /proc and by their descriptors;
# calls on descriptors of other kinds than they are for.
/usr/bin/python3 - <<'END'
import ctypes
import os
import platform
libc = ctypes.CDLL(None, use_errno=True)
CWD, FOLLOW, EMPTY = -100, 0x400, 0x1000


def call(name, *args):
    r = getattr(libc, name)(*args)
    print(name, r, os.strerror(ctypes.get_errno()) if r == -1 else "")


def show(*names):
    for name in names:
        if os.path.exists(name):
            sb = os.stat(name)
            print(name, oct(sb.st_mode), sb.st_nlink, open(name).read())
        else:
            print(name, "is not there")


fd = os.open(".", os.O_TMPFILE | os.O_RDWR, 0o640)
os.write(fd, b"text")
link = b"/proc/self/fd/%d" % fd
call("linkat", CWD, link, CWD, b"a", FOLLOW)
call("linkat", CWD, link, CWD, b"a", FOLLOW)
call("linkat", CWD, b"/dev/fd/%d" % fd, CWD, b"b", FOLLOW)
call("linkat", fd, b"", CWD, b"c", EMPTY)
call("linkat", CWD, link, CWD, b"d", 0)
show("a", "b", "c", "d")
excl = os.open(".", os.O_TMPFILE | os.O_RDWR | os.O_EXCL, 0o600)
call("linkat", CWD, b"/proc/self/fd/%d" % excl, CWD, b"f", FOLLOW)
named = os.open("a", os.O_RDONLY)
call("linkat", CWD, b"/proc/%d/fd/%d" % (os.getpid(), named), CWD, b"g",
     FOLLOW)
os.unlink("a")
call("linkat", CWD, b"/proc/self/fd/%d" % named, CWD, b"h", FOLLOW)
show("a", "b", "f", "g", "h")
for name in "b", "c", "g", "h":
    if os.path.exists(name):
        os.unlink(name)
call("linkat", CWD, b"/proc/self/fd/%d" % named, CWD, b"i", FOLLOW)
show("i")

r, w = os.pipe()
out = os.open("out", os.O_RDWR | os.O_CREAT)
os.write(w, b"in the pipe")
call("sendfile", out, r, None, 100)
off = ctypes.c_long(0)
call("sendfile", out, r, ctypes.byref(off), 100)
print(os.read(r, 100), os.fstat(out).st_size)
UTIMENSAT = 280 if platform.machine() == "x86_64" else 88
OMIT = (ctypes.c_long * 4)(0, 0x3ffffffe, 0, 0x3ffffffe)
NOW = (ctypes.c_long * 4)(0, 0x3fffffff, 0, 0x3fffffff)
libc.syscall.restype = ctypes.c_long
for times in OMIT, NOW:
    for flags in 0, 0x100:
        call("syscall", UTIMENSAT, out, None, times, flags)
END

# SPDX-License-Identifier: BSD-2-Clause
# needs /usr/bin/python3
# Access control lists say who may use a file, and what is made gets them.
/usr/bin/python3 - <<'END'
import errno
import os
import struct

NAMES = ["system.posix_acl_access", "system.posix_acl_default"]
NOBODY = 0xffffffff


def entries(*entries):
    return struct.pack("<I", 2) + b"".join(
        struct.pack("<HHI", *entry) for entry in entries)


def call(what, function, *args):
    try:
        print(what, function(*args))
    except OSError as e:
        print(what, errno.errorcode[e.errno])


VALUE = entries((1, 6, NOBODY), (2, 6, 1234), (4, 4, NOBODY), (16, 6, NOBODY),
                (32, 0, NOBODY))
open("f", "w").close()
os.mkdir("d")
for path in "f", "d":
    for name in NAMES:
        call(path, os.setxattr, path, name, VALUE)
        call(path, os.getxattr, path, name)
os.chmod("d", 0o777)
os.umask(0o77)
open("d/f", "w").close()
os.mkdir("d/d")
for path in "f", "d/f", "d/d":
    print(path, oct(os.stat(path).st_mode), sorted(os.listxattr(path)))
if os.geteuid() == 0:
    for uid in 1234, 1235:
        if os.fork() == 0:
            os.setgroups([])
            os.setresgid(1235, 1235, 1235)
            os.setresuid(uid, uid, uid)
            for path in "f", "d/f":
                call(uid, lambda: os.close(os.open(path, os.O_RDWR)))
            os._exit(0)
        os.wait()
os.chmod("f", 0o604)
call("f", os.getxattr, "f", NAMES[0])
os.removexattr("f", NAMES[0])
print(oct(os.stat("f").st_mode), os.listxattr("f"))
END

# SPDX-License-Identifier: BSD-2-Clause
# needs setpriv id /usr/bin/python3
# Root becomes somebody else in steps, with what it needs for that kept.
[ "$(id -u)" = 0 ] || exit 0
setpriv --reuid=man --regid=man --init-groups id
setpriv --reuid=65534 --regid=65534 --groups=3,4 sh -c 'id; echo x >made; echo >/etc/x'
setpriv --reuid=man --regid=man --clear-groups sh -c 'id -G; cat /etc/shadow'
/usr/bin/python3 - <<'END'
import ctypes, os
libc = ctypes.CDLL(None)
print(libc.prctl(8, 1, 0, 0, 0))
os.setresuid(6, 6, 6); print(os.getresuid(), os.getuid(), os.geteuid())
for call in lambda: os.open("/etc/shadow", os.O_RDONLY), lambda: os.seteuid(7):
    try:
        call(); print("was let")
    except PermissionError as e:
        print(e)
print(os.popen("id -u; setpriv --dump | grep -i effective").read())
END
/usr/bin/python3 - <<'END'
import os
os.setresuid(6, 6, 6)
try:
    os.setresgid(5, 5, 5)
except PermissionError as e:
    print(e)
END

# SPDX-License-Identifier: BSD-2-Clause
# needs /usr/bin/python3
# splice and sendfile, between files and pipes: offsets, flags, what cannot
# be; copy_file_range.
cat >copies.py <<'END'
import errno, os
open("f","w").write("0123456789"); f=os.open("f",os.O_RDWR); d=os.open(".",0); g=os.open("g",os.O_RDWR|os.O_CREAT); ap=os.open("h",os.O_WRONLY|os.O_CREAT|os.O_APPEND); w=os.open("h",os.O_WRONLY)
r, p=os.pipe(); os.set_blocking(p,False); os.set_blocking(r,False)
def t(name, fn):
    try: print(name, fn())
    except OSError as e: print(name, errno.errorcode[e.errno])
for off in (0,-1,3,100):
  for fl in (0,1,2,0xf,0x10):
    t(f"splice out {off} {fl}", lambda: os.splice(f,p,4,offset_src=off,flags=fl))
    t(f"splice in {off} {fl}", lambda: os.splice(r,g,2,offset_dst=off,flags=fl))
while True:
    try: os.read(r,100)
    except OSError: break
t("wronly", lambda: os.sendfile(p, w, 0, 4))
t("dirin", lambda: os.sendfile(p, d, 0, 4))
t("splice off pipe", lambda: os.splice(f,p,4,offset_dst=1))
t("splice file file", lambda: os.splice(f,g,4))
t("splice 0", lambda: os.splice(f,p,0))
t("splice append", lambda: (os.write(p,b"x"),os.splice(r,ap,1)))
t("splice wronly", lambda: os.splice(w,p,1))
t("splice rdonly", lambda: (os.write(p,b"x"),os.splice(r,os.open("f",0),1)))
t("splice dir", lambda: os.splice(d,p,1))
for none in 99, -1:
    for off in 0, 100:
        t(f"sendfile {none} {off}", lambda: os.sendfile(none, f, off, 4))
        t(f"sendfile from {none}", lambda: os.sendfile(g, none, off, 4))
    t(f"copy to {none}", lambda: os.copy_file_range(f, none, 4))
    t(f"copy from {none}", lambda: os.copy_file_range(none, g, 4))
t("sendfile to a reader", lambda: os.sendfile(r, f, 100, 4))
t("sendfile to a reader", lambda: os.sendfile(r, d, 0, 4))
t("lseek", lambda: os.lseek(f,0,1))
print(os.pread(g,99,0))
END
/usr/bin/python3 copies.py

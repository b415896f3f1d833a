# SPDX-License-Identifier: BSD-2-Clause
# needs /usr/bin/python3 gcc dash sleep
# What is executed is not written to, and what is written to is not executed.
cat >busy.py <<'END'
import errno, mmap, os, shutil, signal, subprocess, threading, time
signal.alarm(60)
def trial(f, *args):
    try:
        r = f(*args)
        if f is os.open:
            os.close(r)
        return "ok"
    except OSError as e:
        return errno.errorcode[e.errno]
def opened(path, *flags):
    return " ".join(trial(os.open, path, f) for f in flags)
def executed(*args):
    try:
        return subprocess.run(args, stdin=subprocess.DEVNULL).returncode
    except OSError as e:
        return errno.errorcode[e.errno]
def program(name, source="/bin/sleep"):
    shutil.copy(source, name)
    os.chmod(name, 0o755)
def started(*args):
    child = subprocess.Popen(args, stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    # execve has succeeded: that is why Popen returns.
    return child
def ended(child, how=signal.SIGKILL):
    child.send_signal(how)
    child.communicate()
W, RW, R = os.O_WRONLY, os.O_RDWR, os.O_RDONLY
T, C = os.O_TRUNC, os.O_CREAT

program("p")
p = started("./p", "50")
print(opened("p", W, RW, R, os.O_PATH, 3, R | T, W | C | T, W | C | os.O_EXCL))
print(trial(os.truncate, "p", 9), trial(os.truncate, "p", os.stat("p").st_size),
      trial(os.truncate, "p", -1), trial(os.chmod, "p", 0o755),
      trial(os.utime, "p"), os.access("p", os.W_OK))
os.link("p", "q"); print(opened("q", W)); os.rename("q", "r"); print(opened("r", W))
os.unlink("p"); print(opened("r", W), executed("./r", "0"), opened("r", W))
print(opened(f"/proc/{p.pid}/exe", W, R))
ended(p); print(opened("r", W, RW, R | T), os.stat("r").st_size)

# By whom it is executed.
program("p", "/bin/dash")
p = started("./p", "-c", "exec 3<&0; ./p -c 'echo; read x <&3' & echo; exec sleep 50")
p.stdout.readline(); p.stdout.readline()
print("child", opened("p", W)); ended(p)
p = started("./p", "-c", "exec 3<&0; (echo; read x <&3) & echo; kill -9 $$")
p.stdout.readline(); p.stdout.readline(); p.wait()
print("fork", opened("p", W)); p.communicate()
p = started("./p", "-c", "exec /bin/sh -c 'echo; read x'")
p.stdout.readline(); print("exec", opened("p", W)); p.communicate()
for i in range(200):
    assert executed("./p", "-c", "exit 3" if i % 2 else "kill -9 $$") in (3, -9)
    assert opened("p", W) == "ok", i
pid = os.posix_spawn("./p", ["p", "-c", "exit 0"], {}); os.waitpid(pid, 0)
print("spawn", opened("p", W))
open("t.c", "w").write("""
#include <pthread.h>
#include <stdio.h>
#include <unistd.h>
static void *f(void *a) { puts("x"); fflush(stdout); getchar(); _exit(0); return a; }
int main(void) { pthread_t t; pthread_create(&t, 0, f, 0); pthread_exit(0); }""")
subprocess.check_call(["gcc", "-pthread", "-o", "t", "t.c"])
p = started("./t"); p.stdout.readline()
print("thread", opened("t", W)); p.communicate(); print(opened("t", W))

# What is written to.
for how in W, RW, W | os.O_APPEND, 3, R:
    fd = os.open("p", how); print(how, executed("./p", "-c", "exit 5")); os.close(fd)
fd = os.open("p", W); twin = os.dup(fd); os.close(fd)
print("dup", executed("./p")); os.close(twin)
fd = os.open("p", W); pid = os.fork()
if pid == 0:
    time.sleep(0.3); os._exit(0)
os.close(fd); print("child", executed("./p")); os.wait(); print(executed("./p"))
for prot in mmap.PROT_READ, mmap.PROT_READ | mmap.PROT_WRITE:
    fd = os.open("p", RW); m = mmap.mmap(fd, 0, mmap.MAP_SHARED, prot)
    os.close(fd); print("mapped", executed("./p")); m.close()
    print(executed("./p"))
fd = os.open("new", W | C, 0o755); os.write(fd, open("/bin/true", "rb").read())
print("new", executed("./new")); os.close(fd); print(executed("./new"))
open("junk", "w").write("junk"); os.chmod("junk", 0o755)
print(executed("./junk"), opened("junk", W))
fd = os.memfd_create("x"); os.write(fd, open("/bin/true", "rb").read())
print("memfd", executed(f"/proc/{os.getpid()}/fd/{fd}")); os.close(fd)

# Scripts and interpreters.
open("s", "w").write("#!./p\necho\nread x\n"); os.chmod("s", 0o755)
p = started("./s"); p.stdout.readline()
print("script", opened("s", W), opened("p", W)); p.communicate()
for name in "s", "p":
    fd = os.open(name, W); print(executed("./s")); os.close(fd)
program("ld", os.path.realpath("/lib64/ld-linux-x86-64.so.2"))
subprocess.check_call(["gcc", "-pthread", "-Wl,--dynamic-linker=./ld", "-o", "t", "t.c"])
p = started("./t"); p.stdout.readline()
print("interpreter", opened("ld", W), opened("t", W)); p.communicate()
fd = os.open("ld", W); print(executed("./t")); os.close(fd)

# In other places, and of a lower layer.
os.makedirs("m")
in_world = subprocess.run(["stat", "-f", "-c", "%T", "."], stdout=subprocess.PIPE
                          ).stdout == b"overlayfs\n"
if in_world:
    subprocess.check_call(["mount", "-t", "tmpfs", "none", "m"])
program("m/p"); p = started("m/p", "50"); print(opened("m/p", W))
if in_world and os.system("umount m 2>/dev/null") == 0:
    print("unmounted")
ended(p); print(opened("m/p", W))
if in_world:
    os.system("umount m")
    p = started("/bin/sleep", "50")
    if opened("/bin/sleep", W, R | T) != "ETXTBSY ETXTBSY":
        print("lower")
    if opened("/bin/true", W) != "ok":
        print("other")
    ended(p)
    if opened("/bin/sleep", W) != "ok":
        print("lower")
    os.makedirs("b"); subprocess.check_call(["mount", "--bind", ".", "b"])
    p = started("b/p", "-c", "read x")
    if opened("p", W) != "ETXTBSY" or opened("b/p", W) != "ETXTBSY":
        print("bind")
    p.communicate()
    if opened("p", W) != "ok":
        print("bind")
    os.system("umount b")
END
/usr/bin/python3 busy.py

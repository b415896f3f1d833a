# SPDX-License-Identifier: BSD-2-Clause
# needs bash /usr/bin/python3
# Limits of memory are the program's, without what an engine needs; a call that
# the host is asked another one for is made again as what it was.  The limit of
# the size of files holds for those of the kernel, too.
(
	ulimit -v 2000000
	ls / | wc -l
	bash -c 'ulimit -v; ulimit -Hv; x=$(ulimit -v); echo $x'
	/usr/bin/python3 - <<-'END'
		import ctypes, resource, subprocess
		print(subprocess.run(["sh", "-c", "ulimit -v"], close_fds=False))
		print(resource.getrlimit(resource.RLIMIT_AS))
		try:
		    bytearray(2 << 30)
		except MemoryError:
		    print("no memory")
		resource.setrlimit(resource.RLIMIT_AS, (1 << 30, 3 << 29))
		print(subprocess.check_output(["bash", "-c",
		                               "ulimit -v; ulimit -Hv"]))
		try:
		    resource.setrlimit(resource.RLIMIT_AS, (1 << 31, 1 << 30))
		except ValueError as e:
		    print(e)
	END
)
/usr/bin/python3 - <<'END'
import ctypes, os, signal, subprocess
libc = ctypes.CDLL(None, use_errno=True)
print(libc.mlockall(3), libc.munlockall(), libc.mlockall(0))
with open("/proc/self/status") as f:
    resident, = [line.split()[1] for line in f if "VmRSS" in line]
print(int(resident) < 1 << 20)
os.mkfifo("fifo")
signal.signal(signal.SIGALRM, lambda *a: print("alarm"))
signal.siginterrupt(signal.SIGALRM, False)
signal.setitimer(signal.ITIMER_REAL, 0.2)
writer = subprocess.Popen(["sh", "-c", "sleep 0.5; echo through >fifo"])
OPEN = 2
fd = libc.syscall(OPEN, b"fifo", os.O_RDONLY, 0)
print(fd >= 0 or os.strerror(ctypes.get_errno()))
print(os.read(fd, 99))
END
(
	ulimit -S -f 4
	ulimit -f
	head -c 9999 /dev/zero >long; echo $?
	stat -c %s long
	(trap "" XFSZ; head -c 9999 /dev/zero; echo more) >ignored
	echo $?
	stat -c %s ignored
	ulimit -S -f unlimited
	head -c 9999 /dev/zero >whole && stat -c %s whole
)
/usr/bin/python3 - <<'END'
import os, resource, signal
signal.signal(signal.SIGXFSZ, lambda *a: print("too large"))
resource.setrlimit(resource.RLIMIT_FSIZE, (10, resource.RLIM_INFINITY))
fd = os.open("some", os.O_RDWR | os.O_CREAT)
print(os.write(fd, b"eight by"), os.write(fd, b"and more"))
for call in lambda: os.write(fd, b"x"), lambda: os.ftruncate(fd, 11):
    try:
        call()
    except OSError as e:
        print(e)
print(os.fstat(fd).st_size)
END

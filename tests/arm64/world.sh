# SPDX-License-Identifier: BSD-2-Clause
# What a world of `rump run' has to be able to do.
seq 100 | sort -rn | head -3 | tr 0-9 a-j
printf 'one\ntwo\nthree\n' >f
mkdir -p d/e && cp f d/e/g && mv d/e/g d/h && ln -s ../f d/l && ln f k
ls -R; cat d/l; wc -c <d/h; stat -c '%h %s %a %F' k d d/l; sha256sum f k
chmod 640 k; stat -c %a f; rm -r d; ls; df . >/dev/null; echo $?
busybox sh -c 'busybox seq 5 | busybox sort -r | busybox head -2
    busybox ls; busybox cat f | busybox wc -l; exec busybox echo static'
i=0
while [ $i -lt 20 ]; do
	i=$((i + 1))
	/bin/true || echo fork
done
(exit 7)
echo $?
sh -c 'kill -TERM $$'
echo $?
sh -c 'trap "echo caught; exit 4" USR1; kill -USR1 $$; sleep 5'
echo $?
# Whether the shell says that it was killed is a matter of time.
sh -c 'sleep 30 & kill $!; wait $!; echo $?' 2>/dev/null
timeout 0.2 sleep 5
echo $?
nowhere 2>/dev/null
echo $?
printf '#!/bin/sh\necho script $0 $1\n' >s
chmod +x s
./s a
python3 - <<'END'
import os, subprocess, threading
def work(i):
    for k in range(5):
        with open(f"t{i}", "a") as f:
            f.write(f"{i} {k}\n")
threads = [threading.Thread(target=work, args=(i,)) for i in range(20)]
for t in threads:
    t.start()
for t in threads:
    t.join()
print(sum(os.path.getsize(f"t{i}") for i in range(20)))
print(subprocess.check_output(["cat", "t3"]), os.uname().machine)
pid = os.fork()
if pid == 0:
    os.execv("/bin/cat", ["cat", "t4"])
print(os.waitpid(pid, 0)[1])
END
rm -f t* f k s

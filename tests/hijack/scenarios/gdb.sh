# SPDX-License-Identifier: BSD-2-Clause
# 77 gdb gcc
# A debugger that starts programs: where they stop, and what it says of them.
cat >a.c <<'END'
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>
static int counter;
static int leaf(int n)
{
	counter += n;
	printf("leaf %d\n", n);
	fflush(stdout);
	if (n == 3)
		abort();
	return n;
}
static int middle(int n)
{
	return leaf(n) + 1;
}
static void here(void)
{
	write(1, "here\n", 5);
}
int main(int argc, char **argv)
{
	const char *what = argc > 1 ? argv[1] : "";
	int status, s = 0, i;
	if (strcmp(what, "exec") == 0)
		execl("/bin/echo", "echo", "executed", NULL);
	if (strstr(what, "fork") != NULL && fork() == 0) {
		here();
		_exit(4);
	}
	if (strstr(what, "fork") != NULL) {
		wait(&status);
		/* Nobody waits for a parent that is not traced any more. */
		if (strcmp(what, "fork") == 0)
			here();
		return WEXITSTATUS(status);
	}
	if (strcmp(what, "abort") == 0)
		middle(3);
	for (i = 0; i < 2; i++)
		s += middle(i);
	/* Memory that is not there is for the call to find out. */
	if (access((char *)8, F_OK) == 0)
		return 9;
	return s;
}
END
gcc -w -g -O0 -o a a.c
gcc -w -g -O0 -static -o static a.c
debug() {
	echo "== $*"
	# Addresses and numbers are others, and so is what threads are called.
	gdb -nx -batch -ex 'set breakpoint pending on' "$@" 2>&1 </dev/null |
	    sed 's/process [0-9]* */process N /g; s/0x[0-9a-f]\{6,\}/X/g
		s/LWP [0-9]*/LWP N/g; /^.*libthread_db/d; /pthread_kill.c/d
		/^.Detaching after fork from child/d'
}
debug -ex 'break leaf' -ex run -ex bt -ex c -ex bt -ex delete -ex c ./a
debug -ex 'set startup-with-shell off' -ex 'break main' -ex run -ex next \
    -ex next -ex next -ex 'break middle' -ex c -ex step -ex bt -ex finish \
    -ex 'print counter' -ex kill ./a
debug -ex 'break leaf' -ex run -ex bt -ex c -ex delete -ex c ./static
debug -ex 'starti' -ex 'break main' -ex c -ex 'watch counter' -ex c -ex bt \
    -ex delete -ex c ./a
debug -ex 'break here' -ex run -ex bt -ex c --args ./a fork
debug -ex 'set follow-fork-mode child' -ex 'break here' -ex run -ex bt -ex c \
    --args ./a forked
debug -ex 'catch exec' -ex run -ex 'info inferiors' -ex c --args ./a exec
debug -ex 'break main' -ex run -ex run -ex bt -ex c ./a
debug -ex run -ex 'info program' /bin/true
# With a frame of the engine's.
debug -ex run -ex bt --args ./a abort | sed 's/^#[0-9]* *//' |
    grep -E '== |SIG|leaf|middle|main'
[ "$(uname -m)" = x86_64 ] || exit 0
# Steps, and breakpoints where calls are.
cat >st.S <<'END'
	.globl _start
_start:	mov $39,%eax
	syscall
before:	mov $1,%eax
	mov $1,%edi
	lea msg(%rip),%rsi
	mov $3,%edx
call:	syscall
after:	mov %rax,%rbx
	mov $57,%eax
	syscall
	test %eax,%eax
	jz child
	mov $61,%eax
	mov $-1,%rdi
	xor %esi,%esi
	xor %edx,%edx
	xor %r10d,%r10d
	syscall
	mov $231,%eax
	mov $7,%edi
	syscall
child:	mov $60,%eax
	mov $3,%edi
	syscall
msg:	.ascii "hi\n"
END
gcc -g -nostdlib -static -o st st.S
debug -ex 'break before' -ex run -ex 'stepi 4' -ex "x/i \$pc" -ex stepi \
    -ex "x/i \$pc" -ex "print \$rax" -ex stepi -ex stepi -ex "x/i \$pc" \
    -ex stepi -ex "x/i \$pc" -ex stepi -ex c ./st
debug -ex 'break call' -ex 'break after' -ex run -ex stepi -ex stepi -ex c ./st
debug -ex starti -ex 'stepi 2' -ex "x/i \$pc" -ex 'stepi 6' -ex c ./st

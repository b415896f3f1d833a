/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What execve says when it cannot, and what a program sees of itself when it
 * can.  Works in the current directory, which is its own.
 */
#include <elf.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/auxv.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/utsname.h>
#include <sys/wait.h>
#include <unistd.h>

extern char **environ;
extern const char __executable_start[];

static void
make(const char *name, const char *text, size_t n, mode_t mode)
{
	int fd = open(name, O_WRONLY | O_CREAT | O_TRUNC, 0600);

	if (fd < 0 || write(fd, text, n) != (ssize_t)n || fchmod(fd, mode) != 0)
		printf("%s: %s\n", name, strerror(errno));
	close(fd);
}

static void
end(pid_t pid)
{
	int status;

	waitpid(pid, &status, 0);
	printf("-> %d\n", status);
}

static void
try(const char *name, ...)
{
	char *argv[] = {"zero", "one", "two three", NULL};
	pid_t pid;

	printf("%.40s: ", name);
	fflush(stdout);
	pid = fork();
	if (pid == 0) {
		execv(name, argv);
		printf("%s\n", strerror(errno));
		exit(1);
	}
	end(pid);
}

static void
make_script(const char *name, const char *text)
{
	make(name, text, strlen(text), 0755);
}

/* Before Linux 6.14 nobody can ask whether a program is being written to. */
static int
host_tells_busy(void)
{
	struct utsname name;
	int major = 0, minor = 0;

	uname(&name);
	sscanf(name.release, "%d.%d", &major, &minor);
	return major > 6 || (major == 6 && minor >= 14);
}

static void
test_errors(void)
{
	char text[8192], name[8192];
	Elf64_Ehdr *eh = (Elf64_Ehdr *)text;
	int fd;

	make("plain", "text\n", 5, 0755);
	make("noexec", "#!/bin/sh\n", 10, 0644);
	make("empty", "", 0, 0755);
	mkdir("dir", 0755);
	mkfifo("fifo", 0755);
	try("nowhere");
	try("plain/under");
	try("plain");
	try("noexec");
	try("empty");
	try("dir");
	try("fifo");
	try("/dev/null");
	try("");
	memset(name, 'a', sizeof(name));
	name[sizeof(name) - 1] = '\0';
	try(name);
	name[300] = '\0';
	try(name);
	if (symlink("loop", "loop") == 0)
		try("loop");
	/* Executables that are none. */
	fd = open("/proc/self/exe", O_RDONLY);
	if (read(fd, text, sizeof(text)) != sizeof(text))
		printf("short\n");
	close(fd);
	make("short", text, 70, 0755);
	try("short");
	eh->e_machine = EM_S390;
	make("foreign", text, sizeof(text), 0755);
	try("foreign");
	make("busy", "#!/bin/echo\n", 12, 0755);
	fd = open("busy", O_WRONLY);
	if (host_tells_busy())
		try("busy");
	close(fd);
	try("busy");
	printf("bad pointer: %ld", syscall(SYS_execve, 16L, NULL, NULL));
	printf(" %d\n", errno);
	printf(
	    "bad arguments: %ld", syscall(SYS_execve, "/bin/true", 16L, NULL));
	printf(" %d\n", errno);
}

static void
test_scripts(void)
{
	char cwd[1024], text[2048];

	if (getcwd(cwd, sizeof(cwd)) == NULL)
		return;
	make_script("s1", "#!/bin/echo first  and  more \nexit\n");
	try("s1");
	try("./s1");
	make_script("s2", "#! \t /bin/echo\n");
	try("s2");
	make_script("s3", "#!/bin/echo");
	try("s3");
	make_script("s4", "#!\n");
	try("s4");
	make_script("s5", "#!/nowhere/at/all\n");
	try("s5");
	snprintf(text, sizeof(text), "#!%s/s1 outer\n", cwd);
	make_script("s6", text);
	try("s6");
	make_script("s7", "#!s8\n");
	make_script("s8", "#!s7\n");
	try("s7");
	memset(text, 'x', sizeof(text));
	memcpy(text, "#!/", 3);
	text[sizeof(text) - 1] = '\0';
	make_script("s9", text);
	try("s9");
	memset(text, 'x', sizeof(text));
	memcpy(text, "#!/bin/echo ", 12);
	text[sizeof(text) - 1] = '\0';
	make_script("s10", text);
	try("s10");
	make_script("s11", "#!dir\n");
	try("s11");
	make_script("s12", "#!noexec\n");
	try("s12");
}

static void
exec_fd(int fd, const char *what)
{
	char *argv[] = {"fd", "x", NULL};
	pid_t pid;

	printf("%s: ", what);
	fflush(stdout);
	pid = fork();
	if (pid == 0) {
		fexecve(fd, argv, environ);
		printf("%s\n", strerror(errno));
		exit(1);
	}
	end(pid);
	close(fd);
}

static void
test_fexecve(void)
{
	int fd;

	exec_fd(open("/bin/echo", O_RDONLY), "fexecve");
	exec_fd(open("/bin/echo", O_RDONLY | O_CLOEXEC), "fexecve, cloexec");
	exec_fd(open("/bin/echo", O_PATH | O_CLOEXEC), "fexecve, path");
	exec_fd(open("s1", O_RDONLY), "script");
	exec_fd(open("s1", O_RDONLY | O_CLOEXEC), "script, cloexec");
	exec_fd(open("dir", O_RDONLY), "directory");
	fd = memfd_create("some", 0);
	if (write(fd, "#!/bin/echo memory\n", 19) == 19)
		exec_fd(fd, "memory");
	exec_fd(10000, "no descriptor");
}

/* Says what it is, as itself: execs "zero self". */
static int
self(char **argv)
{
	char link[4096], name[16] = "";
	ssize_t n = readlink("/proc/self/exe", link, sizeof(link));
	const Elf64_Phdr *ph = (const void *)getauxval(AT_PHDR);

	printf("argv %s %s\n", argv[0], argv[1]);
	printf("exe %.*s\n", (int)n, n > 0 ? link : "");
	printf("execfn %s\n", (char *)getauxval(AT_EXECFN));
	prctl(PR_GET_NAME, name);
	printf("name %s\n", name);
	printf("headers %d %d\n", ph->p_type == PT_PHDR,
	    (const char *)ph > __executable_start &&
		(const char *)ph < __executable_start + 4096);
	printf("sbrk %d\n", sbrk(4096) != (void *)-1 && brk(sbrk(0)) == 0);
	printf("secure %lu pagesize %lu\n", getauxval(AT_SECURE),
	    getauxval(AT_PAGESZ));
	for (int fd = 3; fd < 32768; fd++) {
		if (fcntl(fd, F_GETFD) >= 0)
			printf("descriptor %d is open\n", fd);
	}
	printf("aligned %d\n", (int)((unsigned long)(argv - 1) % 16));
	fflush(stdout);
	n = open("/proc/self/cmdline", O_RDONLY);
	n = read((int)n, link, sizeof(link));
	for (int i = 0; i < n; i++)
		putchar(link[i] == '\0' ? ' ' : link[i]);
	printf("\n");
	return 0;
}

int
main(int argc, char **argv)
{
	char path[4096];
	pid_t pid;

	if (argc > 1 && strcmp(argv[1], "self") == 0)
		return self(argv);
	setvbuf(stdout, NULL, _IOLBF, 0);
	if (realpath(argv[0], path) == NULL)
		return 1;
	test_errors();
	test_scripts();
	test_fexecve();
	fflush(stdout);
	pid = fork();
	if (pid == 0) {
		execl(path, "zero", "self", NULL);
		_exit(1);
	}
	end(pid);
	return 0;
}

/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The loader: what the host executes.  Its arguments say what program is meant;
 * it maps it and its interpreter, makes the stack look as if the host had
 * executed the program, and goes there.  The first one installs the filter,
 * and executes the program as any other would.
 */
#include <linux/auxvec.h>
#include <linux/elf.h>
#include <linux/fcntl.h>
#include <linux/mman.h>
#include <linux/personality.h>
#include <linux/prctl.h>
#include <linux/stat.h>

#include <stdatomic.h>

#include "hijack/engine.h"
#include "hosterrors.h"

#define NERRORS	  ((long)(sizeof(hj_errors) / sizeof(hj_errors[0])))
#define PIE_RANGE (1UL << 28) /* pages */

struct hj_control *hj_control;
int hj_threaded;
char hj_exepath[HJ_PATHMAX];
int hj_exeset;

/* The first thread and its stack. */
struct {
	char stack[HJ_STACKSIZE];
	struct hj_thread thread;
} hj_stack0 __attribute__((aligned(HJ_STACKALIGN)));

static struct hj_proc proc0;

struct auxv {
	unsigned long a_type;
	unsigned long a_value;
};

/* What the host laid out, and we change. */
struct stack {
	unsigned long *sp; /* argc, arguments, environment, auxiliary vector */
	long argc;
	char **argv;
	char **envp;
	struct auxv *auxv;
	size_t nauxv;	   /* with the end */
	unsigned long end; /* of the strings of the environment */
	/* With a kernel: who we are there is still to be learned. */
	int learns;
	int asked;
	const char *name;
	uint8_t token[SP_TOKEN];
};

/* Who has brought the engine, as far as it is known. */
static const char *
who(void)
{
	return hj_control != NULL && hj_has_rules() ? "librumphijack: "
						    : "rump run: ";
}

/* Tell whoever started us, and end. */
void
hj_fail(const char *what, const char *path, long error)
{
	char text[HJ_PATHMAX + 256], *p = hj_append(text, who());
	size_t n = HJ_MIN(hj_strlen(path), HJ_PATHMAX);

	memcpy(p, path, n);
	p = hj_append(hj_append(hj_append(p + n, ": "), what), ": ");
	if (error < NERRORS && hj_errors[error] != NULL)
		p = hj_append(p, hj_errors[error]);
	else
		p = hj_number(hj_append(p, "errno "), (unsigned long)error);
	*p++ = '\n';
	hj_raw3(__NR_write, 2, text, p - text);
	for (;;)
		hj_raw1(__NR_exit_group, error == ENOENT ? 127 : 126);
}

static void
stack_read(struct stack *s, unsigned long *sp)
{
	s->sp = sp;
	s->argc = (long)sp[0];
	s->argv = (char **)(sp + 1);
	s->envp = s->argv + s->argc + 1;
	for (s->auxv = (struct auxv *)s->envp; *(char **)s->auxv != NULL;)
		s->auxv = (struct auxv *)((char **)s->auxv + 1);
	s->auxv = (struct auxv *)((char **)s->auxv + 1);
	for (s->nauxv = 1; s->auxv[s->nauxv - 1].a_type != AT_NULL;)
		s->nauxv++;
}

/* Without the first two arguments, which leaves the stack aligned. */
static void
stack_shift(struct stack *s)
{
	s->sp += 2;
	s->argv += 2;
	s->argc -= 2;
	s->sp[0] = (unsigned long)s->argc;
}

static void
auxv_set(struct stack *s, unsigned long type, unsigned long value)
{
	for (size_t i = 0; i < s->nauxv; i++) {
		if (s->auxv[i].a_type == type)
			s->auxv[i].a_value = value;
	}
}

static unsigned long
auxv_get(const struct stack *s, unsigned long type)
{
	for (size_t i = 0; i < s->nauxv; i++) {
		if (s->auxv[i].a_type == type)
			return s->auxv[i].a_value;
	}
	return 0;
}

/* The program finds no vDSO: its calls must come to us. */
static void
auxv_drop(struct stack *s, unsigned long type)
{
	for (size_t i = 0; i < s->nauxv; i++) {
		if (s->auxv[i].a_type == type)
			s->auxv[i].a_type = AT_IGNORE;
	}
}

/* Where the host would put a program that can be anywhere. */
static unsigned long
random_base(void)
{
	unsigned long n = 0;

	if ((hj_raw1(__NR_personality, 0xffffffff) & ADDR_NO_RANDOMIZE) == 0)
		hj_raw3(__NR_getrandom, &n, sizeof(n), 0);
	return HJ_PIE_BASE + n % PIE_RANGE * HJ_PAGE;
}

static void
control_map(int fd)
{
	long r = hj_raw6(__NR_mmap, 0, sizeof(struct hj_control),
	    PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);

	if (HJ_FAILED(r))
		hj_fail("no control page", "loader", -r);
	hj_control = (struct hj_control *)r;
	if (hj_control->hc_magic != HJ_MAGIC ||
	    hj_control->hc_version != HJ_VERSION)
		hj_fail("not its control page", "loader", EINVAL);
}

/* Let the host show the program where it would show the loader. */
static void
tell_host(struct stack *s, unsigned long end, const struct hj_image *image)
{
	struct prctl_mm_map map = {.start_code = auxv_get(s, AT_PHDR),
	    .end_code = end,
	    .start_data = auxv_get(s, AT_PHDR),
	    .end_data = end,
	    .start_brk = end,
	    .brk = end,
	    .start_stack = (uintptr_t)s->sp,
	    .arg_start = (uintptr_t)s->argv[0],
	    .arg_end = (uintptr_t)s->envp[0],
	    .env_start = (uintptr_t)s->envp[0],
	    .env_end = s->end,
	    .auxv = (void *)s->auxv,
	    .auxv_size = (uint32_t)(s->nauxv * sizeof(s->auxv[0])),
	    .exe_fd = (uint32_t)image->i_fd};

	if (s->envp[0] == NULL) {
		map.arg_end = map.env_end;
		map.env_start = map.env_end;
	}
	if (s->argc == 0)
		map.arg_start = map.arg_end;
	/* Debuggers find our image there; the program finds none. */
	auxv_set(s, AT_SYSINFO_EHDR, HJ_BASE);
	hj_exeset = hj_raw5(__NR_prctl, PR_SET_MM, PR_SET_MM_MAP, &map,
			sizeof(map), 0) == 0;
	if (!hj_exeset) {
		map.exe_fd = (uint32_t)-1;
		hj_raw5(
		    __NR_prctl, PR_SET_MM, PR_SET_MM_MAP, &map, sizeof(map), 0);
	}
	auxv_drop(s, AT_SYSINFO_EHDR);
}

static void
note_path(int fd)
{
	char link[32];
	long n;

	hj_fd_link(link, fd);
	n = hj_raw4(__NR_readlinkat, AT_FDCWD, link, hj_exepath,
	    sizeof(hj_exepath) - 1);
	hj_exepath[n > 0 ? n : 0] = '\0';
}

/* Who the program is, as the C library wants to know it at once. */
static void
auxv_ids(struct stack *s, const struct sp_fds *ids)
{
	auxv_set(s, AT_UID, ids->sf_uid);
	auxv_set(s, AT_EUID, ids->sf_euid);
	auxv_set(s, AT_GID, ids->sf_gid);
	auxv_set(s, AT_EGID, ids->sf_egid);
	auxv_set(s, AT_SECURE,
	    ids->sf_uid != ids->sf_euid || ids->sf_gid != ids->sf_egid);
}

/* Begin a program in the session, of which there may be a connection. */
static void
ask(struct hj_thread *t, struct stack *s, const uint8_t *token, int connected)
{
	s->name = hj_basename(s->argv[1]);
	memcpy(s->token, token, SP_TOKEN);
	s->asked = connected && hj_fd_ask(t, s->name) == 0;
	s->learns = 1;
}

/* The answer, before anybody else wants to know. */
static void
learn(struct hj_thread *t, struct stack *s)
{
	struct sp_fds ids;

	if (!s->learns)
		return;
	s->learns = 0;
	if (!s->asked || hj_fd_learn(t, 1, &ids) != 0) {
		hj_kernel_exec(t, s->token, s->name);
		hj_fd_learn(t, 0, &ids);
	}
	/* Set-id bits: others may look elsewhere. */
	if (ids.sf_euid != 0)
		hj_lower_forget(t);
	if (!hj_has_rules())
		auxv_ids(s, &ids);
}

static unsigned long
load(struct stack *s, int fd, int interpfd)
{
	struct hj_image image, interp;
	unsigned long end, interpend, entry;
	long bias, base = 0;
	const char *name = (const char *)auxv_get(s, AT_EXECFN);
	int error = hj_image_open(hj_current(), fd, interpfd, &image);

	if (error != 0)
		hj_fail("cannot be executed", name, error);
	bias = hj_image_map(&image, random_base(), &end);
	if (HJ_FAILED(bias))
		hj_fail("cannot be mapped", name, -bias);
	entry = image.i_entry + (unsigned long)bias;
	auxv_set(s, AT_PHDR, image.i_phaddr + (unsigned long)bias);
	auxv_set(s, AT_PHNUM, image.i_phnum);
	auxv_set(s, AT_ENTRY, entry);
	if (image.i_interpfd >= 0) {
		error =
		    hj_image_open(hj_current(), image.i_interpfd, -1, &interp);
		base =
		    error != 0 ? -error : hj_image_map(&interp, 0, &interpend);
		if (HJ_FAILED(base))
			hj_fail("interpreter cannot be mapped", name, -base);
		entry = interp.i_entry + (unsigned long)base;
		hj_raw1(__NR_close, image.i_interpfd);
	}
	learn(hj_current(), s);
	auxv_set(s, AT_BASE, (unsigned long)base);
	if ((image.i_stackflags & PF_X) != 0)
		hj_raw3(__NR_mprotect, (unsigned long)s->sp & ~(HJ_PAGE - 1),
		    HJ_PAGE,
		    PROT_READ | PROT_WRITE | PROT_EXEC | PROT_GROWSDOWN);
	tell_host(s, end, &image);
	if (!hj_exeset && (!hj_has_kernel() || hj_has_rules()) &&
	    hj_exepath[0] == '\0')
		note_path(fd);
	hj_raw1(__NR_close, fd);
	return entry;
}

/* The loader's arguments: numbers, between blanks; what follows them. */
static char *
parse_control(char *text, unsigned long *n)
{
	for (int i = 0; i < 3; i++) {
		char *end = text;

		while (*end != '\0' && *end != ' ')
			end++;
		if (*end != '\0')
			*end++ = '\0';
		if (hj_getnumber(text, &n[i]) != 0)
			hj_fail("is started by rump run", "loader", EINVAL);
		text = end;
	}
	return text;
}

/* The same from here on: a blank and a number. */
static const char *
parse_number(const char *text, uint64_t *n)
{
	*n = 0;
	for (text += *text == ' '; *text >= '0' && *text <= '9'; text++)
		*n = *n * 10 + (uint64_t)(*text - '0');
	return text;
}

/* The rest: the session that goes on, a limit, the program's path. */
static void
resume(
    struct hj_thread *t, struct stack *s, const char *text, unsigned long flags)
{
	uint64_t carried[HJ_NCARRIED];
	uint8_t token[SP_TOKEN] = {0};
	int i;

	for (i = 0; i < 2 * SP_TOKEN && text[i] != '\0'; i++)
		token[i / 2] = (uint8_t)(token[i / 2] << 4 |
					 (text[i] <= '9' ? text[i] - '0'
							 : text[i] - 'a' + 10));
	if (text[i] != ' ')
		hj_fail("is started by rump run", "loader", EINVAL);
	text = parse_number(text + i, &t->t_proc->p_nofile);
	for (i = 0; i < HJ_NCARRIED; i++)
		text = parse_number(text, &carried[i]);
	hj_append(hj_exepath, text + (*text == ' '));
	t->t_proc->p_hostcwd = (flags & HJ_EXEC_HOSTCWD) != 0;
	t->t_proc->p_renewed = (flags & HJ_EXEC_RENEWED) != 0;
	if (t->t_proc->p_renewed)
		hj_fd_held(t);
	t->t_proc->p_locks = (flags & HJ_EXEC_LOCKS) != 0;
	ask(t, s, token,
	    (flags & HJ_EXEC_CONNECTED) != 0 &&
		hj_kernel_adopt(t, token, carried) == 0);
}

/*
 * The first loader: from here on all calls are caught.  The program's file.
 * What needs no kernel is done before there is one.
 */
static int
first(struct hj_thread *t, struct stack *s)
{
	const char *path = s->argv[1];
	uint8_t token[SP_TOKEN];
	int fd = -1;
	long r;

	hj_filter_install();
	if (hj_has_kernel()) {
		hj_fd_holder();
		t->t_proc->p_hostcwd = (uint32_t)hj_has_rules();
		hj_kernel_first(t, hj_basename(path));
	}
	r = hj_exec_open(t, path, &fd, hj_exepath);
	if (r == HJ_SCRIPT)
		r = -hj_exec(t, AT_FDCWD, path, 0, (unsigned long)(s->argv + 2),
		    (unsigned long)s->envp);
	if (r != 0)
		hj_fail("cannot be executed", path, r);
	if (hj_has_kernel()) {
		memcpy(token, t->t_proc->p_spc.cl_token, SP_TOKEN);
		ask(t, s, token, 1);
		learn(t, s);
	}
	return fd;
}

/* From the first instruction: the stack is the host's. */
unsigned long
hj_main(unsigned long *sp)
{
	struct hj_thread *t = &hj_stack0.thread;
	struct stack s = {0};
	unsigned long n[3], entry;
	char *rest;

	t->t_self = t;
	t->t_stack = (unsigned long)t;
	t->t_proc = &proc0;
	t->t_alt.ss_flags = SS_DISABLE;
	hj_thread_set(t);
	stack_read(&s, sp);
	if (auxv_get(&s, AT_PAGESZ) != HJ_PAGE)
		hj_fail("pages of this size are unknown", "loader", ENOEXEC);
	if (s.argc < 2)
		hj_fail("is started by rump run", "loader", EINVAL);
	rest = parse_control(s.argv[0], n);
	control_map((int)n[0]);
	hj_self_detach();
	hj_signal_init(t);
	if ((n[2] & HJ_EXEC_FIRST) != 0)
		n[1] = (unsigned long)first(t, &s);
	for (int i = 0; i < 3; i++) {
		if ((n[2] & HJ_EXEC_BLOCKED << i) != 0)
			t->t_held |= HJ_SIGBIT(hj_ours[i]);
		if ((n[2] & HJ_EXEC_IGNORED << i) != 0)
			proc0.p_actions[hj_ours[i]].sa_handler =
			    (unsigned long)SIG_IGN;
	}
	t->t_nnp = (n[2] & HJ_EXEC_NNP) != 0;
	if (hj_has_kernel() && (n[2] & HJ_EXEC_FIRST) == 0)
		resume(t, &s, rest, n[2]);
	__atomic_fetch_add(&hj_control->hc_execs, 1, __ATOMIC_RELAXED);
	s.end = auxv_get(&s, AT_EXECFN);
	auxv_set(&s, AT_EXECFN, (unsigned long)s.argv[1]);
	hj_raw2(__NR_prctl, PR_SET_NAME, hj_basename(s.argv[1]));
	stack_shift(&s);
	hj_vdso_init(auxv_get(&s, AT_SYSINFO_EHDR));
	entry = load(&s, (int)n[1], (int)(n[2] >> HJ_EXEC_INTERP) - 1);
	hj_regs_start(t, entry, (unsigned long)s.sp);
	hj_trace_begin(entry, (unsigned long)s.sp);
	return 0;
}

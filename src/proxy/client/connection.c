/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The connection of librumpclient: made, lost and got back, and what becomes
 * of it around fork and exec.
 *
 * Who makes it again has conn_lock, and signals of the host blocked while he
 * works, but not while he waits for another try: a handler that makes calls
 * then gets ENOTCONN, because it could wait for itself.
 */
#include "proxy/client/client.h"

#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <stdnoreturn.h>
#include <string.h>
#include <sys/prctl.h>
#include <time.h>

#include <rump/rump.h>
#include <rump/rumpclient.h>

#define SESSION_VARIABLE "RUMPCLIENT_SESSION"
#define RETRY_NSEC	 50000000 /* between two tries */
#define RESUME_SECONDS	 1	  /* the same, without a call */
#define RESUME_TRIES	 60
#define EXEC_TRIES	 100 /* until the old program's calls have ended */

extern char **environ;

_Atomic uint32_t client_generation;

static pthread_mutex_t conn_lock = PTHREAD_MUTEX_INITIALIZER;
static _Thread_local bool conn_mine; /* this thread has conn_lock */
static struct url conn_url;	     /* conn_lock */
static _Atomic bool conn_made;	     /* there has been one */
static _Atomic int64_t conn_retry = RUMPCLIENT_RETRYCONN_ONCE;

static int
fail(int error)
{
	if (error == 0)
		return 0;
	errno = error;
	return -1;
}

/*
 * The lock
 */

static bool
conn_enter(sigset_t *old)
{
	sigset_t all;

	sigfillset(&all);
	(void)pthread_sigmask(SIG_SETMASK, &all, old);
	if (conn_mine) {
		(void)pthread_sigmask(SIG_SETMASK, old, NULL);
		return false;
	}
	(void)pthread_mutex_lock(&conn_lock);
	conn_mine = true;
	return true;
}

static void
conn_exit(const sigset_t *old)
{
	conn_mine = false;
	(void)pthread_mutex_unlock(&conn_lock);
	(void)pthread_sigmask(SIG_SETMASK, old, NULL);
}

void
client_conn_forked(void)
{
	/* Another thread's, which the child does not have. */
	if (!conn_mine)
		(void)pthread_mutex_init(&conn_lock, NULL);
}

/*
 * Connecting
 */

static int
conn_open(enum sp_hello_kind kind, const uint8_t *token)
{
	char name[16] = "";
	struct spc_hello sh = {.sh_kind = kind,
	    .sh_token = token,
	    .sh_pid = (int)getpid(),
	    .sh_name = name};
	int error;

	(void)prctl(PR_GET_NAME, name);
	error = spc_connect(&client, &conn_url, &sh);
	if (error == 0 && kind != SP_H_RESUME)
		atomic_fetch_add_explicit(
		    &client_generation, 1, memory_order_relaxed);
	if (error == 0)
		atomic_store_explicit(&conn_made, true, memory_order_relaxed);
	return error;
}

static int
conn_server(void)
{
	const char *text = getenv("RUMP_SERVER");

	return text == NULL ? ENOENT : url_parse(text, &conn_url);
}

/* A token in letters, two for each byte.  False if it is none. */
static bool
token_parse(const char *text, uint8_t token[SP_TOKEN])
{
	unsigned byte;
	int i;

	if (strlen(text) != 2 * SP_TOKEN)
		return false;
	for (i = 0; i < SP_TOKEN; i++) {
		if (sscanf(text + 2 * i, "%2x", &byte) != 1)
			return false;
		token[i] = (uint8_t)byte;
	}
	return true;
}

static void
conn_pause(void)
{
	struct timespec ts = {0, RETRY_NSEC};

	(void)nanosleep(&ts, NULL);
}

/* What the program before this one was, if it has left word. */
static int
conn_inherit(void)
{
	const char *text = getenv(SESSION_VARIABLE);
	uint8_t token[SP_TOKEN];
	int error, tries = 0;

	if (text == NULL || !token_parse(text, token))
		return ESTALE;
	(void)unsetenv(SESSION_VARIABLE);
	while ((error = conn_open(SP_H_EXEC, token)) == EBUSY &&
	       ++tries < EXEC_TRIES)
		conn_pause();
	return error;
}

static int
conn_init(void)
{
	sigset_t old;
	int error;

	if (!conn_enter(&old))
		return ENOTCONN;
	error = 0;
	if (client.cl_state != SPC_ON && (error = conn_server()) == 0 &&
	    conn_inherit() != 0)
		error = conn_open(SP_H_NEW, NULL);
	conn_exit(&old);
	return error;
}

RUMP_EXPORT int
rumpclient_init(void)
{
	return fail(conn_init());
}

RUMP_EXPORT const char *
rumpclient_reason(void)
{
	return client_reason[0] != '\0' ? client_reason : NULL;
}

RUMP_EXPORT int
rump_init(void)
{
	return conn_init();
}

/*
 * Getting it back
 */

RUMP_EXPORT int
rumpclient_setconnretry(time_t retry)
{
	if (retry < RUMPCLIENT_RETRYCONN_DIE)
		return fail(EINVAL);
	atomic_store_explicit(&conn_retry, retry, memory_order_relaxed);
	return 0;
}

/* The session, or a new one if the server knows no more of it. */
static int
conn_again(void)
{
	uint8_t token[SP_TOKEN];
	int error;

	memcpy(token, client.cl_token, sizeof(token));
	error = conn_open(SP_H_RESUME, token);
	return error == ESTALE ? conn_open(SP_H_NEW, NULL) : error;
}

static noreturn void
conn_die(void)
{
	fprintf(stderr, "rumpclient: the connection to the server is lost\n");
	_exit(1);
}

int64_t
client_now(void)
{
	struct timespec ts;

	(void)clock_gettime(CLOCK_MONOTONIC, &ts);
	return (int64_t)ts.tv_sec * 1000000000 + ts.tv_nsec;
}

/* Try again, as the program has told us to.  conn_lock. */
static int
conn_retries(const sigset_t *old)
{
	int64_t retry = atomic_load_explicit(&conn_retry, memory_order_relaxed);
	int64_t until = client_now() + (retry > 0 ? retry : 0) * 1000000000;
	sigset_t all;

	sigfillset(&all);
	while (conn_again() != 0) {
		if (retry == RUMPCLIENT_RETRYCONN_DIE)
			conn_die();
		if (retry != RUMPCLIENT_RETRYCONN_INFTIME &&
		    (retry < 0 || client_now() >= until))
			return ENOTCONN;
		(void)pthread_sigmask(SIG_SETMASK, old, NULL);
		conn_pause();
		(void)pthread_sigmask(SIG_SETMASK, &all, NULL);
	}
	return 0;
}

int
client_reconnect(uint32_t generation)
{
	sigset_t old;
	int error = 0;

	if (!conn_enter(&old))
		return ENOTCONN;
	/* Somebody may have done it meanwhile; a fork's child has none. */
	if (client.cl_state == SPC_OFF)
		error = ENOTCONN;
	else if (client.cl_state != SPC_ON &&
		 generation == atomic_load_explicit(
				   &client_generation, memory_order_relaxed)) {
		spc_disconnect(&client);
		error = conn_retries(&old);
	}
	conn_exit(&old);
	return error;
}

/* False if there is nothing to get back any more. */
static bool
resume_once(uint32_t generation)
{
	uint8_t token[SP_TOKEN];
	sigset_t old;
	int error = 0;

	if (!conn_enter(&old))
		return false;
	if (client.cl_state == SPC_GONE &&
	    generation == atomic_load_explicit(
			      &client_generation, memory_order_relaxed)) {
		spc_disconnect(&client);
		memcpy(token, client.cl_token, sizeof(token));
		error = conn_open(SP_H_RESUME, token);
	}
	conn_exit(&old);
	return error != 0 && error != ESTALE;
}

void
client_resume(uint32_t generation)
{
	struct timespec ts = {RESUME_SECONDS, 0};
	int tries = 0;

	while (resume_once(generation) && ++tries < RESUME_TRIES)
		(void)nanosleep(&ts, NULL);
}

int
client_check(void)
{
	uint32_t state =
	    atomic_load_explicit(&client.cl_state, memory_order_acquire);

	if (state == SPC_ON)
		return 0;
	if (state == SPC_OFF)
		return atomic_load_explicit(&conn_made, memory_order_relaxed)
			   ? ENOTCONN
			   : ENXIO;
	return client_reconnect(
	    atomic_load_explicit(&client_generation, memory_order_relaxed));
}

int
client_file(uint32_t slot, int *fdp)
{
	return spc_file(&client, &conn_url, slot, fdp);
}

/*
 * Fork
 */

struct rumpclient_fork {
	uint8_t rf_token[SP_TOKEN];
};

RUMP_EXPORT struct rumpclient_fork *
rumpclient_prefork(void)
{
	struct sp_msg m = {.sm_op = SP_FORK, .sm_lwp = client_thread.ct_lwp};
	struct rumpclient_fork *rf;
	int error;

	if ((rf = calloc(1, sizeof(*rf))) == NULL)
		return NULL;
	if ((error = client_check()) == 0)
		error = client_op(&m, rf->rf_token, sizeof(rf->rf_token));
	if (error != 0) {
		free(rf);
		errno = error;
		return NULL;
	}
	return rf;
}

RUMP_EXPORT int
rumpclient_fork_init(struct rumpclient_fork *rf)
{
	sigset_t old;
	int error = ENOTCONN;

	if (conn_enter(&old)) {
		error = conn_open(SP_H_FORK, rf->rf_token);
		conn_exit(&old);
	}
	free(rf);
	return fail(error);
}

RUMP_EXPORT void
rumpclient_fork_cancel(struct rumpclient_fork *rf)
{
	struct sp_msg m = {.sm_op = SP_FORKCANCEL};
	int saved = errno;

	if (client_check() == 0)
		(void)client_op(&m, rf->rf_token, sizeof(rf->rf_token));
	free(rf);
	errno = saved;
}

RUMP_EXPORT pid_t
rumpclient_fork(void)
{
	struct rumpclient_fork *rf;
	pid_t pid;

	if ((rf = rumpclient_prefork()) == NULL)
		return -1;
	switch (pid = fork()) {
	case -1:
		rumpclient_fork_cancel(rf);
		return -1;
	case 0:
		if (rumpclient_fork_init(rf) == -1)
			conn_die();
		return 0;
	default:
		free(rf);
		return pid;
	}
}

RUMP_EXPORT pid_t
rumpclient_vfork(void)
{
	return rumpclient_fork();
}

RUMP_EXPORT int
rumpclient_daemon(int nochdir, int noclose)
{
	struct rumpclient_fork *rf;

	if ((rf = rumpclient_prefork()) == NULL)
		return -1;
	if (daemon(nochdir, noclose) == -1) {
		rumpclient_fork_cancel(rf);
		return -1;
	}
	return rumpclient_fork_init(rf);
}

/*
 * Exec
 */

/* envp with a variable more; NULL without memory. */
static char **
environment_add(char *const envp[], char *variable)
{
	char **new;
	size_t n = 0;

	while (envp != NULL && envp[n] != NULL)
		n++;
	if ((new = calloc(n + 2, sizeof(*new))) == NULL)
		return NULL;
	new[0] = variable;
	if (n != 0)
		memcpy(new + 1, envp, n * sizeof(*new));
	return new;
}

RUMP_EXPORT int
rumpclient_exec(const char *path, char *const argv[], char *const envp[])
{
	char variable[sizeof(SESSION_VARIABLE) + 1 + 2 * SP_TOKEN];
	int error, i, at;
	char **env;

	if ((error = client_check()) != 0)
		return fail(error);
	at = snprintf(variable, sizeof(variable), "%s=", SESSION_VARIABLE);
	for (i = 0; i < SP_TOKEN; i++)
		at += snprintf(variable + at, sizeof(variable) - (size_t)at,
		    "%02x", client.cl_token[i]);
	if ((env = environment_add(envp, variable)) == NULL)
		return -1;
	(void)execve(path, argv, env);
	error = errno;
	free(env);
	return fail(error);
}

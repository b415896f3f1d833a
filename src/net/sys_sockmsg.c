/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * System calls that send and receive on sockets.
 *
 * All become a struct sockmsg.  What send wants to know of where to and with
 * what is copied into the kernel first; what recv has to tell is copied out
 * last.
 */
#include "kern/iovs.h"
#include "kern/signal.h"
#include "net/socket.h"
#include "sysproto.h"

/* What a message may bring along, at most, in bytes; Linux's optmem_max. */
#define CONTROL_MOST 131072

/* As much fits on the stack. */
#define CONTROL_FEW 256

/* Flags of the kernel's own that a program must not set. */
#define MSG_KERNEL 0x08000000

void
sockmsg_putcmsg(
    struct sockmsg *sm, int level, int type, const void *data, size_t len)
{
	size_t whole = CMSG_LEN(len), space = CMSG_SPACE(len);
	struct cmsghdr cm;

	if (sm->sm_control == NULL || sm->sm_controllen < sizeof(cm)) {
		sm->sm_outflags |= MSG_CTRUNC;
		return;
	}
	if (sm->sm_controllen < whole) {
		sm->sm_outflags |= MSG_CTRUNC;
		whole = sm->sm_controllen;
	}
	memset(&cm, 0, sizeof(cm));
	cm.cmsg_level = level;
	cm.cmsg_type = type;
	cm.cmsg_len = whole;
	if (copyout(&cm, sm->sm_control, sizeof(cm)) != 0 ||
	    copyout(data, sm->sm_control + sizeof(cm), whole - sizeof(cm)) != 0)
		return;
	if (space > sm->sm_controllen)
		space = sm->sm_controllen;
	sm->sm_control += space;
	sm->sm_controllen -= space;
}

static bool
call_nowait(const struct file *fp, int flags)
{
	return (file_flags(fp) & O_NONBLOCK) != 0 ||
	       (flags & MSG_DONTWAIT) != 0;
}

/*
 * Sending
 */

static int
socket_send(struct lwp *l, struct file *fp, struct socket *so,
    struct sockmsg *sm, ssize_t *retval)
{
	bool sig = false;
	size_t len = 0;
	int error;

	sm->sm_nowait = call_nowait(fp, sm->sm_flags);
	error = so->so_proto->pr_send(l, so, sm, &len, &sig);
	if (unlikely(sig))
		signal_self(l, SIGPIPE);
	if (error == 0)
		*retval = (ssize_t)len;
	return error;
}

int
sys_sendto(struct lwp *l, int fd, const void *buf, size_t len, int flags,
    const struct sockaddr *addr, socklen_t addrlen, ssize_t *retval)
{
	struct sockmsg sm = {.sm_flags = flags & ~MSG_KERNEL};
	struct sockaddr_storage ss;
	struct socket *so;
	struct iovec iov;
	struct file *fp;
	struct uio uio;
	int error;

	if (!useraddr_inrange(buf, len))
		return EFAULT;
	if ((error = fd_getsocket(l, fd, &fp, &so)) != 0)
		return error;
	uio_init1(&uio, &iov, (void *)(uintptr_t)buf,
	    len < UIO_MAXLEN ? len : UIO_MAXLEN, UIO_WRITE);
	sm.sm_uio = &uio;
	if (addr != NULL) {
		if (addrlen > sizeof(ss))
			error = EINVAL;
		else
			error = copyin(addr, &ss, addrlen);
		sm.sm_name = &ss;
		sm.sm_namelen = addrlen;
	}
	if (error == 0)
		error = socket_send(l, fp, so, &sm, retval);
	fd_putfile(l, fp);
	return error;
}

int
sys_send(struct lwp *l, int fd, const void *buf, size_t len, int flags,
    ssize_t *retval)
{
	return sys_sendto(l, fd, buf, len, flags, NULL, 0, retval);
}

/* What the caller's header says of buffers; iovs_free even if it fails. */
static int
msg_iovs(
    const struct msghdr *mh, enum uio_rw rw, struct iovs *iv, struct uio *uio)
{
	iv->iv_mem = NULL;
	if (mh->msg_iovlen > IOV_MAX)
		return EMSGSIZE;
	return iovs_copyin(iv, mh->msg_iov, (int)mh->msg_iovlen, rw, uio);
}

/* Copy in where to. */
static int
msg_name(
    const struct msghdr *mh, struct sockmsg *sm, struct sockaddr_storage *ss)
{
	socklen_t len = mh->msg_namelen;

	if ((int)len < 0)
		return EINVAL;
	if (mh->msg_name == NULL || len == 0)
		return 0;
	if (len > sizeof(*ss))
		len = sizeof(*ss);
	sm->sm_name = ss;
	sm->sm_namelen = len;
	return copyin(mh->msg_name, ss, len);
}

/* Send with what comes along, which is copied in first. */
static int
msg_send(struct lwp *l, struct file *fp, struct socket *so,
    const struct msghdr *mh, struct sockmsg *sm, ssize_t *retval)
{
	size_t size = mh->msg_controllen;
	char few[CONTROL_FEW] __attribute__((aligned(16)));
	char *buf = few;
	int error = 0;

	if (size > INT_MAX)
		return ENOBUFS;
	if (size > 0) {
		if (size > CONTROL_MOST)
			return ENOBUFS;
		if (size > sizeof(few) && (buf = kmem_alloc(size)) == NULL)
			return ENOMEM;
		error = copyin(mh->msg_control, buf, size);
		sm->sm_control = buf;
		sm->sm_controllen = size;
	}
	if (error == 0)
		error = socket_send(l, fp, so, sm, retval);
	if (buf != few)
		kmem_free(buf, size);
	return error;
}

static int
do_sendmsg(struct lwp *l, struct file *fp, struct socket *so,
    const struct msghdr *umh, int flags, ssize_t *retval)
{
	struct sockmsg sm = {.sm_flags = flags & ~MSG_KERNEL};
	struct sockaddr_storage ss;
	struct msghdr mh;
	struct iovs iv;
	struct uio uio;
	int error;

	if ((error = copyin(umh, &mh, sizeof(mh))) != 0 ||
	    (error = msg_name(&mh, &sm, &ss)) != 0)
		return error;
	sm.sm_uio = &uio;
	if ((error = msg_iovs(&mh, UIO_WRITE, &iv, &uio)) == 0)
		error = msg_send(l, fp, so, &mh, &sm, retval);
	iovs_free(&iv);
	return error;
}

int
sys_sendmsg(
    struct lwp *l, int fd, const struct msghdr *mh, int flags, ssize_t *retval)
{
	struct socket *so;
	struct file *fp;
	int error;

	if ((error = fd_getsocket(l, fd, &fp, &so)) != 0)
		return error;
	error = do_sendmsg(l, fp, so, mh, flags, retval);
	fd_putfile(l, fp);
	return error;
}

int
sys_sendmmsg(struct lwp *l, int fd, struct mmsghdr *mmh, unsigned int n,
    int flags, int *retval)
{
	struct socket *so;
	struct file *fp;
	ssize_t len = 0;
	unsigned i;
	int error;

	if ((error = fd_getsocket(l, fd, &fp, &so)) != 0)
		return error;
	if (n > IOV_MAX)
		n = IOV_MAX;
	for (i = 0; i < n && error == 0; i++) {
		error = do_sendmsg(l, fp, so, &mmh[i].msg_hdr, flags, &len);
		if (error == 0)
			error = copyout(&(unsigned){(unsigned)len},
			    &mmh[i].msg_len, sizeof(unsigned));
		if (error != 0)
			break;
	}
	fd_putfile(l, fp);
	*retval = (int)i;
	return i > 0 ? 0 : error;
}

/*
 * Receiving
 */

static int
socket_recv(struct lwp *l, struct file *fp, struct socket *so,
    struct sockmsg *sm, ssize_t *retval)
{
	size_t len = 0;
	int error;

	sm->sm_nowait = call_nowait(fp, sm->sm_flags);
	error = so->so_proto->pr_recv(l, so, sm, &len);
	if (error == 0)
		*retval = (ssize_t)len;
	return error;
}

/* Copy out as much of a name as fits, and its length. */
static int
name_copyout(const struct sockmsg *sm, void *uname, int room, socklen_t *ulen)
{
	int len = (int)sm->sm_namelen, error;

	if (room < 0)
		return EINVAL;
	error = copyout(sm->sm_name, uname, (size_t)(room < len ? room : len));
	return error != 0 ? error : copyout(&len, ulen, sizeof(len));
}

int
sys_recvfrom(struct lwp *l, int fd, void *buf, size_t len, int flags,
    struct sockaddr *addr, socklen_t *addrlen, ssize_t *retval)
{
	struct sockmsg sm = {.sm_flags = flags};
	struct sockaddr_storage ss;
	struct socket *so;
	struct iovec iov;
	struct file *fp;
	struct uio uio;
	int room, error;

	if (!useraddr_inrange(buf, len))
		return EFAULT;
	if ((error = fd_getsocket(l, fd, &fp, &so)) != 0)
		return error;
	uio_init1(
	    &uio, &iov, buf, len < UIO_MAXLEN ? len : UIO_MAXLEN, UIO_READ);
	sm.sm_uio = &uio;
	if (addr != NULL)
		sm.sm_name = &ss;
	error = socket_recv(l, fp, so, &sm, retval);
	fd_putfile(l, fp);
	if (error != 0 || addr == NULL)
		return error;
	if ((error = copyin(addrlen, &room, sizeof(room))) != 0)
		return error;
	return name_copyout(&sm, addr, room, addrlen);
}

int
sys_recv(
    struct lwp *l, int fd, void *buf, size_t len, int flags, ssize_t *retval)
{
	return sys_recvfrom(l, fd, buf, len, flags, NULL, NULL, retval);
}

/* Tell the caller what there was besides the data. */
static int
msg_tell(const struct msghdr *mh, const struct sockmsg *sm, struct msghdr *umh)
{
	size_t used = mh->msg_controllen - sm->sm_controllen;
	int flags = sm->sm_outflags | (sm->sm_flags & MSG_CMSG_CLOEXEC);
	int error = 0;

	if (mh->msg_name != NULL)
		error = name_copyout(
		    sm, mh->msg_name, (int)mh->msg_namelen, &umh->msg_namelen);
	if (error == 0)
		error = copyout(&flags, &umh->msg_flags, sizeof(flags));
	if (error == 0)
		error = copyout(&used, &umh->msg_controllen, sizeof(used));
	return error;
}

static int
do_recvmsg(struct lwp *l, struct file *fp, struct socket *so,
    struct msghdr *umh, int flags, ssize_t *retval)
{
	struct sockmsg sm = {.sm_flags = flags};
	struct sockaddr_storage ss;
	struct msghdr mh;
	struct iovs iv;
	struct uio uio;
	int error;

	if ((error = copyin(umh, &mh, sizeof(mh))) != 0)
		return error;
	if ((int)mh.msg_namelen < 0)
		return EINVAL;
	sm.sm_uio = &uio;
	sm.sm_control = mh.msg_controllen > 0 ? mh.msg_control : NULL;
	sm.sm_controllen = mh.msg_controllen;
	if (mh.msg_name != NULL)
		sm.sm_name = &ss;
	if ((error = msg_iovs(&mh, UIO_READ, &iv, &uio)) == 0)
		error = socket_recv(l, fp, so, &sm, retval);
	iovs_free(&iv);
	return error != 0 ? error : msg_tell(&mh, &sm, umh);
}

int
sys_recvmsg(
    struct lwp *l, int fd, struct msghdr *mh, int flags, ssize_t *retval)
{
	struct socket *so;
	struct file *fp;
	int error;

	if ((error = fd_getsocket(l, fd, &fp, &so)) != 0)
		return error;
	error = do_recvmsg(l, fp, so, mh, flags, retval);
	fd_putfile(l, fp);
	return error;
}

/*
 * Up to n messages.  An error after the first is told by the next call, unless
 * it is that there are no more; as on Linux the time is looked at only when a
 * message has come.
 */
int
sys_recvmmsg(struct lwp *l, int fd, struct mmsghdr *mmh, unsigned int n,
    int flags, struct timespec *uts, int *retval)
{
	int64_t deadline = HYPER_FOREVER;
	struct socket *so;
	struct file *fp;
	ssize_t len = 0;
	unsigned i;
	int error;

	if ((error = copyin_deadline(uts, &deadline)) != 0 ||
	    (error = fd_getsocket(l, fd, &fp, &so)) != 0)
		return error;
	if (n > IOV_MAX)
		n = IOV_MAX;
	error = socket_takeerror(so);
	for (i = 0; i < n && error == 0; i++) {
		error = do_recvmsg(
		    l, fp, so, &mmh[i].msg_hdr, flags & ~MSG_WAITFORONE, &len);
		if (error == 0)
			error = copyout(&(unsigned){(unsigned)len},
			    &mmh[i].msg_len, sizeof(unsigned));
		if (error != 0)
			break;
		if ((flags & MSG_WAITFORONE) != 0)
			flags |= MSG_DONTWAIT;
		if (deadline != HYPER_FOREVER &&
		    (deadline == 0 || kern_monotonic() >= deadline)) {
			i++;
			break;
		}
	}
	if (i > 0 && error != 0 && error != EAGAIN)
		atomic_store_explicit(
		    &so->so_error, error, memory_order_relaxed);
	fd_putfile(l, fp);
	*retval = (int)i;
	return i > 0 ? 0 : error;
}

/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Constants of ktrace and utrace, with NetBSD's names and values.  What is
 * written is described in rump_trace(7).
 */
#ifndef RUMP_RUMP_TRACE_H
#define RUMP_RUMP_TRACE_H

/*
 * ops: what is done; with DESCEND also to all descendants there are.  With
 * OTHERS, which is ours, of several processes not to the caller's.
 */
#define RUMP_KTROP_SET	     0 /* trace to the file what trpoints say */
#define RUMP_KTROP_CLEAR     1 /* do not trace what trpoints say any more */
#define RUMP_KTROP_CLEARFILE 2 /* nobody traces to the file any more */
#define RUMP_KTRFLAG_DESCEND 4
#define RUMP_KTRFLAG_OTHERS  8

/* trpoints: what is traced. */
#define RUMP_KTRFAC_SYSCALL 0x00000002 /* calls, when they have ended */
#define RUMP_KTRFAC_SYSRET  0x00000004 /* the same */
#define RUMP_KTRFAC_PSIG    0x00000020 /* handlers that are called */
#define RUMP_KTRFAC_CSW	    0x00000040 /* switches from lwp to lwp */
#define RUMP_KTRFAC_USER    0x00000100 /* utrace */
#define RUMP_KTRFAC_INHERIT                              \
	0x40000000 /* processes that are made later, too \
		    */

/* With KTROP_SET: in Perfetto's format, not as text.  (ours) */
#define RUMP_KTRFAC_PERFETTO 0x04000000

/* utrace: the longest label, without its NUL, and the most data. */
#define RUMP_KTR_USER_MAXIDLEN 20
#define RUMP_KTR_USER_MAXLEN   2048

#ifndef KTROP_SET
#define KTROP_SET	  RUMP_KTROP_SET
#define KTROP_CLEAR	  RUMP_KTROP_CLEAR
#define KTROP_CLEARFILE	  RUMP_KTROP_CLEARFILE
#define KTRFLAG_DESCEND	  RUMP_KTRFLAG_DESCEND
#define KTRFAC_SYSCALL	  RUMP_KTRFAC_SYSCALL
#define KTRFAC_SYSRET	  RUMP_KTRFAC_SYSRET
#define KTRFAC_PSIG	  RUMP_KTRFAC_PSIG
#define KTRFAC_CSW	  RUMP_KTRFAC_CSW
#define KTRFAC_USER	  RUMP_KTRFAC_USER
#define KTRFAC_INHERIT	  RUMP_KTRFAC_INHERIT
#define KTR_USER_MAXIDLEN RUMP_KTR_USER_MAXIDLEN
#define KTR_USER_MAXLEN	  RUMP_KTR_USER_MAXLEN
#endif

#endif /* RUMP_RUMP_TRACE_H */

#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""Make C from the table of system calls.

usage: gensyscalls.py TABLE (header | protos | stubs) OUTPUT

  header   <rump/rump_syscalls.h>: numbers and prototypes of rump_sys_*
  protos   prototypes of the handlers
  stubs    the rump_sys_* functions
"""
import re
import sys

SPDX = "/* SPDX-License-Identifier: BSD-2-Clause */\n"
MADE = "/* Made from syscalls.conf; do not change. */\n"


class Call:
    def __init__(self, line, where):
        fields = [f.strip() for f in line.split("|", 4)]
        if len(fields) != 5:
            sys.exit(f"{where}: five fields wanted: {line}")
        self.number = int(fields[0])
        self.pure = fields[1].startswith("pure ")
        self.result = None if fields[1] == "zero" else \
            fields[1].removeprefix("pure ")
        m = re.fullmatch(r"(\w+)\((.*)\)", fields[2])
        if not m:
            sys.exit(f"{where}: not a prototype: {fields[2]}")
        self.name = m[1]
        fixed, dots, extra = m[2].partition("...")
        self.fixed = self.args(fixed)
        self.extra = self.args(extra) if dots else []
        self.source, self.doc = fields[3], fields[4]

    @staticmethod
    def args(text):
        """A list of (type, name)."""
        out = []
        for arg in text.split(","):
            arg = arg.strip()
            if arg in ("", "void"):
                continue
            m = re.fullmatch(r"(.*?)(\w+)", arg)
            out.append((m[1].strip(), m[2]))
        return out

    @staticmethod
    def decl(args):
        return [t + ("" if t.endswith("*") else " ") + n for t, n in args]

    def prototype(self):
        args = self.decl(self.fixed) + (["..."] if self.extra else [])
        return f"rump_sys_{self.name}({', '.join(args) or 'void'})"

    def needs_posix(self):
        """Its types are not there in a program that wants C alone."""
        types = " ".join(t for t, _ in self.fixed + self.extra)
        return re.search(
            r"\b(siginfo_t|idtype_t|struct sigaction|union sigval)\b", types)

    def handler(self):
        args = ["struct lwp *l"] + self.decl(self.fixed + self.extra)
        if self.result:
            args.append(f"{self.result} *retval")
        return f"sys_{self.name}({', '.join(args)})"


def comment(call):
    words = (call.doc + " (" + call.source + ")").split()
    lines, line = [], " *"
    for w in words:
        if len(line) + 1 + len(w) > 79:
            lines.append(line)
            line = " *"
        line += " " + w
    return "\n".join(["/*"] + lines + [line, " */"]) + "\n"


def header(calls):
    out = [SPDX, MADE, """\
/*
 * The system calls of the kernel.  Each has the signature of the host's call
 * of that name, uses the host's types, flags and error numbers, and acts on
 * the process of the calling context (see rump_lwproc(3)).  A call that fails
 * returns -1 and sets errno.  Before rump_init they fail with ENXIO.
 */
#ifndef RUMP_RUMP_SYSCALLS_H
#define RUMP_RUMP_SYSCALLS_H

#include <sys/resource.h>
#include <sys/select.h>
#include <sys/stat.h>
#include <sys/time.h>
#include <sys/types.h>
#include <sys/uio.h>
#include <sys/wait.h>

#include <signal.h>
#include <stdint.h>
#include <time.h>

#include <rump/rump_file.h>
#include <rump/rump_mount.h>

#ifdef __cplusplus
extern "C" {
#endif

struct epoll_event;
struct file_handle;
struct itimerspec;
struct open_how;
struct pollfd;
struct rump_kevent;
struct sigevent;
struct statx;
struct timezone;
struct tms;
struct utimbuf;

"""]
    for c in calls:
        if c.needs_posix():
            out.append("#ifdef _POSIX_C_SOURCE\n")
        out.append(comment(c))
        out.append(f"#define RUMP_SYS_{c.name} {c.number}\n")
        out.append(f"{c.result or 'int'} {c.prototype()};\n")
        out.append("#endif\n\n" if c.needs_posix() else "\n")
    out.append("#ifdef __cplusplus\n}\n#endif\n\n"
               "#endif /* RUMP_RUMP_SYSCALLS_H */\n")
    return out


def protos(calls):
    out = [SPDX, MADE, """\
#ifndef SYSCALL_SYSPROTO_H
#define SYSCALL_SYSPROTO_H

#include <sys/resource.h>
#include <sys/select.h>
#include <sys/stat.h>
#include <sys/time.h>
#include <sys/types.h>
#include <sys/uio.h>
#include <sys/wait.h>

#include <signal.h>
#include <stdint.h>
#include <time.h>

#include <rump/rump_file.h>
#include <rump/rump_mount.h>

struct epoll_event;
struct file_handle;
struct itimerspec;
struct lwp;
struct open_how;
struct pollfd;
struct rump_kevent;
struct sigevent;
struct statx;
struct timezone;
struct tms;
struct utimbuf;

"""]
    out += [f"int {c.handler()};\n" for c in calls if not c.pure]
    out.append("\n#endif /* SYSCALL_SYSPROTO_H */\n")
    return out


def promoted(ctype):
    """The type that an optional argument arrives as."""
    return "unsigned int" if ctype == "mode_t" else ctype


def pure_stub(c):
    return (f"RUMP_EXPORT {c.result}\n{c.prototype()}\n{{\n"
            "\tstruct lwp *l;\n\n"
            "\tif (unlikely((l = syscall_peek()) == NULL))\n"
            f"\t\treturn ({c.result})syscall_error(syscall_refusal());\n"
            f"\treturn sys_{c.name}(l);\n}}\n\n")


def stub(c):
    if c.pure:
        return pure_stub(c)
    result = c.result or "int"
    out = [f"RUMP_EXPORT {result}\n{c.prototype()}\n{{\n"]
    out.append("\tstruct lwp *l;\n")
    if c.result:
        out.append(f"\t{c.result} retval = 0;\n")
    for t, n in c.extra:
        out.append(f"\t{t} {n};\n" if not t.endswith("*") else f"\t{t}{n};\n")
    if c.extra:
        out.append("\tva_list ap;\n")
    out.append("\tint error;\n\n")
    if c.extra:
        out.append(f"\tva_start(ap, {c.fixed[-1][1]});\n")
        for t, n in c.extra:
            out.append(f"\t{n} = va_arg(ap, {promoted(t)});\n")
        out.append("\tva_end(ap);\n")
    out.append("\tif (unlikely((l = syscall_enter()) == NULL))\n"
               f"\t\treturn ({result})syscall_error(syscall_refusal());\n")
    args = ["l"] + [n for _, n in c.fixed + c.extra]
    if c.result:
        args.append("&retval")
    out.append(f"again:\n\terror = sys_{c.name}({', '.join(args)});\n")
    out.append("\tsyscall_exit();\n"
               "\tif (unlikely(syscall_signalled(l)) &&\n"
               "\t    (error = signal_return(l, error)) == SIGNAL_AGAIN)\n"
               "\t\tgoto again;\n")
    out.append("\tif (unlikely(error != 0))\n"
               f"\t\treturn ({result})syscall_error(error);\n")
    out.append(f"\treturn {'retval' if c.result else '0'};\n}}\n\n")
    return "".join(out)


def stubs(calls):
    return [SPDX, MADE,
            '#include <stdarg.h>\n\n#include <rump/rump_syscalls.h>\n\n'
            '#include "kern/entry.h"\n#include "kern/pure.h"\n'
            '#include "kern/signal.h"\n#include "sysproto.h"\n\n'
            ] + [stub(c) for c in calls]


def main():
    if len(sys.argv) != 4:
        sys.exit(__doc__)
    table, what, output = sys.argv[1:]
    makers = {"header": header, "protos": protos, "stubs": stubs}
    if what not in makers:
        sys.exit(__doc__)
    calls = []
    with open(table, encoding="utf-8") as f:
        for i, line in enumerate(f, 1):
            if line.strip() and not line.startswith("#"):
                calls.append(Call(line.strip(), f"{table}:{i}"))
    for key in ("number", "name"):
        seen = [getattr(c, key) for c in calls]
        twice = {s for s in seen if seen.count(s) > 1}
        if twice:
            sys.exit(f"{table}: {key} used twice: {sorted(twice)}")
    with open(output, "w", encoding="utf-8") as f:
        f.writelines(makers[what](calls))


main()

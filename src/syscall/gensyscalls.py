#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""Make C from the table of system calls.

usage: gensyscalls.py TABLE WHAT OUTPUT, and WHAT is one of

  header   <rump/rump_syscalls.h>: numbers and prototypes of rump_sys_*
  protos   prototypes of the handlers
  stubs    the rump_sys_* functions
  table    what the arguments of each call are, see sysdesc.h
  thunks   each call with arguments from an array, see invoke.h
  client   the rump_sys_* functions of librumpclient
"""
import re
import sys

sys.dont_write_bytecode = True  # nothing is made in the sources
from sysargs import Arg, BadArgument, is_signed

SPDX = "/* SPDX-License-Identifier: BSD-2-Clause */\n"
MADE = "/* Made from syscalls.conf; do not change. */\n"


class Call:
    def __init__(self, line, where):
        fields = [f.strip() for f in line.split("|", 4)]
        if len(fields) != 5:
            sys.exit(f"{where}: five fields wanted: {line}")
        self.number = int(fields[0])
        word, _, result = fields[1].partition(" ")
        self.word = word if word in ("pure", "aio", "shm") else None
        self.pure = self.word == "pure"
        self.result = result if self.word else fields[1]
        if self.result == "zero":
            self.result = None
        m = re.fullmatch(r"(\w+)\((.*)\)", fields[2])
        if not m:
            sys.exit(f"{where}: not a prototype: {fields[2]}")
        self.name = m[1]
        fixed, dots, extra = m[2].partition("...")
        try:
            self.fixed = self.parse(fixed)
            self.extra = self.parse(extra) if dots else []
            self.args = self.fixed + self.extra
            for arg in self.args:
                arg.describe(self.args)
        except BadArgument as e:
            sys.exit(f"{where}: {self.name}: {e}")
        if len(self.args) > 6:
            sys.exit(f"{where}: {self.name}: more than six arguments")
        self.source, self.doc = fields[3], fields[4]

    @staticmethod
    def parse(text):
        return [Arg(arg) for arg in text.split(",")
                if arg.strip() not in ("", "void")]

    @staticmethod
    def decl(args):
        return [a.decl() for a in args]

    def prototype(self):
        args = self.decl(self.fixed) + (["..."] if self.extra else [])
        return f"rump_sys_{self.name}({', '.join(args) or 'void'})"

    def needs_posix(self):
        """Its types are not there in a program that wants C alone."""
        types = " ".join(a.type for a in self.args)
        return re.search(
            r"\b(siginfo_t|idtype_t|key_t|struct sigaction|union sigval)\b", types)

    def handler(self):
        args = ["struct lwp *l"] + self.decl(self.args)
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


def structs(calls):
    """Declarations of all structs that arguments point to."""
    names = set(re.findall(r"\bstruct \w+", " ".join(
        a.type for c in calls for a in c.args)))
    return [f"{name};\n" for name in sorted(names)] + ["\n"]


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
#include <sys/socket.h>
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
#include <rump/rump_wait.h>

#ifdef __cplusplus
extern "C" {
#endif

"""] + structs(calls)
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
#include <sys/socket.h>
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
#include <rump/rump_wait.h>

struct lwp;
"""] + structs(calls)
    out += [f"int {c.handler()};\n" for c in calls if not c.pure]
    out.append("\n#endif /* SYSCALL_SYSPROTO_H */\n")
    return out


def promoted(ctype):
    """The type that an optional argument arrives as."""
    return "unsigned int" if ctype == "mode_t" else ctype


def cast(ctype):
    """Makes an int one of these."""
    return f"({ctype})" + ("(intptr_t)" if ctype.endswith("*") else "")


def pure_stub(c):
    return (f"static __attribute__((noinline)) {c.result}\n"
            f"{c.name}_slow(void)\n{{\n"
            "\tstruct lwp *l = syscall_peek_slow();\n"
            f"\t{c.result} retval;\n\n"
            "\tif (l == NULL)\n"
            f"\t\treturn ({c.result})syscall_error(syscall_refusal());\n"
            f"\tretval = sys_{c.name}(l);\n"
            f"\tsyscall_pure_end({c.number}, (int64_t)retval);\n"
            "\treturn retval;\n}\n\n"
            f"RUMP_EXPORT {c.result}\n{c.prototype()}\n{{\n"
            "\tstruct lwp *l = curlwp();\n\n"
            "\tif (unlikely(syscall_isslow(l)))\n"
            f"\t\treturn {c.name}_slow();\n"
            f"\treturn sys_{c.name}(l);\n}}\n\n")


def to_word(arg):
    if arg.type.endswith("union sigval"):
        return f"(uintptr_t){arg.name}.sival_ptr"
    if arg.type.endswith("*"):
        return f"(uintptr_t){arg.name}"
    return f"(uint64_t){arg.name}"


def stub(c):
    if c.pure:
        return pure_stub(c)
    result = c.result or "int"
    out = [f"RUMP_EXPORT {result}\n{c.prototype()}\n{{\n"]
    out.append("\tstruct lwp *l;\n")
    if c.result:
        out.append(f"\t{c.result} retval = 0;\n")
    for a in c.extra:
        out.append(f"\t{a.decl()};\n")
    if c.extra:
        out.append("\tva_list ap;\n")
    out.append("\tint error;\n\n")
    if c.extra:
        out.append(f"\tva_start(ap, {c.fixed[-1].name});\n")
        for a in c.extra:
            out.append(f"\t{a.name} = va_arg(ap, {promoted(a.type)});\n")
        out.append("\tva_end(ap);\n")
    out.append("\tif (unlikely((l = syscall_enter()) == NULL))\n"
               f"\t\treturn {cast(result)}syscall_error(syscall_refusal());\n")
    args = ["l"] + [a.name for a in c.args]
    if c.result:
        args.append("&retval")
    out.append(f"again:\n\terror = sys_{c.name}({', '.join(args)});\n")
    words = ", ".join(to_word(a) for a in c.args) or "0"
    out.append("\tsyscall_exit();\n"
               "\tif (unlikely(syscall_unfinished(l)) &&\n"
               f"\t    (error = syscall_end(l, {c.number},\n"
               f"\t\t (const uint64_t[]){{{words}}},\n\t\t error, "
               f"{'(int64_t)retval' if c.result else '0'})) == SIGNAL_AGAIN)\n"
               "\t\tgoto again;\n")
    out.append("\tif (unlikely(error != 0))\n"
               f"\t\treturn {cast(result)}syscall_error(error);\n")
    out.append(f"\treturn {'retval' if c.result else '0'};\n}}\n\n")
    return "".join(out)


def stubs(calls):
    return [SPDX, MADE,
            '#include <stdarg.h>\n\n#include <rump/rump_syscalls.h>\n\n'
            '#include "kern/entry.h"\n#include "kern/pure.h"\n'
            '#include "kern/signal.h"\n#include "sysproto.h"\n\n'
            ] + [stub(c) for c in calls]


def description(c):
    if c.result is None:
        result = "SYSRESULT_ZERO"
    else:
        result = "SYSRESULT_" + ("SIGNED" if is_signed(c.result)
                                 else "UNSIGNED")
    client = "SYSCLIENT_" + (c.word if c.word in ("aio", "shm")
                             else "message").upper()
    args = ",\n\t\t".join(a.initializer() for a in c.args)
    return (f'    {{"{c.name}", {c.number}, {len(c.args)}, {len(c.fixed)}, '
            f"{result}, {client},\n\t{{{args}}}}},\n")


def descriptions(calls):
    calls = sorted(calls, key=lambda c: c.number)
    return [SPDX, MADE,
            '#include "syscall/sysdesc.h"\n#include "syscall/systypes.h"\n\n'
            "const struct sysdesc sysdesc_list[] = {\n",
            ] + [description(c) for c in calls] + [
            "};\nconst size_t sysdesc_count =\n"
            "    sizeof(sysdesc_list) / sizeof(sysdesc_list[0]);\n"]


def from_word(arg, i):
    if arg.type.endswith("union sigval"):
        return f"(union sigval){{.sival_ptr = (void *)(uintptr_t)a[{i}]}}"
    return f"({arg.type})(uintptr_t)a[{i}]"


def thunk(c):
    args = ",\n\t    ".join(from_word(a, i) for i, a in enumerate(c.args))
    unused = "" if c.args else "\t(void)a;\n"
    return (f"static int64_t\ninvoke_{c.name}(const uint64_t *a)\n{{\n"
            f"{unused}\treturn (int64_t)rump_sys_{c.name}({args});\n}}\n\n")


def thunks(calls):
    calls = sorted(calls, key=lambda c: c.number)
    return [SPDX, MADE,
            "#include <rump/rump_syscalls.h>\n\n"
            '#include "syscall/invoke.h"\n\n',
            ] + [thunk(c) for c in calls] + [
            "invoke_fn *const invoke_list[] = {\n"] + [
            f"    invoke_{c.name},\n" for c in calls] + ["};\n"]


def to_word(arg):
    if arg.type.endswith("union sigval"):
        return f"(uint64_t)(uintptr_t){arg.name}.sival_ptr"
    if arg.type.endswith("*"):
        return f"(uint64_t)(uintptr_t){arg.name}"
    return f"(uint64_t){arg.name}"


def client_stub(c, i):
    result = c.result or "int"
    out = [f"RUMP_EXPORT {result}\n{c.prototype()}\n{{\n"]
    for a in c.extra:
        out.append(f"\t{a.decl()};\n")
    if c.extra:
        out.append(f"\tva_list ap;\n\n\tva_start(ap, {c.fixed[-1].name});\n")
        for a in c.extra:
            out.append(f"\t{a.name} = va_arg(ap, {promoted(a.type)});\n")
        out.append("\tva_end(ap);\n")
    words = ", ".join(to_word(a) for a in c.args) or "0"
    out.append(f"\treturn ({result})client_syscall(&sysdesc_list[{i}],\n"
               f"\t    (const uint64_t[6]){{{words}}});\n}}\n\n")
    return "".join(out)


def client(calls):
    calls = sorted(calls, key=lambda c: c.number)
    return [SPDX, MADE,
            '#include <stdarg.h>\n\n#include <rump/rump_syscalls.h>\n\n'
            '#include "proxy/client/client.h"\n'
            '#include "syscall/sysdesc.h"\n\n',
            ] + [client_stub(c, i) for i, c in enumerate(calls)]


def main():
    if len(sys.argv) != 4:
        sys.exit(__doc__)
    table, what, output = sys.argv[1:]
    makers = {"header": header, "protos": protos, "stubs": stubs,
              "table": descriptions, "thunks": thunks, "client": client}
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


if __name__ == "__main__":
    main()

# SPDX-License-Identifier: BSD-2-Clause
"""Arguments of system calls, as the table describes them.

The grammar is at the head of syscalls.conf.
"""
import re

# What a value is when the table does not say, by its type or name.
TYPE_HINTS = {"mode_t": "mode", "clockid_t": "clock", "idtype_t": "idtype",
              "dev_t": "dev"}
NAME_HINTS = {name: hint for hint, names in {
    "fd": "fd newfd infd outfd epfd mountfd",
    "dirfd": "dirfd newdirfd fromfd tofd",
    "signal": "sig signo",
    "whence": "whence",
    "domain": "domain",
    "socktype": "type",
}.items() for name in names.split()}

# Bytes are what they point to, whatever that is.
BYTES = ("void", "char", "struct sockaddr")
VECTORS = {"struct iovec": "VECTOR", "struct msghdr": "MESSAGE",
           "struct mmsghdr": "MESSAGE"}
SIGNED = re.compile(r"int|long|short|char|s?size_t|off_t|pid_t|clockid_t"
                    r"|time_t|clock_t|u?int\d+_t|intptr_t|socklen_t|id_t"
                    r"|idtype_t|key_t|mqd_t|suseconds_t")
UNSIGNED = ("size_t", "socklen_t", "id_t", "idtype_t", "uintptr_t")


class BadArgument(Exception):
    pass


def is_signed(ctype):
    return bool(SIGNED.fullmatch(ctype)) and ctype not in UNSIGNED and \
        not ctype.startswith("uint")


class Arg:
    def __init__(self, text):
        m = re.fullmatch(r"(.*?)(\w+)\s*(?:\[([^\]]*)\])?", text.strip())
        if not m or not m[1].strip():
            raise BadArgument(f"no argument: {text}")
        self.type, self.name = m[1].strip(), m[2]
        self.words = (m[3] or "").split()
        self.annotated = m[3] is not None
        self.kind, self.flags = "VALUE", []
        self.size, self.count, self.extra = f"sizeof({self.type})", 1, 0
        self.counter, self.hint = None, None

    def decl(self):
        return self.type + ("" if self.type.endswith("*") else " ") + \
            self.name

    def fail(self, why):
        raise BadArgument(f"{self.decl()}: {why}")

    def describe(self, args):
        """Find out what it is; args are all of the call."""
        if self.words == ["special"]:
            self.kind = "SPECIAL"
        elif self.type.endswith("*"):
            self.describe_pointer({a.name: i for i, a in enumerate(args)},
                                  args)
        else:
            self.describe_value()
        return self

    def describe_value(self):
        if len(self.words) > 1:
            self.fail("a value has one word: what it means")
        if is_signed(self.type):
            self.flags.append("SIGNED")
        self.hint = self.words[0] if self.words else \
            TYPE_HINTS.get(self.type) or NAME_HINTS.get(self.name)

    def describe_pointer(self, numbers, args):
        target = self.type[:-1].strip()
        const = target.startswith("const ")
        target = target.removeprefix("const ").strip()
        if not self.annotated:
            self.default(target, const)
            return
        self.kind = VECTORS.get(target, "BUFFER")
        self.size = "1" if target in BYTES else f"sizeof({target})"
        words = iter(self.words)
        sized = target not in BYTES
        for word in words:
            if word in ("in", "out", "inout"):
                self.flags += {"in": ["IN"], "out": ["OUT"],
                               "inout": ["IN", "OUT"]}[word]
            elif word in ("returned", "bytes", "bits", "handle"):
                self.flags.append(word.upper())
                sized |= word == "handle"
            elif word == "string":
                self.flags.append("TERMINATED")
            elif word == "as":
                self.hint = next(words, None) or self.fail("as what?")
            else:
                self.set_count(word, numbers, args)
                sized = True
        if not {"IN", "OUT"} & set(self.flags):
            self.fail("in, out or inout?")
        if const and "OUT" in self.flags and self.kind == "BUFFER":
            self.fail("const, and goes out?")
        if not sized:
            self.fail("of how many bytes?")

    def default(self, target, const):
        if "*" in target or target in BYTES and (target, const) != \
                ("char", True) or target in VECTORS:
            self.fail("is not described")
        self.flags = ["IN" if const else "OUT"]
        self.kind = "STRING" if target == "char" else "BUFFER"
        self.size = f"sizeof({target})"

    def set_count(self, word, numbers, args):
        m = re.fullmatch(r"(\*?)(\w+)(?:\+(\d+))?", word)
        if not m:
            self.fail(f"no word of the grammar: {word}")
        if m[2].isdigit():
            self.count = int(m[2])
        elif m[2] not in numbers:
            self.fail(f"neither a word of the grammar nor an argument: {word}")
        else:
            self.counter = numbers[m[2]]
            points = args[self.counter].type.endswith("*")
            if points != (m[1] == "*"):
                self.fail(f"{m[2]} is {'a' if points else 'no'} pointer")
            if points:
                self.flags.append("COUNTPTR")
        self.extra = int(m[3] or 0)

    def initializer(self):
        flags = " | ".join("SYSARG_" + f for f in self.flags) or "0"
        out = [f'"{self.name}"', f'"{self.type}"',
               f'"{self.hint}"' if self.hint else "NULL", self.size,
               str(self.count), str(self.extra), flags,
               "SYSARG_" + self.kind,
               "-1" if self.counter is None else str(self.counter)]
        return "{" + ", ".join(out) + "}"

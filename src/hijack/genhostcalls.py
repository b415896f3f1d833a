#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""Make C from the table of the host's system calls.

usage: genhostcalls.py TABLE KERNEL MACHINE (protos | rules | names | errors)
       OUTPUT

KERNEL is the table of the rump kernel's system calls, MACHINE one of the
machines that TABLE has numbers of.

  protos  prototypes of hj_sys_*, and the numbers of the kernel's calls
  rules   the rule of each number
  names   the name of each number, and how its rule is called
  errors  the host's text of each error
"""
import errno
import os
import re
import sys

MACHINES = ["x86_64", "aarch64"]  # the first columns
SPDX = "/* SPDX-License-Identifier: BSD-2-Clause */\n"
MADE = "/* Made from hostcalls.conf; do not change. */\n"


RULE = (r"pass|descriptor|engine( r)?|E[A-Z]+|host E[A-Z]+|"
        r"(path|file|kernel) [dplafrsv-]{1,6}( [a-z0-9_]+)?")


def kernel_calls(path):
    """Numbers by name."""
    calls = {}
    for line in open(path, encoding="utf-8"):
        fields = [f.strip() for f in line.split("|", 3)]
        if not line.startswith("#") and len(fields) == 4:
            calls[fields[2].split("(")[0]] = int(fields[0])
    return calls


def read(path, machine):
    column = MACHINES.index(machine)
    calls = {}
    for i, line in enumerate(open(path, encoding="utf-8"), 1):
        if line.startswith("#") or not line.strip():
            continue
        fields = [f.strip() for f in line.split("|", 4)]
        if len(fields) != 5 or not re.fullmatch(RULE, fields[3]) or \
                not all(re.fullmatch(r"\d+|-", f) for f in fields[:2]):
            sys.exit(f"{path}:{i}: no line of the table: {line}")
        if fields[column] == "-":
            continue
        number = int(fields[column])
        if number in calls:
            sys.exit(f"{path}:{i}: {number} is there already")
        calls[number] = fields[2:4]
    return calls


def protos(calls, kernel):
    out = [f"long hj_sys_{name}(struct hj_thread *, const long *);"
           for name, rule in calls.values()
           if rule.split()[0] == "engine"]
    out += ["enum {"]
    out += [f"\tHJ_K_{name} = {number}," for name, number in kernel.items()]
    return out + ["};"]


def rules(calls, kernel):
    out = ["static const struct hj_rule hj_rules[] = {"]
    for number, (name, rule) in sorted(calls.items()):
        kind, *more = rule.split()
        what = f"HJ_{kind.upper()}"
        if kind == "engine":
            arg = "'r'" if more else "0"
            text = f"{what}, 0, 0, {{{arg}}}, hj_sys_{name}"
        elif kind in ("pass", "descriptor"):
            text = f"{what}, 0, 0, {{0}}, 0"
        elif kind == "host":
            text = f"{what}, {more[0]}, 0, {{0}}, 0"
        elif kind in ("path", "file", "kernel"):
            called = more[1] if len(more) > 1 else name
            if called not in kernel:
                sys.exit(f"{name}: the kernel has no {called}")
            args = ", ".join(f"'{letter}'" for letter in more[0])
            text = f"{what}, 0, {kernel[called]}, {{{args}}}, 0"
        else:
            text = f"HJ_ANSWER, {rule}, 0, {{0}}, 0"
        out.append(f"\t[{number}] = {{ {text} }},")
    return out + ["};"]


def names(calls, kernel):
    del kernel
    out = ["static const struct {", "\tconst char *name;",
           "\tconst char *rule;", "} hj_names[] = {"]
    out += [f'\t[{number}] = {{ "{name}", "{rule.split()[0]}" }},'
            for number, (name, rule) in sorted(calls.items())]
    return out + ["};"]


def errors(calls, kernel):
    del calls, kernel
    out = ["static const char *const hj_errors[] = {"]
    out += [f'\t[{number}] = "{os.strerror(number)}",'
            for number in sorted(errno.errorcode)]
    return out + ["};"]


def main():
    make = {"protos": protos, "rules": rules, "names": names,
            "errors": errors}
    if len(sys.argv) != 6 or sys.argv[3] not in MACHINES or \
            sys.argv[4] not in make:
        sys.exit(__doc__)
    with open(sys.argv[5], "w", encoding="utf-8") as out:
        lines = make[sys.argv[4]](
            read(sys.argv[1], sys.argv[3]), kernel_calls(sys.argv[2]))
        out.write(SPDX + MADE + "\n".join(lines) + "\n")


main()

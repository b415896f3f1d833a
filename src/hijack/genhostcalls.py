#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""Make C from the table of the host's system calls.

usage: genhostcalls.py TABLE (protos | rules | names) OUTPUT

  protos  prototypes of hj_sys_*
  rules   the rule of each number
  names   the name of each number, and how its rule is called
"""
import re
import sys

SPDX = "/* SPDX-License-Identifier: BSD-2-Clause */\n"
MADE = "/* Made from hostcalls.conf; do not change. */\n"


def read(path):
    calls = {}
    for i, line in enumerate(open(path, encoding="utf-8"), 1):
        if line.startswith("#") or not line.strip():
            continue
        fields = [f.strip() for f in line.split("|", 3)]
        if len(fields) != 4 or not fields[0].isdigit() or \
                not re.fullmatch(r"pass|descriptor|engine|E[A-Z]+", fields[2]):
            sys.exit(f"{path}:{i}: no line of the table: {line}")
        number = int(fields[0])
        if number in calls:
            sys.exit(f"{path}:{i}: {number} is there already")
        calls[number] = fields[1:3]
    return calls


def protos(calls):
    return [f"long hj_sys_{name}(struct hj_thread *, const long *);"
            for name, rule in calls.values() if rule == "engine"]


def rules(calls):
    out = ["static const struct hj_rule hj_rules[] = {"]
    for number, (name, rule) in sorted(calls.items()):
        if rule == "engine":
            out.append(f"\t[{number}] = {{ HJ_ENGINE, 0, hj_sys_{name} }},")
        elif rule in ("pass", "descriptor"):
            out.append(f"\t[{number}] = {{ HJ_{rule.upper()}, 0, 0 }},")
        else:
            out.append(f"\t[{number}] = {{ HJ_ANSWER, {rule}, 0 }},")
    return out + ["};"]


def names(calls):
    out = ["static const struct {", "\tconst char *name;",
           "\tconst char *rule;", "} hj_names[] = {"]
    out += [f'\t[{number}] = {{ "{name}", "{rule}" }},'
            for number, (name, rule) in sorted(calls.items())]
    return out + ["};"]


def main():
    make = {"protos": protos, "rules": rules, "names": names}
    if len(sys.argv) != 4 or sys.argv[2] not in make:
        sys.exit(__doc__)
    with open(sys.argv[3], "w", encoding="utf-8") as out:
        lines = make[sys.argv[2]](read(sys.argv[1]))
        out.write(SPDX + MADE + "\n".join(lines) + "\n")


main()

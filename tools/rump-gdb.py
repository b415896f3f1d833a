# SPDX-License-Identifier: BSD-2-Clause
"""Fibers of a rump kernel, for gdb: source this file, then

rump-fibers                 list them: number, state, name
rump-fibers bt              and the stacks of all, or of those with a number
rump-fibers bt NUMBER ...

It needs the debugging information of librump, and a live process: stacks are
shown by setting the registers of the selected thread for a moment.
"""
import gdb

STATES = ["can run", "asleep", "ended"]  # enum fiber_state

# Where the assembly of src/hyper/fiber/arch puts what it saves, in bytes from
# the stack pointer that it keeps, and how much that is.
FRAMES = {
    "i386:x86-64": (56, "rsp", {
        "r15": 0, "r14": 8, "r13": 16, "r12": 24, "rbx": 32, "rbp": 40,
        "rip": 48}),
    "aarch64": (176, "sp", {
        "x29": 0, "pc": 8, "x19": 16, "x20": 24, "x21": 32, "x22": 40,
        "x23": 48, "x24": 56, "x25": 64, "x26": 72, "x27": 80, "x28": 88}),
}


def static(name, file):
    """A variable of one of the library's files."""
    symbol = gdb.lookup_static_symbol(name)
    if symbol is None:
        raise gdb.GdbError(f"no {name}: librump's debugging information, "
                           f"of {file}, is not there")
    return symbol.value()


def fibers():
    """The main context and all fibers, in the order of their making."""
    sched = static("fiber_sched", "src/hyper/fiber/sched.c")
    found = []
    fiber = static("fibers_all", "src/hyper/fiber/sched.c")["lh_first"]
    while fiber != 0:
        found.insert(0, fiber.dereference())
        fiber = fiber["f_all"]["le_next"]
    if sched["sc_running"] == 0:
        raise gdb.GdbError("this is no kernel of fibers")
    # The one that runs is the first of the ring, or the main context.
    current = sched["sc_main"].address
    if sched["sc_away"]:
        current = sched["sc_last"]["hc_next"]["hc_fiber"]
    return [sched["sc_main"]] + found, current


def backtrace(fiber):
    """The stack of one that does not run."""
    arch = gdb.selected_frame().architecture().name()
    if arch not in FRAMES:
        raise gdb.GdbError(f"not known on {arch}")
    kept = int(fiber["f_context"]["hc_sp"])
    if fiber["f_uc"] != 0 or kept == 0:
        print("    its registers are not where they are known")
        return
    size, stack, offsets = FRAMES[arch]
    word = gdb.lookup_type("unsigned long").pointer()
    gdb.newest_frame().select()
    names = [stack] + list(offsets)
    saved = {name: int(gdb.parse_and_eval(f"(unsigned long)${name}"))
             for name in names}
    new = {name: int(gdb.Value(kept + offset).cast(word).dereference())
           for name, offset in offsets.items()}
    new[stack] = kept + size
    try:
        for name, value in new.items():
            gdb.execute(f"set ${name} = {value & (1 << 64) - 1}", to_string=True)
        gdb.execute("backtrace")
    finally:
        for name, value in saved.items():
            gdb.execute(f"set ${name} = {value & (1 << 64) - 1}", to_string=True)


class RumpFibers(gdb.Command):
    """List the fibers of a rump kernel: rump-fibers [bt [NUMBER ...]]"""

    def __init__(self):
        super().__init__("rump-fibers", gdb.COMMAND_STACK)

    def invoke(self, argument, from_tty):
        words = gdb.string_to_argv(argument)
        if words and words[0] != "bt" or \
                any(not word.isdigit() for word in words[1:]):
            raise gdb.GdbError("usage: rump-fibers [bt [NUMBER ...]]")
        wanted = {int(word) for word in words[1:]}
        found, current = fibers()
        missing = wanted - set(range(len(found)))
        if missing:
            raise gdb.GdbError(f"no fiber {min(missing)}")
        for i, fiber in enumerate(found):
            if wanted and i not in wanted:
                continue
            runs = fiber.address == current
            state = "running" if runs else \
                STATES[int(fiber["f_context"]["hc_state"])]
            if i == 0 and not runs and state == "can run":
                state = "lets others run"
            print(f"{'*' if runs else ' '} {i:<5} {state:8} "
                  f"{fiber['f_name'].string()}")
            if not words:
                continue
            if runs:
                gdb.execute("backtrace")
            else:
                backtrace(fiber)


RumpFibers()

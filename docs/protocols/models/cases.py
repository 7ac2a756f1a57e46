"""Cases of a model: what is explored, and which invariants it is to break."""
import time
from collections import namedtuple

# run: () -> (number of states, {invariant: (what, function that gives the trace)})
Case = namedtuple("Case", "title broken run")


def check(cases):
    """Prints a line a case, and how each that ends otherwise than it should came there.  -> how many do"""
    wrong = 0
    for case in cases:
        found = show(case, traces=False)
        if set(found) != case.broken:
            wrong += 1
            print("   WRONG: to be broken: %s" % (" ".join(sorted(case.broken)) or "nothing"), flush=True)
            tell({name: found[name] for name in found if name not in case.broken})
    return wrong


def show(case, traces=True):
    begun = time.time()
    states, found = case.run()
    broken = " ".join(sorted(found))
    print("%-60s %8d states %6.1f s  %s" % (case.title, states, time.time() - begun,
                                            "breaks " + broken if found else "all invariants hold"), flush=True)
    if traces:
        tell(found)
    return found


def tell(found):
    for name in sorted(found):
        what, trace = found[name]
        print("   VIOLATED %s" % what)
        for number, line in enumerate(trace(), 1):
            print("      %2d. %s" % (number, line))

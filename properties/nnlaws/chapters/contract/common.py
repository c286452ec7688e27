"""What the laws of the contract on arrays and on draws have in common."""

from collections.abc import Callable

from nnlaws.authoring.evidence import Evidence, require
from nnlaws.authoring.subject import Subject

SOON = 10  # calls with other arguments between two with the same
LATER = 32  # calls after one whose result is kept: as many as a ring of buffers may have
SURROUNDINGS = "a call leaves the process as it was"

FIXES = {
    "CT-1": "work on a copy: z = z - c, not z -= c",
    "CT-2": "return arrays of the shapes that the operation states, .astype(z.dtype); a scalar as z.dtype.type(J)",
    "CT-3": "keep no state between calls; return new arrays each time, and write all of them",
    "CT-4": "take arrays of any layout, or copy them first: numpy.ascontiguousarray(z)",
    "CT-5": "reduce over a row only, so that no samples give no results",
    "CT-8": "copy the arguments first: numpy.ascontiguousarray(z); do not know them by their strides or their address",
    "CT-9": "return a new array each time, also where there is nothing to compute: z.copy()",
    "CT-10": "keep no array between calls, or one for each thread (threading.local), or lock it",
    "CT-7": "use generators of your own (numpy.random.default_rng), numpy.errstate and warnings.catch_warnings; "
    "make a layer once and not in each call, for its initial weights are drawn from the global generator",
}
"""By clause, what to do where it is broken."""

NEEDS = {
    "CT-1": ("arguments",),
    "CT-4": ("layout",),
    "CT-7": ("surroundings",),
    "CT-8": ("layout",),
    "CT-9": ("memory",),
    "CT-10": ("threads",),
}
"""By clause, what of a call its law looks at besides the results."""


def process_kept(f: Subject, call: Callable[[], object]) -> Evidence:
    """Evidence that a call leaves the process as it was."""
    names = f.left_changed(call)
    return require(not names, f"a call changed {', '.join(names)}")

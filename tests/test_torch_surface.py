"""PyTorch's own sample inputs, through every name that the library promises to share with it.

    python -m pytest tests/test_torch_surface.py    some samples of each name
    python tests/test_torch_surface.py [name …]     every sample, and all that is wrong with a name

Both end with four counts. A name that fails must stand in `torch_surface.UNFINISHED` with the
reason; whether a name there still fails, only all of its samples tell: the second command does.
"""

import sys
from collections.abc import Callable

import pytest
from surface import ALL, MOST, check_function
from surface_modules import check_module
from surface_optim import check_optimizer, check_scheduler
from torch_surface import FUNCTIONS, MODULES, OPTIMIZERS, SCHEDULERS, UNFINISHED

Check = Callable[[str, int], list[str]]
KINDS: dict[str, tuple[list[str], Check]] = {
    "functions": (FUNCTIONS, check_function),
    "modules": (MODULES, check_module),
    "optimizers": (OPTIMIZERS, lambda name, most: check_optimizer(name)),
    "schedulers": (SCHEDULERS, lambda name, most: check_scheduler(name)),
}
NAMES = [(kind, name) for kind, (names, _) in KINDS.items() for name in names]


@pytest.mark.parametrize(("kind", "name"), [of for of in NAMES if of[1] not in UNFINISHED])
def test_agrees_with_pytorch(kind, name):
    wrong = KINDS[kind][1](name, MOST)
    assert not wrong, "\n".join(wrong)


def test_what_is_unfinished_is_on_the_list():
    listed = {name for _, name in NAMES}
    assert len(listed) == len(NAMES) and set(UNFINISHED) <= listed


def counts() -> list[str]:
    """`functions: n of m`, and so on: how many names of each kind are finished."""
    return [
        f"{kind}: {sum(name not in UNFINISHED for name in names)} of {len(names)}"
        for kind, (names, _) in KINDS.items()
    ]


def main(chosen: list[str]) -> int:
    """Every sample of the chosen names (of all, if none is); 1 if something is wrong."""
    failed = 0
    for kind, (names, check) in KINDS.items():
        right = 0
        for name in names if not chosen else [n for n in names if n in chosen]:
            wrong = check(name, ALL)
            right += not wrong
            listed = name in UNFINISHED
            for line in wrong if chosen or not listed else ():
                print(line, flush=True)
            if wrong and listed:
                print(f"{name} is unfinished: {UNFINISHED[name]}", flush=True)
            if listed and not wrong:
                print(f"{name} agrees with PyTorch: strike it from UNFINISHED", flush=True)
            failed |= bool(wrong) != listed
        if not chosen:
            print(f"{kind}: {right} of {len(names)}")
    return int(failed)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))

"""Floor 8: the command line. One file per verb, and no logic that the library lacks.

main        what the `steepest` command runs: verbs load when used, mistakes become messages
settings    flags, --set and the TOML file, checked and merged
train, predict, evaluate, plot, summary, datasets, check      the verbs
"""

from steepest.cli.main import main

__all__ = ["main"]

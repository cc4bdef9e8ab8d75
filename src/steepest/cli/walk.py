"""The path of a run's training, walked again.

It is not kept in the run folder: the same settings give the same bits.
"""

from steepest import explain
from steepest.cli.console import say
from steepest.cli.job import Job
from steepest.training import Saved

__all__ = ["walked"]


def walked(job: Job, saved: Saved, points: int = 200) -> explain.WeightPath:
    """The weights after the epochs of a run, at most so many; says where they end elsewhere."""
    walk = explain.WeightPath(points)
    again = job.train(job.settings["model"], None, "none", [walk])
    now = saved.model.state_dict()
    if any((now[name].numpy() != w).any() for name, w in again.best_state.items()):
        say(["walked again, training ended elsewhere: another version or processor made RUN"])
    return walk

"""The verbs and what each is for: the page that `steepest --help` prints."""

__all__ = ["VERBS"]

VERBS = {
    "train": "Train on a table, arrays or a packaged set: scores, saved model, report.",
    "predict": "Apply a saved run or model to new data, pictures among them.",
    "evaluate": "Score a saved run or model on labelled data.",
    "plot": "Draw what a run has learned: filters, maps, confusion, unfolding, boundary, …",
    "landscape": "Draw the loss around a run's weights, and the path of its training.",
    "descent": "Let optimizers race down a function that can be written down.",
    "chain": "Draw the chain rule of a small expression, with every local derivative.",
    "lesson": "Try what learners are told: the experiment, its figure, the verdict of the data.",
    "summary": "Show a saved model's layers: shapes, parameters, connections.",
    "datasets": "List the packaged data sets, or show one with its origin and licence.",
    "check": "Dry run: read the data, show shapes, take one step, estimate the time.",
}

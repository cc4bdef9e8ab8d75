"""The data sets that come with the library: what they are, where they are from, who may use them.

To add one: write its card here, and its file in `packaged/` or its function in toy.py.
"""

from dataclasses import dataclass
from pathlib import Path

from steepest.core import Streams
from steepest.data.arrays import from_pair, read_npz
from steepest.data.source import Source
from steepest.data.tables import read_delimited
from steepest.data.toy import TOYS

__all__ = ["DatasetCard", "datasets", "open_packaged"]

FOLDER = Path(__file__).parent / "packaged"


@dataclass(frozen=True)
class DatasetCard:
    """What one should know about a data set before training on it.

    `columns` counts the features (pixels, for images). `note` is what nobody who trains on the set
    may overlook; it appears among the remarks whenever the set is loaded.
    """

    name: str
    rows: int
    columns: int
    task: str
    description: str
    provenance: str
    licence: str
    note: str = ""


_DRAWN = "drawn afresh from the seed"
_OWN = "Apache-2.0, like the library"

_CARDS = (
    DatasetCard(
        "housing",
        506,
        13,
        "regression",
        "median value of homes (MEDV, thousand dollars) in 506 districts around Boston, 1970",
        "Harrison and Rubinfeld, 'Hedonic prices and the demand for clean air', Journal of "
        "Environmental Economics and Management 5, 1978; from the US census of 1970",
        "none stated; distributed freely by StatLib, Carnegie Mellon University",
        "column B encodes the share of Black residents, 1000·(Bk − 0.63)², a formula whose "
        "authors assumed that racial self-segregation affects prices; scikit-learn withdrew the "
        "set for it. It is here because course material uses it, and because a learner should see "
        "how bias enters data. To train without it: leave_out=['B'], or --leave-out B",
    ),
    DatasetCard(
        "digits",
        1797,
        64,
        "classification",
        "handwritten digits of 13 people, 8×8 pixels of 17 grey levels",
        "Alpaydin and Kaynak, 'Optical Recognition of Handwritten Digits', test part, UCI Machine "
        "Learning Repository, 1998, doi:10.24432/C50P49; as distributed with scikit-learn",
        "CC BY 4.0",
    ),
    DatasetCard(
        "mnist",
        8000,
        784,
        "classification",
        "handwritten digits, 28×28 pixels of 256 grey levels: 8,000 of the 70,000",
        "LeCun, Cortes and Burges, 'The MNIST database of handwritten digits', 1998; from NIST "
        "Special Databases 1 and 3",
        "CC BY-SA 3.0 (copyright Yann LeCun and Corinna Cortes)",
        "a part of MNIST: scores do not compare with those published for all of it",
    ),
    DatasetCard(
        "xor",
        4,
        2,
        "classification",
        "the truth table of exclusive or",
        "four rows, complete",
        _OWN,
    ),
    DatasetCard(
        "blobs", 400, 2, "classification", "two round clouds that a line separates", _DRAWN, _OWN
    ),
    DatasetCard("moons", 400, 2, "classification", "two interleaved half circles", _DRAWN, _OWN),
    DatasetCard("circles", 400, 2, "classification", "a ring inside another", _DRAWN, _OWN),
    DatasetCard("spirals", 400, 2, "classification", "two spiral arms of 1.75 turns", _DRAWN, _OWN),
    DatasetCard(
        "crumpled",
        1000,
        3,
        "classification",
        "two sheets of paper in space, crumpled together",
        _DRAWN,
        _OWN,
    ),
)


def datasets() -> list[DatasetCard]:
    """The cards of all packaged data sets; any of their names is a source for `load_data`."""
    return list(_CARDS)


def open_packaged(name: str, seed: int) -> Source:
    """The packaged set called `name`; toy sets are drawn from the seed's stream ("data", name)."""
    card = next(card for card in _CARDS if card.name == name)
    if name in TOYS:
        source = _drawn(name, seed)
    elif name == "housing":
        source = read_delimited(FOLDER / "boston_housing.csv")
        source.target, source.units = "MEDV", "thousand dollars"
    else:
        source = read_npz(FOLDER / {"digits": "digits.npz", "mnist": "mnist_8k.npz"}[name])
    source.name, source.task, source.provenance = name, card.task, card.provenance
    if card.note:
        source.notes.append(f"{name}: {card.note}")
    return source


def _drawn(name: str, seed: int) -> Source:
    x, y = TOYS[name](Streams(seed)("data", name))
    source = from_pair(x, y, name, "class")
    source.frame = source.frame.rename({f"x{i}": f"x{i + 1}" for i in range(x.shape[1])})
    source.indivisible = name == "xor"
    return source

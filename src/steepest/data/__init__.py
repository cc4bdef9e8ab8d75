"""Floor 3, step 1 of every job: data of any kind brought to shape, split, scaled, in batches.

data = load_data("houses.csv", target="price")
data.train.x, data.train.y      arrays, ready for a model
data.preparation                what was learned about them; travels with the model
data.notes                      remarks, one line each
"""

from steepest.data.catalogue import DatasetCard, datasets
from steepest.data.dataset import Data, Part
from steepest.data.epochs import batches, epoch_order
from steepest.data.load import load_data
from steepest.data.loader import DataLoader, Dataset, TensorDataset
from steepest.data.preparation import Preparation
from steepest.data.scaling import SCALES

__all__ = [
    "Data",
    "DataLoader",
    "Dataset",
    "DatasetCard",
    "Part",
    "Preparation",
    "SCALES",
    "TensorDataset",
    "batches",
    "datasets",
    "epoch_order",
    "load_data",
]

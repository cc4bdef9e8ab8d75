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
from steepest.data.loader import DataLoader, default_collate
from steepest.data.preparation import Preparation
from steepest.data.sampler import (
    BatchSampler,
    RandomSampler,
    Sampler,
    SequentialSampler,
    SubsetRandomSampler,
    WeightedRandomSampler,
)
from steepest.data.samples import ConcatDataset, Dataset, Subset, TensorDataset, random_split
from steepest.data.scaling import SCALES

__all__ = [
    "BatchSampler",
    "ConcatDataset",
    "Data",
    "DataLoader",
    "Dataset",
    "DatasetCard",
    "Part",
    "Preparation",
    "RandomSampler",
    "SCALES",
    "Sampler",
    "SequentialSampler",
    "Subset",
    "SubsetRandomSampler",
    "TensorDataset",
    "WeightedRandomSampler",
    "batches",
    "datasets",
    "default_collate",
    "epoch_order",
    "load_data",
    "random_split",
]

"""The ten digits as drawings of 7 by 12 pixels: the codes of LeNet-5's output layer.

The paper takes them from drawings of all printable characters, in which characters that are easily
confused have codes close to each other, and prints them as a picture, without numbers. The pixels
below are the reading of that picture on which most public reimplementations of LeNet-5 agree;
single pixels of the original may differ.

Source: LeCun, Bottou, Bengio and Haffner, "Gradient-based learning applied to document
recognition", Proceedings of the IEEE 86(11), 1998, section II-B and Fig. 3.
"""

import numpy as np

__all__ = ["digit_codes"]

_DRAWN = """
.#####. ...##.. .#####. ####### .#####. .#####. ..####. ####### .#####. .#####.
....... ..###.. ....... .....## ....... ....... .##.... .....## ##...## ##..###
..###.. .####.. .#####. ....##. ....... ####### ##..... .....## ##...## ##...##
.##.##. ...##.. ##...## ...##.. .##..## ##..... ##..... ....##. ##...## ##...##
##...## ...##.. #....## ..####. .##..## ##..... ######. ...##.. .#####. ##..###
##...## ...##.. ....##. .....## ###..## .####.. ###..## ...##.. ##...## .######
##...## ...##.. ..###.. .....## ##...## ..####. ##...## ..##... ##...## .....##
##...## ...##.. .##.... .....## ##...## .....## ##...## ..##... ##...## .....##
.##.##. ...##.. ##..... ##...## ##..### ##...## ###..## ..##... ##...## ....##.
..###.. .###### ####### .#####. .###### .#####. .#####. ..##... .#####. .####..
....... ....... ....... ....... .....## ....... ....... ....... ....... .......
....... ....... ....... ....... .....## ....... ....... ....... ....... .......
"""


def digit_codes() -> np.ndarray:
    """(10, 84) float32: for each digit its drawing, row by row, ink +1 and paper −1."""
    rows = [line.split() for line in _DRAWN.split("\n") if line]
    ink = np.array([[list(row[digit]) for row in rows] for digit in range(10)]) == "#"
    return np.where(ink, 1, -1).reshape(10, -1).astype(np.float32)

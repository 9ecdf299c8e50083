"""Many tests at once: how many of the findings are to be chance."""

from __future__ import annotations

import numpy as np

from dxnotebook.arrays import Array


def benjamini_hochberg(p_values: Array) -> Array:
    """Return p-values adjusted for their number.

    Of what is found where these are at most 5 %, no more than 5 % are expected to be chance: the
    false discovery rate (Y. Benjamini and Y. Hochberg, JRSS B 57, 1995). Null is no test.

    Examples
    --------
    >>> import numpy as np
    >>> from dxnotebook.metrics.multiplicity import benjamini_hochberg
    >>> benjamini_hochberg(np.array([0.01, 0.5, 0.02, np.nan]))
    array([0.03, 0.5 , 0.03,  nan])
    """
    p = np.asarray(p_values, float)
    falling = np.argsort(-p, kind="stable")[: np.isfinite(p).sum()]
    adjusted = np.full(p.shape, np.nan)
    scale = len(falling) / np.arange(len(falling), 0, -1)
    adjusted[falling] = np.minimum.accumulate(p[falling] * scale)
    return adjusted

"""What partial sums of samples may add up to."""

import numpy as np
import pytest
from nnlaws.chapters.batch_norm.accumulation import partial_sums, shifted_sums


@pytest.mark.parametrize("samples", [1, 2, 3, 17, 100])
def test_one_sort_gives_the_sums_of_samples_less_either_end(samples: int) -> None:
    x = np.random.default_rng(samples).standard_normal((2, samples, 3)) * 2.0 ** np.arange(3) - 1
    ends = (x - end(x, axis=-2, keepdims=True) for end in (np.min, np.max))
    wanted = np.maximum(*(partial_sums(each)[..., -1:, :] for each in ends))
    np.testing.assert_allclose(shifted_sums(x), wanted, rtol=1e-13, atol=0)


def test_partial_sums_are_the_most_that_any_tree_of_sums_adds_up_to() -> None:
    """Of three numbers: two sums, that of the two largest, and of all."""
    x = np.array([1.0, -4.0, 2.0])[:, None]
    assert partial_sums(x)[:, 0].tolist() == [0.0, 6.0, 13.0]

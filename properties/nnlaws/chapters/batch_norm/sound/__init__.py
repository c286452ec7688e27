"""Right ways to compute batch norm, operation by operation, and at size."""

from nnlaws.authoring.variant import SoundVariant
from nnlaws.chapters.batch_norm.sound import at_size, backward, inference, running, train

SOUND: tuple[SoundVariant, ...] = (
    *train.SOUND,
    *backward.SOUND,
    *running.SOUND,
    *inference.SOUND,
    *at_size.SOUND,
)

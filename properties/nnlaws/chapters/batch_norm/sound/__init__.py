"""Right ways to compute batch norm, operation by operation, and at size."""

from nnlaws.authoring.variant import SoundVariant
from nnlaws.chapters.batch_norm.sound import backward, inference, others_at_size, running, train, train_at_size

SOUND: tuple[SoundVariant, ...] = (
    *train.SOUND,
    *backward.SOUND,
    *running.SOUND,
    *inference.SOUND,
    *train_at_size.SOUND,
    *others_at_size.SOUND,
)

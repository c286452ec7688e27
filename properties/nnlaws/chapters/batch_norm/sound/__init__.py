"""Right ways to compute batch norm, operation by operation."""

from nnlaws.authoring.variant import SoundVariant
from nnlaws.chapters.batch_norm.sound import backward, inference, running, train

SOUND: tuple[SoundVariant, ...] = (*train.SOUND, *backward.SOUND, *running.SOUND, *inference.SOUND)

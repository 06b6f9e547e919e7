"""Names that SGLang's configurations of models import, whether or not they are used."""

from torchvision.transforms.functional import InterpolationMode

__all__ = ["InterpolationMode"]

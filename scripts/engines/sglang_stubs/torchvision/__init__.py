"""Stands for torchvision, whose builds fit one build of PyTorch only. SGLang imports it for models that see; ours reads."""

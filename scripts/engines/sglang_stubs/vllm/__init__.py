"""Stands for vLLM, of which SGLang takes one kernel where there is no GPU of a make that it knows."""

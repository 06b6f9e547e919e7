"""An OpenAI-compatible gateway before vLLM and SGLang: every generating request is a turn of a program."""

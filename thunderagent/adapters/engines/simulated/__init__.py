"""A simulated engine behind vLLM's or SGLang's HTTP interface, in real or scaled time: no GPU, no model, scripted answers."""

from thunderagent.adapters.engines.simulated.answers import Answers, Echo
from thunderagent.adapters.engines.simulated.app import build_app
from thunderagent.adapters.engines.simulated.tokenizer import ChatMLTokenizer, Tokenizer

__all__ = ["Answers", "ChatMLTokenizer", "Echo", "Tokenizer", "build_app"]

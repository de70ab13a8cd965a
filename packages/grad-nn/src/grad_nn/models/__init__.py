"""Whole models, put together from the layers, whose published weights load by their names."""

from ._gpt2 import GPT2, GPT2Config, gpt2_state_dict

__all__ = ["GPT2", "GPT2Config", "gpt2_state_dict"]

"""The recipe behind gradeline's embedder: render fruit, train a Siamese network, measure it, export it."""

__version__ = "0.1.0"

"""The Deep Learning Gallery: five applications of deep learning that run on your own machine."""

__version__ = "0.1.0"

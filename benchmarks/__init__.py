"""Measurements: accuracy on labelled data, and ratios of time in one run."""

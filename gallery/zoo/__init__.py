"""Models: what is known of them, where their weights come from, and how a model id becomes a ready predictor."""

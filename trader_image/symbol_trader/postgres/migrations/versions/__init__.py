"""One module per version: `v<number>_<what>.py`, with its SQL beside it."""

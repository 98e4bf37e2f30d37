"""What follows from what was observed. No side effects: no I/O, no clock, no randomness."""

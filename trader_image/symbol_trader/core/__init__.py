"""What the leader decides: pure, exact, without clock, randomness, sockets or a database."""

"""Sources of the outside market: recordings, a seeded synthetic market, and none at all."""

"""The schema's versions, one module each; `symbol_trader.postgres.migrate` runs them."""

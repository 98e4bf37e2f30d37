"""What psql is asked about a symbol's record."""

from __future__ import annotations

# The newest book of the resource: another market means another account, and another book.
BOOK = """
WITH book AS (
  SELECT environment, account, symbol, ended_profit FROM owners
  WHERE namespace = :'namespace' AND name = :'name' ORDER BY claimed_at DESC LIMIT 1
)
SELECT json_build_object(
  'orders', coalesce((SELECT json_agg(json_build_object(
      'trader', trader_id, 'side', side, 'price', trim_scale(price)::text,
      'quantity', trim_scale(quantity)::text, 'executed', trim_scale(executed)::text)
      ORDER BY price DESC, order_id) FROM open_orders NATURAL JOIN book), '[]'),
  'fills', (SELECT count(*) FROM fills NATURAL JOIN book),
  'finished', (SELECT count(*) FROM traders NATURAL JOIN book WHERE state = 'finished'),
  'running', (SELECT count(*) FROM traders NATURAL JOIN book WHERE state = 'running'),
  'profit', coalesce((SELECT trim_scale(ended_profit)::text FROM book), '0'))
"""
"""Answers with what `snapshot.book` reads."""


def arguments(namespace: str, name: str) -> list[str]:
    """Return psql's arguments for `BOOK`, which goes to its standard input."""
    variables = [f"--variable=namespace={namespace}", f"--variable=name={name}"]
    return [*variables, "--quiet", "--no-align", "--tuples-only", "--no-psqlrc"]

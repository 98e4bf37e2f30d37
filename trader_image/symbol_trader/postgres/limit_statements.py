"""The SQL of an account's limits and halts: what reads and writes their rows, and its totals."""

from typing import Final

# $1 to $3 are the ledger, $4 and $5 the epoch.

KNOW_QUOTE_ASSET: Final = """
UPDATE owners SET quote_asset = $6::text
WHERE (environment, account, symbol) = ($1::text, $2::text, $3::text)
    AND epoch = $4::bigint AND nonce = $5::text AND released_at IS NULL
RETURNING epoch
"""

RECORD_BID: Final = """
SELECT TRUE FROM record_bid(
    ROW($1::text, $2::text, $3::text)::book, $4::bigint, $5::text, $6::numeric
) AS recorded WHERE recorded
"""

KEEP_TOTALS: Final = "SELECT keep_totals(ROW($1::text, $2::text, $3::text)::book, $4::text)"
"""Work out again what a trader ($4) has open, once `SETTLE` has changed an order of it."""

# $1 and $2 are environment and account.

MIRROR: Final = "SELECT mirror_limit($1::text, $2::text, $3::jsonb) AS news"
FORGET: Final = "SELECT forget_limit($1::text, $2::text, $3::text) AS news"
HALT: Final = "SELECT halt_account($1::text, $2::text, $3::text, $4::text)"
READ: Final = """
WITH here AS (
    SELECT environment, account, quote_asset FROM owners
    WHERE (environment, account, symbol) = ($1::text, $2::text, $3::text)
), standing AS (
    SELECT l.* FROM trading_limits AS l JOIN here USING (environment, account)
    WHERE l.deleted_at IS NULL
)
SELECT (
    SELECT coalesce(json_agg(json_build_object(
        'reason', h.reason, 'on_limit', h.on_limit,
        'since_ms', floor(extract(epoch FROM h.since) * 1000)::bigint
    ) ORDER BY h.since, h.source), '[]')
    FROM halts AS h JOIN here USING (environment, account)
    WHERE (h.until_day IS NULL OR h.until_day > utc_day(clock_timestamp()))
        AND coalesce(h.quote_asset = here.quote_asset, true)
)::text AS halts, (
    SELECT coalesce(json_agg(json_build_object(
        'uid', uid, 'generation', generation, 'cluster', cluster, 'namespace', namespace,
        'name', name
    ) ORDER BY uid), '[]')
    FROM standing
)::text AS limits, EXISTS (
    SELECT FROM standing, here
    WHERE num_nonnulls(max_daily_loss, max_drawdown) > 0
        AND coalesce(standing.quote_asset = here.quote_asset, true)
) AS needs_bids
"""
RESUME: Final = "SELECT reason FROM resume_account($1::text, $2::text) AS reason"

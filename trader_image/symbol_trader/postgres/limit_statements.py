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
_KNOWN: Final = (
    "ARRAY(SELECT DISTINCT environment || ' ' || account AS known FROM owners ORDER BY known)"
)
HALT: Final = f"""
SELECT halt_account($1::text, $2::text, $3::text, $4::text), {_KNOWN} AS known
"""
"""Halt an account, known to any leader or not; return those that are, as `environment account`."""
RESUME: Final = f"""
SELECT ARRAY(SELECT reason FROM resume_account($1::text, $2::text) AS reason) AS reasons,
    {_KNOWN} AS known
"""  # noqa: S608 - constants alone
"""The same for what lets it go on, with the reasons of the halts that stay."""
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

TAKE_ON_BIDS: Final = """
WITH unled AS (
    SELECT o.environment, o.account, o.symbol
    FROM owners AS o JOIN owners AS here USING (environment, account, quote_asset)
    WHERE (environment, account, here.symbol) = ($1::text, $2::text, $3::text)
        AND o.symbol <> here.symbol AND o.net_base <> 0
        AND coalesce(o.bid_at < clock_timestamp() - $4::interval, true)
        AND coalesce(o.bid_asked_at < clock_timestamp() - $5::interval, true)
    ORDER BY o.symbol LIMIT $6::integer
    FOR NO KEY UPDATE OF o SKIP LOCKED
)
UPDATE owners SET bid_asked_at = now() FROM unled
WHERE (owners.environment, owners.account, owners.symbol)
    = (unled.environment, unled.account, unled.symbol)
RETURNING owners.symbol, bid_asked_at
"""
"""Set out to ask for the bids of symbols that hold something, where a bid is older than $4.

They have the quote asset of the symbol $3: only these keep it from buying. One leader does so in
an interval ($5). Whose row is in use has a leader that is at work.
"""

RECORD_BIDS_OF_OTHERS: Final = """
SELECT record_bids_of_others($1::text, $2::text, $3::timestamptz, $4::jsonb)
"""

HEAR: Final = """
UPDATE owners SET heard = $6::jsonb
WHERE (environment, account, symbol) = ($1::text, $2::text, $3::text)
    AND epoch = $4::bigint AND nonce = $5::text AND released_at IS NULL
RETURNING epoch
"""
"""Note which generation of each limit a leader has heard of ($6), by uid."""

CLAIM_REPORT: Final = """
UPDATE trading_limits SET reported_at = clock_timestamp()
WHERE (environment, account, uid) = ($1::text, $2::text, $3::text) AND deleted_at IS NULL
    AND coalesce(reported_at < clock_timestamp() - $4::interval, true)
RETURNING generation
"""
"""Set out to report a limit's status ($3): one leader does in an interval ($4)."""

REPORT: Final = """
WITH of_limit AS (
    SELECT * FROM trading_limits
    WHERE (environment, account, uid) = ($1::text, $2::text, $3::text)
), ledgers AS (
    SELECT o.* FROM owners AS o JOIN of_limit AS l USING (environment, account)
    WHERE coalesce(l.quote_asset = o.quote_asset, true)
), standing AS (
    SELECT h.* FROM halts AS h JOIN of_limit AS l USING (environment, account)
    WHERE (until_day IS NULL OR until_day > utc_day(clock_timestamp()))
        AND coalesce(l.quote_asset = h.quote_asset, true)
), exposed AS (
    SELECT quote_asset, sum(exposure + greatest(ended_carried_cost, 0)) AS used
    FROM ledgers WHERE quote_asset IS NOT NULL GROUP BY quote_asset
), lost AS (
    SELECT r.quote_asset, greatest(r.highest - r.result, 0) AS from_highest,
        CASE WHEN r.day = utc_day(clock_timestamp()) THEN greatest(r.day_start - r.result, 0)
            ELSE 0 END AS today
    FROM account_results AS r JOIN of_limit AS l USING (environment, account)
    WHERE coalesce(l.quote_asset = r.quote_asset, true)
), usage AS (
    SELECT 'maxExposure' AS name, exposed.quote_asset, used, max_exposure::numeric AS most
    FROM exposed, of_limit
    UNION ALL
    SELECT 'maxDailyLoss', lost.quote_asset, today, max_daily_loss FROM lost, of_limit
    UNION ALL
    SELECT 'maxDrawdown', lost.quote_asset, from_highest, max_drawdown FROM lost, of_limit
    UNION ALL
    SELECT 'maxOpenCycles', '', coalesce((SELECT sum(open_cycles) FROM ledgers), 0),
        max_open_cycles
    FROM of_limit
    UNION ALL
    SELECT 'maxOrdersPerMinute', '', (
        SELECT count(*) FROM orders JOIN ledgers USING (environment, account, symbol)
        WHERE committed_at > statement_timestamp() - interval '1 min'
    ), max_orders_per_minute
    FROM of_limit
)
SELECT l.generation, l.uid, l.namespace, l.name, l.environment, l.account, l.halt, (
    SELECT count(*) FROM ledgers WHERE released_at IS NULL
) AS leaders, (
    SELECT count(*) FROM ledgers
    WHERE released_at IS NULL AND (heard->>l.uid)::bigint = l.generation
) AS leaders_heard, (
    SELECT coalesce(json_agg(json_build_object(
        'limit', usage.name, 'quote_asset', usage.quote_asset, 'used', trim_scale(used)::text,
        'most', trim_scale(most)::text, 'reached_since', (
            SELECT to_char(min(since) AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS"Z"')
            FROM standing WHERE source = usage.name || ' ' || usage.quote_asset
        )
    ) ORDER BY usage.name, usage.quote_asset), '[]') FROM usage WHERE most IS NOT NULL
)::text AS usage, (
    SELECT coalesce(json_agg(json_build_object(
        'reason', reason, 'on_limit', on_limit,
        'since_ms', floor(extract(epoch FROM since) * 1000)::bigint
    ) ORDER BY since, source), '[]') FROM standing
)::text AS halts, (
    SELECT coalesce(json_agg(namespace || '/' || name ORDER BY uid), '[]')
    FROM trading_limits AS other
    WHERE (other.environment, other.account) = (l.environment, l.account)
        AND other.uid <> l.uid AND other.deleted_at IS NULL
        AND coalesce(other.quote_asset = l.quote_asset, true)
)::text AS others
FROM of_limit AS l
"""
"""What is used of a limit ($3), what halts its account, who has heard of it, and what other limits
hold for it, too. Amounts are text: they are exact. Only a moment that the whole statement shares
lets an index find the newest orders."""

"""The SQL of a leader. $1 to $5 are always the ledger and the epoch that must still hold it.

Whatever writes checks the epoch in the same statement, under a lock that a claim waits for: a
claim that comes first makes it write nothing, one that comes later finds what it wrote.
"""

# The pieces put together below are constants of this module.
# ruff: noqa: S608 - constants alone

from typing import Final

_LEDGER: Final = "(environment, account, symbol) = ($1::text, $2::text, $3::text)"
_HELD: Final = f"{_LEDGER} AND epoch = $4::bigint AND nonce = $5::text AND released_at IS NULL"

_WATERMARK_MS: Final = "CASE WHEN watermark_ms_of = watermark THEN watermark_ms END"
"""A leader of the version before, which may still run, moves the watermark alone."""

SCHEMA_VERSION: Final = "SELECT version_num FROM schema_version"

ORIGIN: Final = """
SELECT system_identifier::text AS system, CASE WHEN NOT pg_is_in_recovery() THEN
    ('x' || substr(pg_walfile_name(pg_current_wal_lsn()), 1, 8))::bit(32)::bigint
END AS timeline
FROM pg_control_system()
"""
"""Which PostgreSQL this is. The timeline begins the names of the files that its log goes to."""

DURABLE_COMMITS: Final = """
SELECT set_config('synchronous_commit', 'on', false)
WHERE current_setting('synchronous_commit') IN ('off', 'local')
"""
"""The promise needs commits that survive a crash; stronger settings of the server stay."""

CLAIM: Final = """
WITH claimed AS (
    INSERT INTO owners AS held (
        environment, account, symbol, cluster, namespace, name, pod, epoch, nonce
    )
    SELECT $1::text, $2::text, $3::text, $4::text, $5::text, $6::text, $7::text, 1,
        gen_random_uuid()::text
    WHERE NOT EXISTS (
        SELECT FROM owners AS other
        JOIN traders USING (environment, account, symbol)
        WHERE other.environment = $1 AND other.account <> $2 AND other.symbol = $3
            AND (other.cluster, other.namespace, other.name) = ($4, $5, $6)
            AND traders.state = 'running'
    )
    AND NOT EXISTS (SELECT FROM barred WHERE barred.pod = $7)
    ON CONFLICT (environment, account, symbol) DO UPDATE SET
        cluster = excluded.cluster, namespace = excluded.namespace, name = excluded.name,
        pod = excluded.pod, epoch = held.epoch + 1, nonce = excluded.nonce,
        claimed_at = now(), released_at = NULL
    WHERE (
            held.released_at IS NOT NULL
            OR (held.cluster, held.namespace, held.name)
                = (excluded.cluster, excluded.namespace, excluded.name)
        )
        AND (
            held.pod = excluded.pod
            OR NOT EXISTS (
                SELECT FROM epochs
                WHERE (environment, account, symbol, pod) = ($1, $2, $3, $7)
            )
        )
    RETURNING epoch, nonce, settlements
), remembered AS (
    INSERT INTO epochs (environment, account, symbol, epoch, cluster, namespace, name, pod)
    SELECT $1, $2, $3, epoch, $4, $5, $6, $7 FROM claimed
)
SELECT epoch, nonce, settlements FROM claimed
"""
"""Take the next epoch. $4 to $6 are the owner, $7 the pod. No row: refused, see `HOLDER`.

A pod that held the ledger and was superseded by another never takes it again, or the two would
depose each other without end. Nor does one that was barred, see `BAR`.
"""

BARRED: Final = "SELECT barred_at FROM barred WHERE pod = $1::text"

HOLDER: Final = f"""
SELECT cluster, namespace, name, pod, epoch, claimed_at, released_at FROM owners WHERE {_LEDGER}
"""

OTHER_ACCOUNTS: Final = """
SELECT account, count(*) AS traders
FROM owners JOIN traders USING (environment, account, symbol)
WHERE environment = $1::text AND account <> $2::text AND symbol = $3::text
    AND (cluster, namespace, name) = ($4::text, $5::text, $6::text)
    AND state = 'running'
GROUP BY account
"""

CONFIRM: Final = f"""
SELECT $6::text IS NULL OR EXISTS (
    SELECT FROM orders WHERE {_LEDGER} AND client_order_id = $6::text
) AS whole
FROM owners WHERE {_HELD}
"""
"""Check the epoch, and that the intent committed last ($6) is there."""

UNRECORDED_FILLS: Final = f"""
SELECT asked.order_id, asked.trade_id, asked.time_ms
FROM unnest($6::bigint[], $7::bigint[], $8::bigint[]) AS asked (order_id, trade_id, time_ms)
WHERE EXISTS (SELECT FROM owners WHERE {_HELD}) AND NOT EXISTS (
    SELECT FROM orders JOIN fills USING (environment, account, symbol, client_order_id)
    WHERE {_LEDGER} AND (orders.order_id, fills.trade_id, fills.time_ms)
        = (asked.order_id, asked.trade_id, asked.time_ms)
)
"""
"""Those fills that are not on record: numbers alone do not tell, they may begin again."""

UNRECORDED_CLIENT_ORDER_IDS: Final = f"""
SELECT asked.id FROM unnest($6::text[]) AS asked (id)
WHERE EXISTS (SELECT FROM owners WHERE {_HELD})
    AND NOT EXISTS (
        SELECT FROM orders WHERE {_LEDGER} AND client_order_id = asked.id AND NOT never_there(state)
    )
    AND NOT EXISTS (SELECT FROM cancels WHERE {_LEDGER} AND cancel_id = asked.id)
    AND NOT EXISTS (SELECT FROM disowned WHERE {_LEDGER} AND client_order_id = asked.id)
"""

NOTE: Final = """
SELECT client_order_id, reason, message FROM note_within_limits(
    ROW($1::text, $2::text, $3::text)::book, $4::bigint, $5::text, $6::bigint, $7::jsonb
)
"""
"""Note changes ($7), unless a person has settled something since the record was loaded, $6.

Its rows are the buys that a limit or a halt of the account has refused: all else is noted.
"""

_SEEN_BEFORE: Final = f"($7::bigint, $6::bigint) < ({_WATERMARK_MS}, watermark)"

ADVANCE_WATERMARK: Final = f"""
UPDATE owners SET
    watermark = CASE WHEN {_SEEN_BEFORE} THEN watermark ELSE $6::bigint END,
    watermark_ms = CASE WHEN {_SEEN_BEFORE} THEN watermark_ms ELSE $7::bigint END,
    watermark_ms_of = CASE WHEN {_SEEN_BEFORE} THEN watermark_ms_of ELSE $6::bigint END
WHERE {_HELD}
RETURNING watermark
"""
"""Note a trade ($6) and its time ($7). It goes on in time: ids may begin again."""

MIRROR_SETTINGS: Final = f"""
INSERT INTO settings AS mirror (
    cluster, namespace, name, environment, symbol, status, budget, chunks,
    buy_down, profit, rebuy, max_buy_age_ms, unfilled_buys, deadline_ms, at_deadline,
    revision, shutdown_since
)
SELECT cluster, namespace, name, environment, symbol, $6::text::trading_status, $7::numeric,
    $8::integer, $9::numeric, $10::numeric, $11::numeric, $12::bigint, $13::text, $14::bigint,
    $15::text, $16::text, CASE WHEN $6::text = 'shutdown' THEN now() END
FROM owners
WHERE {_HELD}
FOR SHARE
ON CONFLICT (cluster, namespace, name) DO UPDATE SET
    environment = excluded.environment, symbol = excluded.symbol, status = excluded.status,
    budget = excluded.budget, chunks = excluded.chunks, buy_down = excluded.buy_down,
    profit = excluded.profit, rebuy = excluded.rebuy, max_buy_age_ms = excluded.max_buy_age_ms,
    unfilled_buys = excluded.unfilled_buys, deadline_ms = excluded.deadline_ms,
    at_deadline = excluded.at_deadline, mirrored_at = now(), revision = excluded.revision,
    shutdown_since = CASE
        WHEN excluded.status <> 'shutdown' THEN NULL
        WHEN mirror.revision IN (excluded.revision, $17::text)
            THEN coalesce(mirror.shutdown_since, now())
        ELSE now()
    END
RETURNING name
"""
"""Mirror a resource's settings of a revision ($16) that directly follows another one ($17).

Where revisions between the mirror's and this one were missed, an off may have been among them: it
counts as another shutdown then, which at worst lasts longer. The other mistake would sell.
"""

RELEASE: Final = f"""
UPDATE owners SET released_at = now()
WHERE {_HELD} AND NOT EXISTS (SELECT FROM traders WHERE {_LEDGER} AND state = 'running')
RETURNING epoch
"""

TAKEOVER: Final = f"""
WITH taken AS (
    UPDATE owners SET
        cluster = $4::text, namespace = $5::text, name = $6::text, pod = 'takeover',
        epoch = epoch + 1, nonce = gen_random_uuid()::text, claimed_at = now(), released_at = NULL
    WHERE {_LEDGER}
    RETURNING epoch
), remembered AS (
    INSERT INTO epochs (environment, account, symbol, epoch, cluster, namespace, name, pod)
    SELECT $1::text, $2::text, $3::text, epoch, $4::text, $5::text, $6::text, 'takeover' FROM taken
)
SELECT epoch FROM taken
"""
"""Give a ledger to another owner ($4 to $6) and end the epoch of whoever leads it now."""

# To fence a pod: in one transaction, in this order.

HOLD_CLAIMS: Final = "LOCK TABLE epochs IN SHARE MODE"
"""Wait for claims under way and hold up later ones: each sees the bar, or is seen by `FENCE`."""

BAR: Final = "INSERT INTO barred (pod) VALUES ($1::text) ON CONFLICT DO NOTHING"
"""Let a pod ($1) take no epoch any more: it may not have had one when it was lost."""

FENCE: Final = """
WITH taken AS (
    UPDATE owners SET
        pod = $2::text, epoch = epoch + 1, nonce = gen_random_uuid()::text, claimed_at = now()
    WHERE pod IN ($1::text, $2::text) AND released_at IS NULL
    RETURNING environment, account, symbol, cluster, namespace, name, epoch, nonce
), remembered AS (
    INSERT INTO epochs (environment, account, symbol, epoch, cluster, namespace, name, pod)
    SELECT environment, account, symbol, epoch, cluster, namespace, name, $2::text FROM taken
)
SELECT environment, account, symbol, epoch, nonce FROM taken
"""
"""Take the next epoch of each ledger that a pod ($1) holds, in the name of its fence ($2).

A ledger that a later leader holds is left to it. What the fence holds already it takes again: the
answer to its first attempt may have been lost.
"""

RENAME_OWNER: Final = """
WITH mirrored AS (
    UPDATE settings SET cluster = $6::text, namespace = $7::text, name = $8::text
    WHERE (environment, symbol) = ($1::text, $2::text)
        AND (cluster, namespace, name) = ($3::text, $4::text, $5::text)
        AND NOT EXISTS (SELECT FROM settings WHERE (cluster, namespace, name) = ($6, $7, $8))
)
UPDATE owners SET cluster = $6::text, namespace = $7::text, name = $8::text
WHERE (environment, symbol) = ($1::text, $2::text)
    AND (cluster, namespace, name) = ($3::text, $4::text, $5::text)
RETURNING account
"""
"""Give an owner of a symbol's ledgers ($3 to $5) another name ($6 to $8); its epochs stand."""

DISOWN: Final = f"""
INSERT INTO disowned (environment, account, symbol, client_order_id, reason)
SELECT environment, account, symbol, asked.id, $5::text
FROM owners, unnest($4::text[]) AS asked (id)
WHERE {_LEDGER}
ON CONFLICT DO NOTHING
RETURNING client_order_id
"""
"""Note that a person answers for orders ($4) that the record does not hold."""

ORDER_TO_SETTLE: Final = f"""
SELECT orders.state::text, orders.quantity, orders.current_quantity, orders.order_id,
    orders.executed, orders.executed_quote, orders.settled_because, filled, filled_quote,
    traders.trader_id, traders.state::text AS trader_state
FROM owners
JOIN orders USING (environment, account, symbol)
JOIN traders USING (environment, account, symbol, trader_id)
JOIN settlements USING (environment, account, symbol, client_order_id)
WHERE {_LEDGER} AND client_order_id = $4::text
FOR UPDATE OF owners, orders, traders
"""
"""An order ($4) and what is known of it. The locks keep leaders from noting until `SETTLE`."""

SETTLE: Final = f"""
WITH counted AS (
    UPDATE owners SET settlements = settlements + 1 WHERE {_LEDGER}
)
UPDATE orders
SET state = $5::text::order_state, executed = $6::numeric, executed_quote = $7::numeric,
    fills_given_up = true, acknowledged = true, settled_because = $8::text,
    changed_at = clock_timestamp()
WHERE {_LEDGER} AND client_order_id = $4::text
"""
"""Note how an order ($4) ended, as a person says; that also acknowledges it.

The leader notices by the ledger's count of settlements.
"""

SETTLED_MEANWHILE: Final = f"SELECT settlements <> $6::bigint AS more FROM owners WHERE {_HELD}"

# What a leader loads, in one snapshot.

SUMS: Final = f"""
SELECT watermark, {_WATERMARK_MS} AS watermark_ms, settlements, installation.id AS installation,
    ended_count AS finished, ended_profit AS profit, ended_carried + running.carried AS carried,
    ended_carried_cost AS carried_cost,
    coalesce(extract(epoch FROM now() - mirror.shutdown_since) * 1000, 0)::bigint AS shutdown_age_ms
FROM owners
CROSS JOIN installation
LEFT JOIN (SELECT cluster, namespace, name, shutdown_since FROM settings) AS mirror
    USING (cluster, namespace, name)
CROSS JOIN (
    SELECT coalesce(sum(carried), 0) AS carried FROM cycles WHERE {_LEDGER} AND state = 'running'
) AS running
WHERE {_HELD}
"""
"""What is over was added up when it ended; only what runs is added up here."""

TRADERS: Final = f"""
SELECT trader_id, chunk_budget, buy_down, profit_interval, rebuy, started_ms,
    EXISTS (
        SELECT FROM traders AS child
        WHERE (child.environment, child.account, child.symbol, child.parent)
            = (t.environment, t.account, t.symbol, t.trader_id)
    ) AS rebuy_spent
FROM traders AS t
WHERE {_LEDGER} AND state = 'running'
ORDER BY started_ms, trader_id
"""

_RUNNING: Final = (
    f"trader_id IN (SELECT trader_id FROM traders WHERE {_LEDGER} AND state = 'running')"
)

ATTEMPTS: Final = f"""
SELECT trader_id, side::text, max(attempt) AS attempt
FROM orders
WHERE {_LEDGER} AND {_RUNNING}
GROUP BY trader_id, orders.side
"""

ORDERS: Final = f"""
SELECT client_order_id, trader_id, side::text, attempt, price, quantity, time_in_force::text,
    timestamp_ms, recv_window_ms, state::text, order_id, executed, executed_quote, reason,
    current_quantity, fills_given_up, acknowledged, settled_because IS NOT NULL AS settled,
    missing AND state = 'open' AS missing
FROM orders
WHERE {_LEDGER} AND {_RUNNING} AND NOT never_there(state)
ORDER BY orders.side, attempt
"""

CANCELS: Final = f"""
SELECT cancel_id, client_order_id, orders.trader_id, cancels.attempt, cancels.timestamp_ms,
    cancels.recv_window_ms, cancels.reason
FROM cancels JOIN orders USING (environment, account, symbol, client_order_id)
WHERE {_LEDGER} AND orders.{_RUNNING} AND NOT never_there(state)
ORDER BY cancels.attempt
"""

FILLS: Final = f"""
SELECT client_order_id, order_id, trade_id, price, quantity, quote_quantity, commission,
    commission_asset, is_maker, time_ms, fee_value, fee_price, fee_source, fee_price_ms
FROM fills
WHERE {_LEDGER} AND {_RUNNING}
ORDER BY trade_id
"""

UNVALUED_FEES: Final = f"""
SELECT trader_id, client_order_id, trade_id, asset, amount, time_ms
FROM (
    SELECT *, row_number() OVER (
        PARTITION BY asset ORDER BY time_ms, client_order_id, trade_id
    ) AS number
    FROM unvalued_fees WHERE {_LEDGER}
) AS numbered
WHERE number <= $4::integer
ORDER BY time_ms, client_order_id, trade_id
"""
"""The oldest of each asset ($4): after an update, a whole history may be without values."""

UNVALUED_SUMS: Final = f"""
SELECT asset, sum(amount) AS amount FROM unvalued_fees WHERE {_LEDGER} GROUP BY asset
"""

RESERVE_SLOT: Final = """
INSERT INTO limit_slots AS slots (environment, kind, scope, reserved_until)
SELECT $1::text, $2::text, $3::text, clock_timestamp() + make_interval(secs => $4::float8)
FROM set_config('synchronous_commit', 'off', true)
ON CONFLICT (environment, kind, scope) DO UPDATE
SET reserved_until = make_interval(secs => $4::float8) + CASE
    WHEN slots.reserved_until > clock_timestamp() + make_interval(secs => $6::float8)
    THEN clock_timestamp()
    ELSE greatest(slots.reserved_until, clock_timestamp())
END
WHERE slots.reserved_until <= clock_timestamp() + make_interval(secs => $5::float8)
    OR slots.reserved_until > clock_timestamp() + make_interval(secs => $6::float8)
RETURNING extract(epoch FROM reserved_until - clock_timestamp()) AS ends_in_s
"""
"""Reserve the next slot of a limit, unless slots are reserved for longer than $5 seconds.

Nobody has reserved for longer than $6 seconds: if it says so, the clock has been set back, or the
database runs elsewhere now, and nobody would have a slot until it is as late again.

The setting holds for this statement alone, which is a transaction of its own.
"""

RECENT_REPLY: Final = """
SELECT result, extract(epoch FROM clock_timestamp() - read_at) AS age_s
FROM exchange_replies
WHERE (environment, symbol, method, account) = ($1::text, $2::text, $3::text, $4::text)
    AND read_at > clock_timestamp() - make_interval(secs => $5::float8)
"""

KEEP_REPLY: Final = """
INSERT INTO exchange_replies (environment, symbol, method, account, result, read_at)
VALUES ($1::text, $2::text, $3::text, $4::text, $5::text, clock_timestamp())
ON CONFLICT (environment, symbol, method, account) DO UPDATE
SET result = excluded.result, read_at = excluded.read_at
"""

FORGET_REPLY: Final = """
DELETE FROM exchange_replies
WHERE (environment, symbol, method) = ($1::text, $2::text, $3::text)
"""

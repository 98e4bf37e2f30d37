-- All fees count, whatever asset they are charged in. What is over is added up once, on the row of
-- its book. A leader of the version before works with this: what it does not tell is worked out.

DROP VIEW reasons, story, leaders, open_orders, commission_by_asset, profit_by_day, positions,
    cycles, settlements, executions;

-- What a commission was charged in, seen from the symbol.

CREATE TYPE fee_asset AS ENUM ('base', 'quote', 'other', 'none');

-- The record does not know a symbol's assets, and a leader of the version before does not tell:
-- then the names have to do.
CREATE FUNCTION fee_asset_of(symbol text, commission_asset text, commission numeric)
RETURNS fee_asset LANGUAGE sql IMMUTABLE
RETURN CASE
    WHEN commission = 0 OR commission_asset = '-' THEN 'none'
    WHEN starts_with(symbol, commission_asset) THEN 'base'
    WHEN right(symbol, length(commission_asset)) = commission_asset THEN 'quote'
    ELSE 'other'
END::fee_asset;

-- Whose it is stands in a fill itself, too: what is read by trader, or newest first, needs no join.
ALTER TABLE fills
    ADD COLUMN trader_id client_id,
    ADD COLUMN side order_side,
    ADD COLUMN fee_in fee_asset,
    ADD COLUMN fee_value amount,
    ADD COLUMN fee_price positive_amount,
    ADD COLUMN fee_source name_text,
    ADD COLUMN fee_price_ms milliseconds;
UPDATE fills AS f
SET fee_in = fee_asset_of(f.symbol, commission_asset, commission), trader_id = o.trader_id,
    side = o.side
FROM orders AS o
WHERE (o.environment, o.account, o.symbol, o.order_id)
    = (f.environment, f.account, f.symbol, f.order_id);
ALTER TABLE fills
    ALTER COLUMN trader_id SET NOT NULL,
    ALTER COLUMN side SET NOT NULL,
    ALTER COLUMN fee_in SET NOT NULL,
    ADD CONSTRAINT fee_value_whole CHECK (
        num_nonnulls(fee_value, fee_price, fee_source, fee_price_ms) IN (0, 4)
    ),
    ADD CONSTRAINT fee_value_of_others CHECK (fee_value IS NULL OR fee_in = 'other');
COMMENT ON COLUMN fills.fee_in IS 'Whether the commission is in the base, the quote or another asset.';
COMMENT ON COLUMN fills.fee_value IS 'A commission in another asset, valued in quote; NULL: not yet.';
COMMENT ON COLUMN fills.fee_price IS 'What one of that asset cost in quote, by fee_source at fee_price_ms.';
CREATE INDEX unvalued ON fills (environment, account, symbol)
    WHERE fee_in = 'other' AND fee_value IS NULL;

CREATE INDEX fills_of_trader ON fills (trader_id);

-- A leader of the version before leaves these out until it notes what became of the cancel; and it
-- joins cancels to orders, so they have names that no column of orders has.
ALTER TABLE cancels
    ADD COLUMN of_trader client_id,
    ADD COLUMN of_side order_side;
UPDATE cancels AS c SET of_trader = o.trader_id, of_side = o.side
FROM orders AS o
WHERE (o.environment, o.account, o.symbol, o.client_order_id)
    = (c.environment, c.account, c.symbol, c.client_order_id);

-- An order that was amended, whose fills cannot be read, or of which a person said how it ended.

ALTER TABLE orders
    ADD COLUMN current_quantity positive_amount,
    ADD COLUMN fills_given_up boolean NOT NULL DEFAULT false,
    ADD COLUMN acknowledged boolean NOT NULL DEFAULT false,
    ADD COLUMN settled_because name_text,
    -- Not changed_at itself is indexed: each part of a fill moves it, and would touch all indexes.
    ADD COLUMN ended_at timestamptz GENERATED ALWAYS AS (
        CASE WHEN state >= 'filled' THEN changed_at END
    ) STORED,
    DROP CONSTRAINT filled_means_all,
    DROP CONSTRAINT executed_within_quantity,
    DROP CONSTRAINT known_to_the_exchange,
    ADD CONSTRAINT executed_within_quantity CHECK (executed <= least(quantity, current_quantity)),
    ADD CONSTRAINT known_to_the_exchange CHECK (
        CASE
            WHEN state IN ('refused', 'absent') THEN order_id IS NULL AND executed = 0
            WHEN state IN ('open', 'filled', 'canceled', 'expired')
                THEN order_id IS NOT NULL OR settled_because IS NOT NULL
            ELSE true
        END
    ),
    ADD CONSTRAINT settled_is_over CHECK (
        settled_because IS NULL OR state >= 'filled' AND fills_given_up
    );
ALTER TABLE orders SET (fillfactor = 80);
-- By the same clock as what became of them: one commit may end a cycle and begin the next.
ALTER TABLE orders
    ALTER COLUMN committed_at SET DEFAULT clock_timestamp(),
    ALTER COLUMN changed_at SET DEFAULT clock_timestamp();
ALTER TABLE cancels ALTER COLUMN committed_at SET DEFAULT clock_timestamp();
COMMENT ON COLUMN orders.quantity IS 'What was intended; current_quantity is less where it was amended.';
COMMENT ON COLUMN orders.fills_given_up IS 'Its fills cannot be read: executed and executed_quote count.';
COMMENT ON COLUMN orders.acknowledged IS 'A person knows that others canceled or reduced it.';
COMMENT ON COLUMN orders.settled_because IS 'A person said how it ended, and why; news of it is ignored.';

ALTER TABLE owners ADD COLUMN settlements bigint NOT NULL DEFAULT 0 CHECK (settlements >= 0);
COMMENT ON COLUMN owners.settlements IS 'How many orders people settled: who loaded fewer notes nothing.';

-- What a trader leaves, with its cost, and what its profit lost since.

ALTER TABLE traders
    ADD COLUMN carried_cost signed_amount,
    ADD COLUMN late_fees amount NOT NULL DEFAULT 0;
COMMENT ON COLUMN traders.carried IS 'Base asset that it left to later sells; negative: it took some along.';
COMMENT ON COLUMN traders.carried_cost IS 'What that had cost, in quote, with the same sign.';
COMMENT ON COLUMN traders.late_fees IS 'Fees that were valued after its end; its profit fell by them.';

-- Totals of the ended traders.

ALTER TABLE owners
    ADD COLUMN ended_count bigint NOT NULL DEFAULT 0 CHECK (ended_count >= 0),
    ADD COLUMN ended_profit signed_amount NOT NULL DEFAULT 0,
    ADD COLUMN ended_carried signed_amount NOT NULL DEFAULT 0,
    ADD COLUMN ended_carried_cost signed_amount NOT NULL DEFAULT 0,
    ADD COLUMN ended_bought amount NOT NULL DEFAULT 0,
    ADD COLUMN ended_sold amount NOT NULL DEFAULT 0,
    ADD COLUMN ended_base_commission amount NOT NULL DEFAULT 0,
    ADD COLUMN ended_held amount NOT NULL DEFAULT 0,
    ADD COLUMN ended_stranded amount NOT NULL DEFAULT 0;
COMMENT ON COLUMN owners.ended_count IS 'Its traders that are over; the other totals are over the same.';

CREATE TABLE profit_by_day (
    environment text NOT NULL,
    account text NOT NULL,
    symbol text NOT NULL,
    day date NOT NULL,
    cycles bigint NOT NULL,
    profit signed_amount NOT NULL,
    PRIMARY KEY (environment, account, symbol, day)
);
COMMENT ON TABLE profit_by_day IS 'Realised profit in quote asset, by the day (UTC) a cycle ended.';

CREATE FUNCTION day_of(ms bigint) RETURNS date LANGUAGE sql IMMUTABLE
RETURN (at_time(ms) AT TIME ZONE 'UTC')::date;

-- Views.

CREATE VIEW executions AS
SELECT f.*, o.client_order_id,
    CASE f.fee_in WHEN 'base' THEN f.commission ELSE 0 END AS base_commission,
    CASE f.fee_in WHEN 'quote' THEN f.commission ELSE 0 END AS quote_commission
FROM fills AS f
JOIN orders AS o USING (environment, account, symbol, order_id);
COMMENT ON VIEW executions IS 'Fills with their order''s trader and side.';

CREATE VIEW unvalued_fees AS
SELECT environment, account, symbol, trader_id, order_id, trade_id,
    commission_asset AS asset, commission AS amount, time_ms, at_time(time_ms) AS at
FROM fills
WHERE fee_in = 'other' AND fee_value IS NULL;
COMMENT ON VIEW unvalued_fees IS 'Fees in another asset whose value in quote is not known: no profit counts them.';

CREATE VIEW settlements AS
SELECT o.environment, o.account, o.symbol, o.client_order_id, o.trader_id, o.state,
    o.executed, o.executed_quote, f.quantity AS filled, f.quote_quantity AS filled_quote,
    o.state >= 'filled' AND (
        o.fills_given_up OR o.executed = f.quantity AND o.executed_quote = f.quote_quantity
    ) AS settled
FROM orders AS o
CROSS JOIN LATERAL (
    SELECT coalesce(sum(quantity), 0) AS quantity, coalesce(sum(quote_quantity), 0) AS quote_quantity
    FROM fills
    WHERE (fills.environment, fills.account, fills.symbol, fills.order_id)
        = (o.environment, o.account, o.symbol, o.order_id)
) AS f;
COMMENT ON VIEW settlements IS 'Whether each order is over and all that it executed is in fills, or given up.';

CREATE VIEW cycles AS
SELECT t.environment, t.account, t.symbol, t.trader_id, t.parent, t.state,
    at_time(t.started_ms) AS started_at, at_time(t.finished_ms) AS finished_at,
    e.bought, e.spent, e.sold, e.earned,
    e.base_commission, e.quote_commission, e.other_commission, e.unvalued_fees,
    e.bought - e.buy_base_commission AS received,
    CASE WHEN e.bought > e.buy_base_commission
        THEN (e.spent + e.buy_quote_commission) / (e.bought - e.buy_base_commission)
    END AS unit_cost,
    s.quantity AS sell_target,
    -- A running trader leaves something once it has set out to sell.
    CASE WHEN t.state = 'running' THEN e.bought - e.base_commission - s.quantity
        ELSE t.carried END AS carried,
    t.carried_cost, t.profit, t.unsold,
    CASE WHEN e.bought > e.buy_base_commission
        THEN t.unsold * (e.spent + e.buy_quote_commission) / (e.bought - e.buy_base_commission)
        ELSE 0 * t.unsold
    END AS unsold_cost,
    t.reason AS started_because, t.result AS ended_because
FROM traders AS t
CROSS JOIN LATERAL (
    SELECT coalesce(sum(quantity) FILTER (WHERE side = 'BUY'), 0) AS bought,
        coalesce(sum(quote_quantity) FILTER (WHERE side = 'BUY'), 0) AS spent,
        coalesce(sum(quantity) FILTER (WHERE side = 'SELL'), 0) AS sold,
        coalesce(sum(quote_quantity) FILTER (WHERE side = 'SELL'), 0) AS earned,
        coalesce(sum(base), 0) AS base_commission,
        coalesce(sum(base) FILTER (WHERE side = 'BUY'), 0) AS buy_base_commission,
        coalesce(sum(quote), 0) AS quote_commission,
        coalesce(sum(quote) FILTER (WHERE side = 'BUY'), 0) AS buy_quote_commission,
        coalesce(sum(other), 0) AS other_commission,
        coalesce(sum(unvalued), 0)::bigint AS unvalued_fees
    FROM (
        -- Where fills are given up, what the exchange says was executed counts.
        SELECT o.side, f.base, f.quote, f.other, f.unvalued,
            CASE WHEN o.fills_given_up THEN o.executed ELSE f.quantity END AS quantity,
            CASE WHEN o.fills_given_up THEN o.executed_quote ELSE f.quote_quantity
                END AS quote_quantity
        FROM orders AS o
        CROSS JOIN LATERAL (
            SELECT sum(quantity) AS quantity, sum(quote_quantity) AS quote_quantity,
                sum(commission) FILTER (WHERE fee_in = 'base') AS base,
                sum(commission) FILTER (WHERE fee_in = 'quote') AS quote,
                sum(fee_value) AS other,
                count(*) FILTER (WHERE fee_in = 'other' AND fee_value IS NULL) AS unvalued
            FROM fills
            WHERE (fills.environment, fills.account, fills.symbol, fills.order_id)
                = (o.environment, o.account, o.symbol, o.order_id)
        ) AS f
        WHERE (o.environment, o.account, o.symbol, o.trader_id)
            = (t.environment, t.account, t.symbol, t.trader_id)
    ) AS per_order
) AS e
LEFT JOIN LATERAL (
    -- What the cycle set out to sell: the quantity of the first sell that reached the exchange.
    SELECT quantity FROM orders AS o
    WHERE (o.environment, o.account, o.symbol, o.trader_id)
            = (t.environment, t.account, t.symbol, t.trader_id)
        AND o.side = 'SELL' AND NOT never_there(o.state)
    ORDER BY o.attempt LIMIT 1
) AS s ON true;
COMMENT ON VIEW cycles IS 'One row per trader with its sums in base and quote.';

-- What a cycle adds to the cost of what earlier ones left, by changing its quantity. What it takes
-- along (or makes up for) has the cost that it has there, on average; what it adds (or takes beyond
-- that) has the cycle's own.
CREATE FUNCTION cost_of_change(
    left_quantity numeric, left_cost numeric, change numeric, unit_cost numeric
) RETURNS numeric LANGUAGE sql IMMUTABLE
RETURN CASE
    WHEN left_quantity * change >= 0 THEN round(change * unit_cost, 8)
    WHEN abs(change) <= abs(left_quantity) THEN round(change * left_cost / left_quantity, 8)
    ELSE round((left_quantity + change) * unit_cost, 8) - left_cost
END;

-- What is on record, added up. Sells of the version before did not count their commission in base.

CREATE TEMPORARY TABLE ended ON COMMIT DROP AS
SELECT environment, account, symbol, trader_id,
    coalesce(sum(quantity) FILTER (WHERE side = 'BUY'), 0) AS bought,
    coalesce(sum(quantity) FILTER (WHERE side = 'SELL'), 0) AS sold,
    coalesce(sum(base_commission), 0) AS base_commission,
    coalesce(sum(base_commission) FILTER (WHERE side = 'SELL'), 0) AS uncounted,
    coalesce(sum(quote_quantity + quote_commission) FILTER (WHERE side = 'BUY')
        / nullif(sum(quantity - base_commission) FILTER (WHERE side = 'BUY'), 0), 0) AS unit_cost
FROM traders LEFT JOIN executions USING (environment, account, symbol, trader_id)
WHERE state <> 'running'
GROUP BY environment, account, symbol, trader_id;

-- One after another: what they took along cost what those before had paid. Their profit counted
-- all that they left, or took, at what they had paid themselves.
DO $$
DECLARE
    here book;
    total_quantity numeric;
    total_cost numeric;
    new_carried numeric;
    new_cost numeric;
    cycle record;
BEGIN
    FOR cycle IN
        SELECT ROW(environment, account, symbol)::book AS book, trader_id, carried, uncounted,
            unit_cost
        FROM ended JOIN traders USING (environment, account, symbol, trader_id)
        ORDER BY environment, account, symbol, finished_ms, trader_id
    LOOP
        IF here IS DISTINCT FROM cycle.book THEN
            here := cycle.book;
            total_quantity := 0;
            total_cost := 0;
        END IF;
        new_carried := cycle.carried - cycle.uncounted;
        new_cost := cost_of_change(total_quantity, total_cost, new_carried, cycle.unit_cost);
        total_quantity := total_quantity + new_carried;
        total_cost := total_cost + new_cost;
        UPDATE traders
        SET carried = new_carried, carried_cost = new_cost,
            profit = profit + new_cost - round(cycle.carried * cycle.unit_cost, 8)
        WHERE (environment, account, symbol, trader_id)
            = (here.environment, here.account, here.symbol, cycle.trader_id);
    END LOOP;
END $$;

UPDATE owners AS o
SET ended_count = e.count, ended_profit = e.profit, ended_carried = e.carried,
    ended_carried_cost = e.carried_cost, ended_bought = e.bought, ended_sold = e.sold,
    ended_base_commission = e.base_commission, ended_held = e.held, ended_stranded = e.stranded
FROM (
    SELECT environment, account, symbol, count(*), sum(profit) AS profit, sum(carried) AS carried,
        sum(carried_cost) AS carried_cost, sum(bought) AS bought, sum(sold) AS sold,
        sum(base_commission) AS base_commission,
        coalesce(sum(unsold) FILTER (WHERE state = 'held'), 0) AS held,
        coalesce(sum(unsold) FILTER (WHERE state = 'stranded'), 0) AS stranded
    FROM ended JOIN traders USING (environment, account, symbol, trader_id)
    GROUP BY environment, account, symbol
) AS e
WHERE (o.environment, o.account, o.symbol) = (e.environment, e.account, e.symbol);

INSERT INTO profit_by_day
SELECT environment, account, symbol, day_of(finished_ms), count(*), sum(profit)
FROM traders WHERE state <> 'running'
GROUP BY environment, account, symbol, day_of(finished_ms);

ALTER TABLE traders
    DROP CONSTRAINT result_when_over,
    ADD CONSTRAINT result_when_over CHECK (
        CASE WHEN state = 'running'
            THEN num_nonnulls(finished_ms, profit, unsold, carried, carried_cost, result) = 0
            ELSE num_nulls(finished_ms, profit, unsold, carried, carried_cost, result) = 0
        END
    );
DROP INDEX ended_traders;

CREATE VIEW positions AS
SELECT o.environment, o.account, o.symbol,
    ended_bought + r.bought AS bought, ended_sold + r.sold AS sold,
    ended_base_commission + r.base_commission AS base_commission,
    p.position, r.in_progress, ended_carried + r.carried AS carried,
    ended_carried_cost AS carried_cost, ended_held AS held, ended_stranded AS stranded,
    p.position - r.in_progress - ended_carried - r.carried - ended_held - ended_stranded
        AS unexplained
FROM owners AS o
CROSS JOIN LATERAL (
    SELECT coalesce(sum(bought), 0) AS bought, coalesce(sum(sold), 0) AS sold,
        coalesce(sum(base_commission), 0) AS base_commission,
        coalesce(sum(coalesce(sell_target, bought - base_commission) - sold), 0) AS in_progress,
        coalesce(sum(carried), 0) AS carried
    FROM cycles AS c
    WHERE (c.environment, c.account, c.symbol) = (o.environment, o.account, o.symbol)
        AND state = 'running'
) AS r
CROSS JOIN LATERAL (
    SELECT ended_bought + r.bought - ended_sold - r.sold
        - ended_base_commission - r.base_commission AS position
) AS p;
COMMENT ON VIEW positions IS 'The inventory of each book in base asset, and what explains it.';

CREATE VIEW commission_by_asset AS
SELECT environment, account, symbol, commission_asset AS asset, fee_in,
    count(*) AS fills, sum(commission) AS commission, sum(fee_value) AS value,
    sum(commission) FILTER (WHERE fee_in = 'other' AND fee_value IS NULL) AS unvalued
FROM fills
GROUP BY environment, account, symbol, commission_asset, fee_in;
COMMENT ON VIEW commission_by_asset IS 'What was paid; value: in quote, of another asset''s.';

CREATE VIEW open_orders AS
SELECT environment, account, symbol, trader_id, side, price,
    coalesce(current_quantity, quantity) AS quantity, executed,
    coalesce(current_quantity, quantity) - executed AS remaining, state, order_id, client_order_id,
    at_time(timestamp_ms) AS intended_at, changed_at
FROM orders
WHERE state < 'filled';
COMMENT ON VIEW open_orders IS 'Orders that are, or may be, on the exchange.';

CREATE VIEW leaders AS
SELECT o.environment, o.account, o.symbol, o.cluster, o.namespace, o.name,
    s.status AS requested, o.epoch, o.pod, o.claimed_at, o.released_at,
    (SELECT count(*) FROM traders AS t WHERE state = 'running'
        AND (t.environment, t.account, t.symbol) = (o.environment, o.account, o.symbol)
    ) AS running_traders,
    o.ended_count AS cycles, o.ended_profit AS profit,
    (SELECT count(*) FROM fills AS f WHERE fee_in = 'other' AND fee_value IS NULL
        AND (f.environment, f.account, f.symbol) = (o.environment, o.account, o.symbol)
    ) AS unvalued_fees
FROM owners AS o
LEFT JOIN settings AS s USING (cluster, namespace, name);
COMMENT ON VIEW leaders IS 'Who leads what, since when, and what it earned in quote asset.';

-- The newest steps of a symbol are read off these, one for each kind of step. The symbol comes last:
-- were it first, what is planned while a table is empty would look a row up here as well as by its
-- key, and a leader's plans live as long as its session: each look-up would read all that has been.
CREATE INDEX traders_started ON traders (at_time(started_ms), symbol);
CREATE INDEX traders_ended ON traders (at_time(finished_ms), symbol) WHERE state <> 'running';
CREATE INDEX orders_intended ON orders (at_time(timestamp_ms), symbol);
CREATE INDEX orders_ended ON orders (ended_at, symbol) WHERE ended_at IS NOT NULL;
CREATE INDEX cancels_intended ON cancels (at_time(timestamp_ms), symbol);
CREATE INDEX fills_executed ON fills (at_time(time_ms), symbol);
-- And what was refused last.
CREATE INDEX orders_refused ON orders (committed_at) WHERE state = 'refused';

CREATE FUNCTION became(orders) RETURNS text LANGUAGE sql STABLE
RETURN format('%s %s after %s of %s', lower($1.side::text), $1.state, trim_scale($1.executed),
        trim_scale(coalesce($1.current_quantity, $1.quantity)))
    || CASE WHEN $1.current_quantity < $1.quantity
        THEN ', reduced from ' || trim_scale($1.quantity) ELSE '' END
    || CASE WHEN $1.settled_because IS NOT NULL THEN ', settled by a person'
        WHEN $1.fills_given_up THEN ', its fills cannot be read'
        WHEN $1.acknowledged THEN ', acknowledged' ELSE '' END;

CREATE VIEW story AS
SELECT environment, account, symbol, trader_id, at_time(started_ms) AS at, 0 AS step,
    'started' || coalesce(' by the rebuy of ' || parent, '') AS what, reason AS why
FROM traders
UNION ALL
SELECT environment, account, symbol, trader_id, at_time(timestamp_ms), 1,
    format('%s %s at %s intended (attempt %s)',
        lower(side::text), trim_scale(quantity), trim_scale(price), attempt), ''
FROM orders
UNION ALL
SELECT environment, account, symbol, trader_id, at_time(time_ms), 2,
    format('%s %s at %s, commission %s %s', CASE side WHEN 'BUY' THEN 'bought' ELSE 'sold' END,
        trim_scale(quantity), trim_scale(price), trim_scale(commission), commission_asset)
        || CASE
            WHEN fee_value IS NOT NULL THEN format(' worth %s (%s at %s)', trim_scale(fee_value),
                fee_source, trim_scale(fee_price))
            WHEN fee_in = 'other' THEN ' not valued yet'
            ELSE ''
        END,
    ''
FROM fills
UNION ALL
SELECT environment, account, symbol, of_trader, at_time(timestamp_ms), 3,
    format('cancel of the %s intended: %s',
        lower(of_side::text), coalesce(outcome::text, 'no answer yet')),
    reason || coalesce(': ' || nullif(outcome_reason, ''), '')
FROM cancels
UNION ALL
SELECT environment, account, symbol, trader_id, changed_at, 4, became(o),
    coalesce(settled_because, reason)
FROM orders AS o
WHERE state > 'intent' AND state < 'filled'
UNION ALL
(
    -- A part with a condition is planned on its own: without this it is not read off its index.
    SELECT environment, account, symbol, trader_id, ended_at AS at, 4, became(o),
        coalesce(settled_because, reason)
    FROM orders AS o
    WHERE ended_at IS NOT NULL
    ORDER BY at DESC
)
UNION ALL
(
    SELECT environment, account, symbol, trader_id, at_time(finished_ms) AS at, 5,
        format('%s: profit %s, unsold %s, carried %s',
            state, trim_scale(profit), trim_scale(unsold), trim_scale(carried)), result
    FROM traders
    WHERE state <> 'running'
    ORDER BY at DESC
);
COMMENT ON VIEW story IS 'What each trader did, and why; sort it by at and step.';

CREATE VIEW reasons AS
SELECT environment, account, symbol, trader_id, at, step, what, why FROM story WHERE why <> '';
COMMENT ON VIEW reasons IS 'The steps of the story that have a reason on record.';

-- What a leader notes: one call is one statement and one commit. What is intended, and what a
-- person said, is on the disk before it counts. What the exchange told is not waited for: it is
-- there with the next intent, in order, or moments later, and if the server crashes before, the
-- exchange is asked again, as after any lost connection.
-- TR001: fenced. TR002: the record and what is to be noted contradict each other. TR003: the leader
-- has to load the record again.

CREATE OR REPLACE FUNCTION note(in_book book, in_epoch bigint, in_nonce text, changes jsonb)
RETURNS void LANGUAGE plpgsql AS $$
DECLARE
    change jsonb;
    durable boolean := false;
BEGIN
    -- Waits for a claim under way, and makes a later one wait for this call.
    PERFORM FROM owners
    WHERE (environment, account, symbol) = (in_book.environment, in_book.account, in_book.symbol)
        AND epoch = in_epoch AND nonce = in_nonce AND released_at IS NULL
    FOR NO KEY UPDATE;
    IF NOT FOUND THEN
        RAISE EXCEPTION 'epoch % is over', in_epoch USING ERRCODE = 'TR001';
    END IF;
    FOR change IN SELECT value FROM jsonb_array_elements(changes)
    LOOP
        CASE change->>'kind'
            WHEN 'intent' THEN PERFORM note_intent(in_book, in_epoch, change);
            WHEN 'order' THEN PERFORM note_order(in_book, change);
            WHEN 'fill' THEN PERFORM note_fill(in_book, change);
            WHEN 'trader' THEN PERFORM note_trader(in_book, in_epoch, change);
            WHEN 'result' THEN PERFORM note_result(in_book, change);
            WHEN 'cancel_intent' THEN PERFORM note_cancel_intent(in_book, in_epoch, change);
            WHEN 'cancel' THEN PERFORM note_cancel(in_book, change);
            WHEN 'fee' THEN PERFORM note_fee(in_book, change);
            WHEN 'fills_given_up' THEN PERFORM note_fills_given_up(in_book, change);
            WHEN 'acknowledged' THEN PERFORM note_acknowledged(in_book, change);
        END CASE;
        durable := durable OR change->>'kind' IN ('intent', 'cancel_intent', 'acknowledged');
    END LOOP;
    IF NOT durable THEN
        PERFORM set_config('synchronous_commit', 'off', true);
    END IF;
END $$;

-- The same, from a leader that says how many settlements it has loaded: one that knows fewer would
-- go on with its own view of an order of which a person has said how it ended.
CREATE FUNCTION note(in_book book, in_epoch bigint, in_nonce text, in_settlements bigint, changes jsonb)
RETURNS void LANGUAGE plpgsql AS $$
DECLARE
    of_book owners;
BEGIN
    -- A person who settles something waits for this call, or is waited for.
    SELECT * INTO of_book FROM owners
    WHERE (environment, account, symbol) = (in_book.environment, in_book.account, in_book.symbol)
    FOR NO KEY UPDATE;
    IF of_book.settlements <> in_settlements THEN
        RAISE EXCEPTION 'a person has settled an order meanwhile' USING ERRCODE = 'TR003';
    END IF;
    PERFORM note(in_book, in_epoch, in_nonce, changes);
END $$;

CREATE FUNCTION note_intent(in_book book, in_epoch bigint, change jsonb) RETURNS void
LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO orders (
        environment, account, symbol, epoch, client_order_id, trader_id, side, attempt,
        price, quantity, time_in_force, timestamp_ms, recv_window_ms
    )
    SELECT environment, account, symbol, in_epoch, change->>'client_order_id', trader_id,
        (change->>'side')::order_side, (change->>'attempt')::integer,
        (change->>'price')::numeric, (change->>'quantity')::numeric,
        (change->>'time_in_force')::time_in_force, (change->>'timestamp_ms')::bigint,
        (change->>'recv_window_ms')::integer
    FROM traders
    WHERE (environment, account, symbol, trader_id)
            = (in_book.environment, in_book.account, in_book.symbol, change->>'trader_id')
        AND state = 'running';
    IF NOT FOUND THEN
        PERFORM contradiction(change->>'trader_id',
            'no order for a trader that is not running on record');
    END IF;
END $$;

CREATE FUNCTION note_cancel_intent(in_book book, in_epoch bigint, change jsonb) RETURNS void
LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO cancels (
        environment, account, symbol, epoch, cancel_id, client_order_id, of_trader, of_side, attempt,
        timestamp_ms, recv_window_ms, reason
    )
    SELECT environment, account, symbol, in_epoch, change->>'cancel_id', client_order_id,
        trader_id, side, (change->>'attempt')::integer, (change->>'timestamp_ms')::bigint,
        (change->>'recv_window_ms')::integer, change->>'reason'
    FROM orders
    WHERE (environment, account, symbol, client_order_id)
        = (in_book.environment, in_book.account, in_book.symbol, change->>'client_order_id');
    IF NOT FOUND THEN
        PERFORM contradiction(change->>'client_order_id', 'no intent of this order is on record');
    END IF;
END $$;

-- Without the columns of a result that a leader of the version before does not tell, what a cycle
-- leaves is what it received and neither sold, paid nor kept. The profit that it tells counts that,
-- without the commission in base of its sells, at its own cost; on record it has the cost that the
-- leaders of today tell.
CREATE OR REPLACE FUNCTION note_result(in_book book, change jsonb) RETURNS void
LANGUAGE plpgsql AS $$
DECLARE
    id text := change->>'trader_id';
    new_state trader_state := (change->>'state')::trader_state;
    new_profit signed_amount := (change->>'profit')::numeric;
    new_unsold amount := (change->>'quantity')::numeric;
    new_carried signed_amount := (change->>'carried')::numeric;
    new_carried_cost signed_amount := (change->>'carried_cost')::numeric;
    new_finished_ms bigint := (change->>'finished_ms')::bigint;
    told_cost numeric;
    old traders;
    sums cycles;
    unfinished text;
BEGIN
    SELECT * INTO old FROM traders
    WHERE (environment, account, symbol, trader_id)
        = (in_book.environment, in_book.account, in_book.symbol, id)
    FOR UPDATE;
    IF NOT FOUND THEN
        PERFORM contradiction(id, 'no such trader is on record');
    END IF;
    SELECT * INTO sums FROM cycles
    WHERE (environment, account, symbol, trader_id)
        = (in_book.environment, in_book.account, in_book.symbol, id);
    told_cost := coalesce(new_carried_cost,
        round((sums.received - sums.sold - new_unsold) * coalesce(sums.unit_cost, 0), 8));
    IF old.state <> 'running' THEN
        IF (old.state, old.profit + old.late_fees - old.carried_cost, old.unsold)
            <> (new_state, new_profit - told_cost, new_unsold)
        THEN
            PERFORM contradiction(id, format('it is over already: %s', old.state));
        END IF;
        RETURN;
    END IF;
    SELECT client_order_id INTO unfinished FROM settlements
    WHERE (environment, account, symbol, trader_id)
            = (in_book.environment, in_book.account, in_book.symbol, id)
        AND NOT settled;
    IF FOUND THEN
        PERFORM contradiction(id, format(
            'it cannot end while its order %s is not over or lacks fills', unfinished));
    END IF;
    new_carried := coalesce(new_carried,
        sums.bought - sums.base_commission - sums.sold - new_unsold);
    IF new_carried_cost IS NULL THEN
        SELECT cost_of_change(ended_carried, ended_carried_cost, new_carried,
            coalesce(sums.unit_cost, 0))
        INTO new_carried_cost FROM owners
        WHERE (environment, account, symbol)
            = (in_book.environment, in_book.account, in_book.symbol);
    END IF;
    new_profit := new_profit + new_carried_cost - told_cost;
    UPDATE traders
    SET state = new_state, profit = new_profit, unsold = new_unsold, carried = new_carried,
        carried_cost = new_carried_cost, finished_ms = new_finished_ms, result = change->>'reason'
    WHERE (environment, account, symbol, trader_id)
        = (in_book.environment, in_book.account, in_book.symbol, id);
    UPDATE owners
    SET ended_count = ended_count + 1, ended_profit = ended_profit + new_profit,
        ended_carried = ended_carried + new_carried,
        ended_carried_cost = ended_carried_cost + new_carried_cost,
        ended_bought = ended_bought + sums.bought, ended_sold = ended_sold + sums.sold,
        ended_base_commission = ended_base_commission + sums.base_commission,
        ended_held = ended_held + CASE new_state WHEN 'held' THEN new_unsold ELSE 0 END,
        ended_stranded = ended_stranded + CASE new_state WHEN 'stranded' THEN new_unsold ELSE 0 END
    WHERE (environment, account, symbol) = (in_book.environment, in_book.account, in_book.symbol);
    INSERT INTO profit_by_day AS total (environment, account, symbol, day, cycles, profit)
    VALUES (in_book.environment, in_book.account, in_book.symbol, day_of(new_finished_ms),
        1, new_profit)
    ON CONFLICT (environment, account, symbol, day)
    DO UPDATE SET cycles = total.cycles + 1, profit = total.profit + new_profit;
END $$;

-- A fee is valued once; the first value stands.
CREATE FUNCTION note_fee(in_book book, change jsonb) RETURNS void LANGUAGE plpgsql AS $$
DECLARE
    of_fill text := format('trade %s of order %s', change->>'trade_id', change->>'order_id');
    fee fills;
    ended traders;
    value amount := (change->>'fee_value')::numeric;
BEGIN
    SELECT * INTO fee FROM fills
    WHERE (environment, account, symbol, order_id, trade_id) = (
        in_book.environment, in_book.account, in_book.symbol,
        (change->>'order_id')::bigint, (change->>'trade_id')::bigint)
    FOR UPDATE;
    IF NOT FOUND THEN
        PERFORM contradiction(of_fill, 'no such fill is on record');
    END IF;
    IF fee.fee_in <> 'other' THEN
        PERFORM contradiction(of_fill, format('its fee is in %s on record', fee.fee_in));
    END IF;
    IF fee.fee_value IS NOT NULL THEN
        RETURN;
    END IF;
    UPDATE fills
    SET fee_value = value, fee_price = (change->>'fee_price')::numeric,
        fee_source = change->>'fee_source', fee_price_ms = (change->>'fee_price_ms')::bigint
    WHERE (environment, account, symbol, order_id, trade_id) = (
        in_book.environment, in_book.account, in_book.symbol, fee.order_id, fee.trade_id);
    UPDATE traders SET profit = profit - value, late_fees = late_fees + value
    WHERE (environment, account, symbol, trader_id)
            = (in_book.environment, in_book.account, in_book.symbol, fee.trader_id)
        AND state <> 'running'
    RETURNING * INTO ended;
    IF FOUND THEN
        UPDATE owners SET ended_profit = ended_profit - value
        WHERE (environment, account, symbol)
            = (in_book.environment, in_book.account, in_book.symbol);
        UPDATE profit_by_day SET profit = profit - value
        WHERE (environment, account, symbol, day) = (
            in_book.environment, in_book.account, in_book.symbol, day_of(ended.finished_ms));
    END IF;
END $$;

CREATE FUNCTION note_fills_given_up(in_book book, change jsonb) RETURNS void
LANGUAGE plpgsql AS $$
DECLARE
    id text := change->>'client_order_id';
BEGIN
    UPDATE orders SET fills_given_up = true
    WHERE (environment, account, symbol, client_order_id)
            = (in_book.environment, in_book.account, in_book.symbol, id)
        AND state >= 'filled';
    IF NOT FOUND THEN
        PERFORM contradiction(id, 'its fills cannot be given up: it is not over on record');
    END IF;
END $$;

CREATE FUNCTION note_acknowledged(in_book book, change jsonb) RETURNS void
LANGUAGE plpgsql AS $$
DECLARE
    id text := change->>'client_order_id';
BEGIN
    UPDATE orders SET acknowledged = true
    WHERE (environment, account, symbol, client_order_id)
        = (in_book.environment, in_book.account, in_book.symbol, id);
    IF NOT FOUND THEN
        PERFORM contradiction(id, 'no intent of this order is on record');
    END IF;
END $$;

CREATE OR REPLACE FUNCTION note_cancel(in_book book, change jsonb) RETURNS void
LANGUAGE plpgsql AS $$
DECLARE
    id text := change->>'cancel_id';
    old cancels;
BEGIN
    SELECT * INTO old FROM cancels
    WHERE (environment, account, symbol, cancel_id)
        = (in_book.environment, in_book.account, in_book.symbol, id)
    FOR UPDATE;
    IF NOT FOUND THEN
        PERFORM contradiction(id, 'no intent of this cancel is on record');
    END IF;
    UPDATE cancels AS c
    SET outcome = (change->>'outcome')::cancel_outcome, outcome_reason = change->>'reason',
        of_trader = o.trader_id, of_side = o.side
    FROM orders AS o
    WHERE (c.environment, c.account, c.symbol, c.cancel_id)
            = (in_book.environment, in_book.account, in_book.symbol, id)
        AND (o.environment, o.account, o.symbol, o.client_order_id)
            = (in_book.environment, in_book.account, in_book.symbol, old.client_order_id)
        AND coalesce(c.outcome, 'undecided') = 'undecided';
END $$;

CREATE OR REPLACE FUNCTION note_order(in_book book, change jsonb) RETURNS void
LANGUAGE plpgsql AS $$
DECLARE
    id text := change->>'client_order_id';
    new_state order_state := (change->>'state')::order_state;
    new_order_id bigint := (change->>'order_id')::bigint;
    new_executed amount := (change->>'executed')::numeric;
    new_executed_quote amount := (change->>'executed_quote')::numeric;
    new_quantity positive_amount := (change->>'quantity')::numeric;
    old orders;
BEGIN
    SELECT * INTO old FROM orders
    WHERE (environment, account, symbol, client_order_id)
        = (in_book.environment, in_book.account, in_book.symbol, id)
    FOR UPDATE;
    IF NOT FOUND THEN
        PERFORM contradiction(id, 'no intent of this order is on record');
    END IF;
    -- A person has said how it ended, because what is told here did not fit.
    IF old.settled_because IS NOT NULL THEN
        RETURN;
    END IF;
    IF old.order_id <> new_order_id THEN
        PERFORM contradiction(id, format('it is order %s on record, not %s',
            old.order_id, new_order_id));
    END IF;
    IF was_there(old.state) AND never_there(new_state)
        OR never_there(old.state) AND was_there(new_state)
        OR old.state >= 'filled' AND was_there(old.state)
            AND new_state >= 'filled' AND new_state <> old.state
    THEN
        PERFORM contradiction(id, format('it is %s on record, it cannot become %s',
            old.state, new_state));
    END IF;
    -- An amendment only reduces.
    new_quantity := least(old.current_quantity, new_quantity);
    UPDATE orders
    SET state = CASE WHEN old.state >= 'filled' THEN old.state
            ELSE greatest(old.state, new_state) END,
        order_id = coalesce(old.order_id, new_order_id),
        executed = greatest(old.executed, new_executed),
        executed_quote = CASE WHEN new_executed >= old.executed
            THEN new_executed_quote ELSE old.executed_quote END,
        current_quantity = new_quantity,
        reason = coalesce(nullif(change->>'reason', ''), old.reason),
        changed_at = clock_timestamp()
    WHERE (environment, account, symbol, client_order_id)
            = (in_book.environment, in_book.account, in_book.symbol, id)
        AND (new_state > old.state AND old.state < 'filled' OR new_executed > old.executed
            OR new_order_id IS NOT NULL AND old.order_id IS NULL
            OR new_quantity IS DISTINCT FROM old.current_quantity);
END $$;

CREATE OR REPLACE FUNCTION note_fill(in_book book, change jsonb) RETURNS void
LANGUAGE plpgsql AS $$
DECLARE
    id text := change->>'client_order_id';
    new_order_id bigint := (change->>'order_id')::bigint;
    new_trade_id bigint := (change->>'trade_id')::bigint;
    new_commission amount := (change->>'commission')::numeric;
    of_order orders;
    is_over boolean;
BEGIN
    SELECT * INTO of_order FROM orders
    WHERE (environment, account, symbol, client_order_id)
        = (in_book.environment, in_book.account, in_book.symbol, id)
    FOR UPDATE;
    IF NOT FOUND THEN
        PERFORM contradiction(id, 'no intent of this order is on record');
    END IF;
    IF of_order.settled_because IS NOT NULL THEN
        RETURN;
    END IF;
    IF of_order.side <> (change->>'side')::order_side OR of_order.order_id <> new_order_id THEN
        PERFORM contradiction(id, format('it is %s order %s on record, the fill is of %s order %s',
            of_order.side, of_order.order_id, change->>'side', new_order_id));
    END IF;
    IF never_there(of_order.state) THEN
        PERFORM contradiction(id, format('it is %s on record, and yet there is trade %s of it',
            of_order.state, new_trade_id));
    END IF;
    SELECT state <> 'running' INTO is_over FROM traders
    WHERE (environment, account, symbol, trader_id)
        = (in_book.environment, in_book.account, in_book.symbol, of_order.trader_id);
    -- Its cycle went by what was executed, and is over: nothing is to be added any more.
    IF is_over AND of_order.fills_given_up THEN
        RETURN;
    END IF;
    -- A fill may overtake the reply that tells the order's id.
    UPDATE orders SET order_id = new_order_id, changed_at = clock_timestamp()
    WHERE (environment, account, symbol, client_order_id)
            = (in_book.environment, in_book.account, in_book.symbol, id)
        AND order_id IS NULL;
    INSERT INTO fills (
        environment, account, symbol, order_id, trade_id, trader_id, side,
        price, quantity, quote_quantity, commission, commission_asset, is_maker, time_ms,
        fee_in, fee_value, fee_price, fee_source, fee_price_ms
    ) VALUES (
        in_book.environment, in_book.account, in_book.symbol, new_order_id, new_trade_id,
        of_order.trader_id, of_order.side,
        (change->>'price')::numeric, (change->>'quantity')::numeric,
        (change->>'quote_quantity')::numeric, new_commission,
        change->>'commission_asset', (change->>'is_maker')::boolean, (change->>'time_ms')::bigint,
        coalesce((change->>'fee_in')::fee_asset,
            fee_asset_of(in_book.symbol, change->>'commission_asset', new_commission)),
        (change->>'fee_value')::numeric, (change->>'fee_price')::numeric,
        change->>'fee_source', (change->>'fee_price_ms')::bigint
    ) ON CONFLICT (environment, account, symbol, order_id, trade_id) DO NOTHING;
    IF NOT FOUND THEN
        PERFORM contradiction(format('trade %s of order %s', new_trade_id, new_order_id),
            'this fill is on record with other amounts')
        FROM fills
        WHERE (environment, account, symbol, order_id, trade_id) = (
                in_book.environment, in_book.account, in_book.symbol, new_order_id, new_trade_id)
            AND (price, quantity, quote_quantity, commission, commission_asset) <> (
                (change->>'price')::numeric, (change->>'quantity')::numeric,
                (change->>'quote_quantity')::numeric, new_commission,
                change->>'commission_asset');
    ELSIF is_over THEN
        PERFORM contradiction(of_order.trader_id, format('it is over, and yet there is trade %s of '
            'order %s', new_trade_id, new_order_id));
    END IF;
END $$;

-- The record of trading: who leads, what was intended, what became of it. docs/record.md explains.
--
-- Everything belongs to a book: (environment, account, symbol). Amounts are NUMERIC, exact to the
-- last digit; times that end in _ms are the exchange's clock in milliseconds since 1970, the
-- others are the database's.

-- Values.

CREATE TYPE trading_status AS ENUM ('on', 'off', 'shutdown');
CREATE TYPE order_side AS ENUM ('BUY', 'SELL');
CREATE TYPE time_in_force AS ENUM ('GTC', 'IOC');
CREATE TYPE trader_state AS ENUM ('running', 'finished', 'held', 'stranded');
CREATE TYPE cancel_outcome AS ENUM ('undecided', 'accepted', 'refused');

-- The order matters: an order only moves to the right, and from 'filled' on it is over.
CREATE TYPE order_state AS ENUM (
    'intent', 'undecided', 'open', 'filled', 'canceled', 'expired', 'refused', 'absent'
);

-- NaN is greater than Infinity to PostgreSQL, so the upper bound refuses both.
CREATE DOMAIN amount AS numeric CHECK (VALUE >= 0 AND VALUE < 'Infinity');
CREATE DOMAIN positive_amount AS numeric CHECK (VALUE > 0 AND VALUE < 'Infinity');
CREATE DOMAIN signed_amount AS numeric CHECK (VALUE > '-Infinity' AND VALUE < 'Infinity');
CREATE DOMAIN interval_fraction AS numeric CHECK (VALUE >= 0 AND VALUE < 1);
CREATE DOMAIN profit_fraction AS numeric CHECK (VALUE > -1 AND VALUE < 1);
CREATE DOMAIN name_text AS text CHECK (VALUE <> '');
CREATE DOMAIN milliseconds AS bigint CHECK (VALUE > 0);
-- Binance: newClientOrderId.
CREATE DOMAIN client_id AS text CHECK (VALUE ~ '^[a-zA-Z0-9_-]{1,36}$');

CREATE TYPE book AS (environment text, account text, symbol text);

-- Tables. Keys begin with the column that tells rows apart, the book comes last: a database that
-- was restored without statistics then reads one row for one order, not a whole book.

CREATE TABLE installation (
    one_row boolean PRIMARY KEY DEFAULT true CHECK (one_row),
    id text NOT NULL CHECK (id ~ '^[0-9a-v]{6}$'),
    created_at timestamptz NOT NULL DEFAULT now()
);
COMMENT ON TABLE installation IS 'The mark in all client order ids that this record stands behind.';

-- Bytes 0 to 5 of a random UUID are random in every bit.
INSERT INTO installation (id)
SELECT string_agg(substr('0123456789abcdefghijklmnopqrstuv', 1 + get_byte(bytes, place) % 32, 1), '')
FROM uuid_send(gen_random_uuid()) AS bytes, generate_series(0, 5) AS place;

CREATE TABLE settings (
    cluster name_text NOT NULL,
    namespace name_text NOT NULL,
    name name_text NOT NULL,
    environment name_text NOT NULL,
    symbol name_text NOT NULL,
    status trading_status NOT NULL,
    budget positive_amount NOT NULL,
    chunks integer NOT NULL CHECK (chunks > 0),
    buy_down interval_fraction NOT NULL,
    profit profit_fraction NOT NULL,
    rebuy interval_fraction NOT NULL,
    max_buy_age_ms milliseconds,
    unfilled_buys text NOT NULL CHECK (unfilled_buys IN ('Wait', 'Cancel')),
    deadline_ms milliseconds,
    at_deadline text NOT NULL CHECK (at_deadline IN ('Hold', 'Sell')),
    mirrored_at timestamptz NOT NULL DEFAULT now(),
    shutdown_since timestamptz,
    PRIMARY KEY (cluster, namespace, name)
);
COMMENT ON TABLE settings IS 'A mirror of each resource''s spec as its leader last saw it.';
COMMENT ON COLUMN settings.shutdown_since IS 'When its leader first saw this shutdown; its deadline counts from then.';

CREATE TABLE owners (
    environment name_text NOT NULL,
    account name_text NOT NULL,
    symbol name_text NOT NULL,
    cluster name_text NOT NULL,
    namespace name_text NOT NULL,
    name name_text NOT NULL,
    epoch bigint NOT NULL CHECK (epoch > 0),
    nonce name_text NOT NULL,
    pod name_text NOT NULL,
    claimed_at timestamptz NOT NULL DEFAULT now(),
    released_at timestamptz,
    watermark bigint CHECK (watermark >= -1),
    PRIMARY KEY (environment, account, symbol)
);
COMMENT ON TABLE owners IS 'Who leads each book. Every write checks epoch and nonce of its row.';
COMMENT ON COLUMN owners.watermark IS 'Reconciliation has seen every trade up to this id; -1: there was none.';

CREATE TABLE epochs (
    environment text NOT NULL,
    account text NOT NULL,
    symbol text NOT NULL,
    epoch bigint NOT NULL,
    cluster name_text NOT NULL,
    namespace name_text NOT NULL,
    name name_text NOT NULL,
    pod name_text NOT NULL,
    claimed_at timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (environment, account, symbol, epoch),
    FOREIGN KEY (environment, account, symbol) REFERENCES owners
);
COMMENT ON TABLE epochs IS 'Every claim there ever was, oldest first.';

CREATE TABLE traders (
    environment text NOT NULL,
    account text NOT NULL,
    symbol text NOT NULL,
    trader_id client_id NOT NULL,
    parent client_id CHECK (parent <> trader_id),
    epoch bigint NOT NULL,
    chunk_budget positive_amount NOT NULL,
    buy_down interval_fraction NOT NULL,
    profit_interval profit_fraction NOT NULL,
    rebuy interval_fraction NOT NULL,
    started_ms milliseconds NOT NULL,
    reason text NOT NULL,
    state trader_state NOT NULL DEFAULT 'running',
    finished_ms milliseconds,
    profit signed_amount,
    unsold amount,
    carried signed_amount,
    result text,
    PRIMARY KEY (trader_id, environment, account, symbol),
    -- A trader's rebuy trigger is spent by the one child that names it as its parent.
    CONSTRAINT rebuy_spent_once UNIQUE (parent, environment, account, symbol),
    FOREIGN KEY (environment, account, symbol, epoch) REFERENCES epochs,
    FOREIGN KEY (parent, environment, account, symbol) REFERENCES traders,
    CONSTRAINT result_when_over CHECK (
        CASE WHEN state = 'running'
            THEN num_nonnulls(finished_ms, profit, unsold, carried, result) = 0
            ELSE num_nulls(finished_ms, profit, unsold, carried, result) = 0
        END
    )
);
COMMENT ON TABLE traders IS 'One row per cycle: its terms, why it started, how it ended.';
COMMENT ON COLUMN traders.unsold IS 'Base asset that it set out to sell, or could not, and kept.';
COMMENT ON COLUMN traders.carried IS 'Base asset received, less what it set out to sell.';
CREATE INDEX running_traders ON traders (environment, account, symbol) WHERE state = 'running';
CREATE INDEX ended_traders ON traders (environment, account, symbol) INCLUDE (profit, carried)
    WHERE state <> 'running';

CREATE TABLE orders (
    environment text NOT NULL,
    account text NOT NULL,
    symbol text NOT NULL,
    client_order_id client_id NOT NULL,
    trader_id client_id NOT NULL,
    side order_side NOT NULL,
    attempt integer NOT NULL CHECK (attempt > 0),
    price positive_amount NOT NULL,
    quantity positive_amount NOT NULL,
    time_in_force time_in_force NOT NULL,
    timestamp_ms milliseconds NOT NULL,
    -- Binance: recvWindow.
    recv_window_ms integer NOT NULL CHECK (recv_window_ms BETWEEN 1 AND 60000),
    epoch bigint NOT NULL,
    committed_at timestamptz NOT NULL DEFAULT now(),
    state order_state NOT NULL DEFAULT 'intent',
    order_id bigint CHECK (order_id >= 0),
    executed amount NOT NULL DEFAULT 0,
    executed_quote amount NOT NULL DEFAULT 0,
    reason text NOT NULL DEFAULT '',
    changed_at timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (client_order_id, environment, account, symbol),
    UNIQUE (trader_id, side, attempt, environment, account, symbol),
    UNIQUE (order_id, environment, account, symbol),
    FOREIGN KEY (trader_id, environment, account, symbol) REFERENCES traders,
    FOREIGN KEY (environment, account, symbol, epoch) REFERENCES epochs,
    CONSTRAINT executed_within_quantity CHECK (executed <= quantity),
    CONSTRAINT filled_means_all CHECK (state <> 'filled' OR executed = quantity),
    CONSTRAINT executed_quote_needs_executed CHECK (executed > 0 OR executed_quote = 0),
    CONSTRAINT known_to_the_exchange CHECK (
        CASE
            WHEN state IN ('refused', 'absent') THEN order_id IS NULL AND executed = 0
            WHEN state IN ('open', 'filled', 'canceled', 'expired') THEN order_id IS NOT NULL
            ELSE true
        END
    )
);
COMMENT ON TABLE orders IS 'Every order ever intended, committed before it was sent.';
-- A trader never has two orders that may both be on the exchange.
CREATE UNIQUE INDEX one_live_order_per_trader
    ON orders (trader_id, environment, account, symbol) WHERE state < 'filled';

CREATE TABLE disowned (
    environment text NOT NULL,
    account text NOT NULL,
    symbol text NOT NULL,
    client_order_id client_id NOT NULL,
    reason name_text NOT NULL,
    at timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (client_order_id, environment, account, symbol),
    FOREIGN KEY (environment, account, symbol) REFERENCES owners
);
COMMENT ON TABLE disowned IS 'Orders with our mark that the record does not hold and a person answers for.';

CREATE TABLE cancels (
    environment text NOT NULL,
    account text NOT NULL,
    symbol text NOT NULL,
    cancel_id client_id NOT NULL,
    client_order_id client_id NOT NULL,
    attempt integer NOT NULL CHECK (attempt > 0),
    timestamp_ms milliseconds NOT NULL,
    recv_window_ms integer NOT NULL CHECK (recv_window_ms BETWEEN 1 AND 60000),
    reason text NOT NULL,
    epoch bigint NOT NULL,
    committed_at timestamptz NOT NULL DEFAULT now(),
    outcome cancel_outcome,
    outcome_reason text NOT NULL DEFAULT '',
    PRIMARY KEY (cancel_id, environment, account, symbol),
    UNIQUE (client_order_id, attempt, environment, account, symbol),
    FOREIGN KEY (client_order_id, environment, account, symbol) REFERENCES orders,
    FOREIGN KEY (environment, account, symbol, epoch) REFERENCES epochs
);
COMMENT ON TABLE cancels IS 'Every cancel ever intended, committed before it was sent.';

CREATE TABLE fills (
    environment text NOT NULL,
    account text NOT NULL,
    symbol text NOT NULL,
    order_id bigint NOT NULL,
    trade_id bigint NOT NULL CHECK (trade_id >= 0),
    price positive_amount NOT NULL,
    quantity positive_amount NOT NULL,
    quote_quantity amount NOT NULL,
    commission amount NOT NULL,
    commission_asset name_text NOT NULL,
    is_maker boolean NOT NULL,
    time_ms milliseconds NOT NULL,
    recorded_at timestamptz NOT NULL DEFAULT now(),
    -- Trade ids repeat between symbols, and after a reset of the exchange.
    PRIMARY KEY (order_id, trade_id, environment, account, symbol),
    FOREIGN KEY (order_id, environment, account, symbol)
        REFERENCES orders (order_id, environment, account, symbol)
);
COMMENT ON TABLE fills IS 'Every execution of our orders.';

-- What a leader notes: one call is one statement, so no lock waits for a client.
-- TR001: fenced. TR002: the record and what is to be noted contradict each other.

CREATE FUNCTION note(in_book book, in_epoch bigint, in_nonce text, changes jsonb) RETURNS void
LANGUAGE plpgsql AS $$
DECLARE
    change jsonb;
BEGIN
    -- Waits for a claim under way, and makes a later one wait for this call.
    PERFORM FROM owners
    WHERE (environment, account, symbol) = (in_book.environment, in_book.account, in_book.symbol)
        AND epoch = in_epoch AND nonce = in_nonce AND released_at IS NULL
    FOR SHARE;
    IF NOT FOUND THEN
        RAISE EXCEPTION 'epoch % is over', in_epoch USING ERRCODE = 'TR001';
    END IF;
    FOR change IN
        SELECT value FROM jsonb_array_elements(changes) WITH ORDINALITY ORDER BY ordinality
    LOOP
        CASE change->>'kind'
            WHEN 'trader' THEN PERFORM note_trader(in_book, in_epoch, change);
            WHEN 'result' THEN PERFORM note_result(in_book, change);
            WHEN 'order' THEN PERFORM note_order(in_book, change);
            WHEN 'cancel' THEN PERFORM note_cancel(in_book, change);
            WHEN 'fill' THEN PERFORM note_fill(in_book, change);
        END CASE;
    END LOOP;
END $$;

CREATE FUNCTION contradiction(key text, what text) RETURNS void LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION '%: %', key, what USING ERRCODE = 'TR002';
END $$;

CREATE FUNCTION note_trader(in_book book, in_epoch bigint, change jsonb) RETURNS void
LANGUAGE plpgsql AS $$
DECLARE
    id text := change->>'trader_id';
BEGIN
    INSERT INTO traders (
        environment, account, symbol, trader_id, parent, epoch,
        chunk_budget, buy_down, profit_interval, rebuy, started_ms, reason
    ) VALUES (
        in_book.environment, in_book.account, in_book.symbol, id, change->>'parent', in_epoch,
        (change->>'chunk_budget')::numeric, (change->>'buy_down')::numeric,
        (change->>'profit')::numeric, (change->>'rebuy')::numeric,
        (change->>'started_ms')::bigint, change->>'reason'
    ) ON CONFLICT (environment, account, symbol, trader_id) DO NOTHING;
    IF NOT FOUND THEN
        PERFORM contradiction(id, 'this trader is on record with another beginning')
        FROM traders
        WHERE (environment, account, symbol, trader_id)
                = (in_book.environment, in_book.account, in_book.symbol, id)
            AND (parent, started_ms)
                IS DISTINCT FROM (change->>'parent', (change->>'started_ms')::bigint);
    END IF;
END $$;

CREATE FUNCTION note_result(in_book book, change jsonb) RETURNS void LANGUAGE plpgsql AS $$
DECLARE
    id text := change->>'trader_id';
    new_state trader_state := (change->>'state')::trader_state;
    new_profit signed_amount := (change->>'profit')::numeric;
    new_unsold amount := (change->>'quantity')::numeric;
    old traders;
    unfinished text;
BEGIN
    SELECT * INTO old FROM traders
    WHERE (environment, account, symbol, trader_id)
        = (in_book.environment, in_book.account, in_book.symbol, id)
    FOR UPDATE;
    IF NOT FOUND THEN
        PERFORM contradiction(id, 'no such trader is on record');
    END IF;
    IF old.state <> 'running' THEN
        IF (old.state, old.profit, old.unsold) <> (new_state, new_profit, new_unsold) THEN
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
    UPDATE traders
    SET state = new_state, profit = new_profit, unsold = new_unsold,
        finished_ms = (change->>'finished_ms')::bigint, result = change->>'reason',
        carried = (
            SELECT coalesce(cycles.carried, 0) FROM cycles
            WHERE (environment, account, symbol, trader_id)
                = (in_book.environment, in_book.account, in_book.symbol, id)
        )
    WHERE (environment, account, symbol, trader_id)
        = (in_book.environment, in_book.account, in_book.symbol, id);
END $$;

-- The two ways in which an order can be over: it was on the exchange, or it never was.
CREATE FUNCTION was_there(order_state) RETURNS boolean LANGUAGE sql IMMUTABLE
RETURN $1 IN ('open', 'filled', 'canceled', 'expired');
CREATE FUNCTION never_there(order_state) RETURNS boolean LANGUAGE sql IMMUTABLE
RETURN $1 IN ('refused', 'absent');

CREATE FUNCTION note_order(in_book book, change jsonb) RETURNS void LANGUAGE plpgsql AS $$
DECLARE
    id text := change->>'client_order_id';
    new_state order_state := (change->>'state')::order_state;
    new_order_id bigint := (change->>'order_id')::bigint;
    new_executed amount := (change->>'executed')::numeric;
    new_executed_quote amount := (change->>'executed_quote')::numeric;
    old orders;
BEGIN
    SELECT * INTO old FROM orders
    WHERE (environment, account, symbol, client_order_id)
        = (in_book.environment, in_book.account, in_book.symbol, id)
    FOR UPDATE;
    IF NOT FOUND THEN
        PERFORM contradiction(id, 'no intent of this order is on record');
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
    UPDATE orders
    SET state = CASE WHEN old.state >= 'filled' THEN old.state
            ELSE greatest(old.state, new_state) END,
        order_id = coalesce(old.order_id, new_order_id),
        executed = greatest(old.executed, new_executed),
        executed_quote = CASE WHEN new_executed >= old.executed
            THEN new_executed_quote ELSE old.executed_quote END,
        reason = coalesce(nullif(change->>'reason', ''), old.reason),
        changed_at = clock_timestamp()
    WHERE (environment, account, symbol, client_order_id)
            = (in_book.environment, in_book.account, in_book.symbol, id)
        AND (new_state > old.state AND old.state < 'filled' OR new_executed > old.executed
            OR new_order_id IS NOT NULL AND old.order_id IS NULL);
END $$;

CREATE FUNCTION note_cancel(in_book book, change jsonb) RETURNS void LANGUAGE plpgsql AS $$
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
    UPDATE cancels
    SET outcome = (change->>'outcome')::cancel_outcome, outcome_reason = change->>'reason'
    WHERE (environment, account, symbol, cancel_id)
            = (in_book.environment, in_book.account, in_book.symbol, id)
        AND coalesce(old.outcome, 'undecided') = 'undecided';
END $$;

CREATE FUNCTION note_fill(in_book book, change jsonb) RETURNS void LANGUAGE plpgsql AS $$
DECLARE
    id text := change->>'client_order_id';
    new_order_id bigint := (change->>'order_id')::bigint;
    new_trade_id bigint := (change->>'trade_id')::bigint;
    of_order orders;
BEGIN
    SELECT * INTO of_order FROM orders
    WHERE (environment, account, symbol, client_order_id)
        = (in_book.environment, in_book.account, in_book.symbol, id)
    FOR UPDATE;
    IF NOT FOUND THEN
        PERFORM contradiction(id, 'no intent of this order is on record');
    END IF;
    IF of_order.side <> (change->>'side')::order_side OR of_order.order_id <> new_order_id THEN
        PERFORM contradiction(id, format('it is %s order %s on record, the fill is of %s order %s',
            of_order.side, of_order.order_id, change->>'side', new_order_id));
    END IF;
    IF never_there(of_order.state) THEN
        PERFORM contradiction(id, format('it is %s on record, and yet there is trade %s of it',
            of_order.state, new_trade_id));
    END IF;
    -- A fill may overtake the reply that tells the order's id.
    UPDATE orders SET order_id = new_order_id, changed_at = clock_timestamp()
    WHERE (environment, account, symbol, client_order_id)
            = (in_book.environment, in_book.account, in_book.symbol, id)
        AND order_id IS NULL;
    INSERT INTO fills (
        environment, account, symbol, order_id, trade_id, price, quantity, quote_quantity,
        commission, commission_asset, is_maker, time_ms
    ) VALUES (
        in_book.environment, in_book.account, in_book.symbol, new_order_id, new_trade_id,
        (change->>'price')::numeric, (change->>'quantity')::numeric,
        (change->>'quote_quantity')::numeric, (change->>'commission')::numeric,
        change->>'commission_asset', (change->>'is_maker')::boolean, (change->>'time_ms')::bigint
    ) ON CONFLICT (environment, account, symbol, order_id, trade_id) DO NOTHING;
    IF FOUND THEN
        PERFORM contradiction(of_order.trader_id, format('it is over, and yet there is trade %s of '
            'order %s', new_trade_id, new_order_id))
        FROM traders
        WHERE (environment, account, symbol, trader_id)
                = (in_book.environment, in_book.account, in_book.symbol, of_order.trader_id)
            AND state <> 'running';
    ELSE
        PERFORM contradiction(format('trade %s of order %s', new_trade_id, new_order_id),
            'this fill is on record with other amounts')
        FROM fills
        WHERE (environment, account, symbol, order_id, trade_id) = (
                in_book.environment, in_book.account, in_book.symbol, new_order_id, new_trade_id)
            AND (price, quantity, quote_quantity, commission, commission_asset) <> (
                (change->>'price')::numeric, (change->>'quantity')::numeric,
                (change->>'quote_quantity')::numeric, (change->>'commission')::numeric,
                change->>'commission_asset');
    END IF;
END $$;

-- Views: one query each for what people ask.

CREATE FUNCTION at_time(ms bigint) RETURNS timestamptz LANGUAGE sql IMMUTABLE
RETURN to_timestamp(ms / 1000.0);

-- Commission of a buy taken in what was bought: that much less was received. The record does not
-- know a symbol's assets; the asset that a symbol's name begins with is its base asset.
CREATE VIEW executions AS
SELECT f.*, o.client_order_id, o.trader_id, o.side,
    CASE WHEN o.side = 'BUY' AND starts_with(f.symbol, f.commission_asset)
        THEN f.commission ELSE 0 END AS base_commission
FROM fills AS f
JOIN orders AS o USING (environment, account, symbol, order_id);
COMMENT ON VIEW executions IS 'Fills with their order''s trader and side.';

CREATE VIEW settlements AS
SELECT o.environment, o.account, o.symbol, o.client_order_id, o.trader_id, o.state,
    o.executed, o.executed_quote, f.quantity AS filled, f.quote_quantity AS filled_quote,
    o.state >= 'filled' AND o.executed = f.quantity AND o.executed_quote = f.quote_quantity
        AS settled
FROM orders AS o
CROSS JOIN LATERAL (
    SELECT coalesce(sum(quantity), 0) AS quantity, coalesce(sum(quote_quantity), 0) AS quote_quantity
    FROM fills
    WHERE (fills.environment, fills.account, fills.symbol, fills.order_id)
        = (o.environment, o.account, o.symbol, o.order_id)
) AS f;
COMMENT ON VIEW settlements IS 'Whether each order is over and all that it executed is in fills.';

CREATE VIEW cycles AS
SELECT t.environment, t.account, t.symbol, t.trader_id, t.parent, t.state,
    at_time(t.started_ms) AS started_at, at_time(t.finished_ms) AS finished_at,
    coalesce(e.bought, 0) AS bought, coalesce(e.spent, 0) AS spent,
    coalesce(e.base_commission, 0) AS base_commission,
    coalesce(e.sold, 0) AS sold, coalesce(e.earned, 0) AS earned,
    s.quantity AS sell_target, coalesce(e.bought, 0) - coalesce(e.base_commission, 0) - s.quantity
        AS carried, t.profit, t.unsold,
    CASE WHEN e.bought > 0 THEN t.unsold * e.spent / e.bought ELSE t.unsold END AS unsold_cost,
    t.reason AS started_because, t.result AS ended_because
FROM traders AS t
LEFT JOIN LATERAL (
    SELECT sum(quantity) FILTER (WHERE side = 'BUY') AS bought,
        sum(quote_quantity) FILTER (WHERE side = 'BUY') AS spent,
        sum(base_commission) AS base_commission,
        sum(quantity) FILTER (WHERE side = 'SELL') AS sold,
        sum(quote_quantity) FILTER (WHERE side = 'SELL') AS earned
    FROM executions AS x
    WHERE (x.environment, x.account, x.symbol, x.trader_id)
        = (t.environment, t.account, t.symbol, t.trader_id)
) AS e ON true
LEFT JOIN LATERAL (
    -- What the cycle set out to sell: the quantity of the first sell that reached the exchange.
    SELECT quantity FROM orders AS o
    WHERE (o.environment, o.account, o.symbol, o.trader_id)
            = (t.environment, t.account, t.symbol, t.trader_id)
        AND o.side = 'SELL' AND NOT never_there(o.state)
    ORDER BY o.attempt LIMIT 1
) AS s ON true;
COMMENT ON VIEW cycles IS 'One row per trader with its sums in base and quote.';

CREATE VIEW positions AS
SELECT environment, account, symbol, bought, sold, base_commission,
    bought - sold - base_commission AS position,
    in_progress, carried, held, stranded,
    bought - sold - base_commission - in_progress - carried - held - stranded AS unexplained
FROM (
    SELECT environment, account, symbol,
        coalesce(sum(bought), 0) AS bought,
        coalesce(sum(sold), 0) AS sold,
        coalesce(sum(base_commission), 0) AS base_commission,
        coalesce(sum(coalesce(sell_target, bought - base_commission) - sold)
            FILTER (WHERE state = 'running'), 0) AS in_progress,
        coalesce(sum(carried), 0) AS carried,
        coalesce(sum(unsold) FILTER (WHERE state = 'held'), 0) AS held,
        coalesce(sum(unsold) FILTER (WHERE state = 'stranded'), 0) AS stranded
    FROM owners LEFT JOIN cycles USING (environment, account, symbol)
    GROUP BY environment, account, symbol
) AS sums;
COMMENT ON VIEW positions IS 'The inventory of each book in base asset, and what explains it.';

CREATE VIEW profit_by_day AS
SELECT environment, account, symbol, (at_time(finished_ms) AT TIME ZONE 'UTC')::date AS day,
    count(*) AS cycles, sum(profit) AS profit
FROM traders
WHERE state <> 'running'
GROUP BY environment, account, symbol, day;
COMMENT ON VIEW profit_by_day IS 'Realised profit in quote asset, by the day (UTC) a cycle ended.';

CREATE VIEW commission_by_asset AS
SELECT environment, account, symbol, commission_asset AS asset,
    count(*) AS fills, sum(commission) AS commission
FROM fills
GROUP BY environment, account, symbol, commission_asset;

CREATE VIEW open_orders AS
SELECT environment, account, symbol, trader_id, side, price, quantity, executed,
    quantity - executed AS remaining, state, order_id, client_order_id,
    at_time(timestamp_ms) AS intended_at, changed_at
FROM orders
WHERE state < 'filled';
COMMENT ON VIEW open_orders IS 'Orders that are, or may be, on the exchange.';

CREATE VIEW leaders AS
SELECT o.environment, o.account, o.symbol, o.cluster, o.namespace, o.name,
    s.status AS requested, o.epoch, o.pod, o.claimed_at, o.released_at,
    (SELECT count(*) FROM traders AS t WHERE state = 'running'
        AND (t.environment, t.account, t.symbol) = (o.environment, o.account, o.symbol)
    ) AS running_traders
FROM owners AS o
LEFT JOIN settings AS s USING (cluster, namespace, name);
COMMENT ON VIEW leaders IS 'Who leads what, since when.';

CREATE VIEW story AS
SELECT environment, account, symbol, trader_id, at, what, why
FROM (
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
        format('%s %s at %s, commission %s %s',
            CASE side WHEN 'BUY' THEN 'bought' ELSE 'sold' END,
            trim_scale(quantity), trim_scale(price), trim_scale(commission), commission_asset), ''
    FROM executions
    UNION ALL
    SELECT c.environment, c.account, c.symbol, o.trader_id, at_time(c.timestamp_ms), 3,
        format('cancel of the %s intended: %s',
            lower(o.side::text), coalesce(c.outcome::text, 'no answer yet')),
        c.reason || coalesce(': ' || nullif(c.outcome_reason, ''), '')
    FROM cancels AS c
    JOIN orders AS o USING (environment, account, symbol, client_order_id)
    UNION ALL
    SELECT environment, account, symbol, trader_id, changed_at, 4,
        format('%s %s after %s of %s',
            lower(side::text), state, trim_scale(executed), trim_scale(quantity)), reason
    FROM orders
    WHERE state <> 'intent'
    UNION ALL
    SELECT environment, account, symbol, trader_id, at_time(finished_ms), 5,
        format('%s: profit %s, unsold %s', state, trim_scale(profit), trim_scale(unsold)), result
    FROM traders
    WHERE state <> 'running'
) AS events
ORDER BY at, step;
COMMENT ON VIEW story IS 'What each trader did, in order, and why.';

CREATE VIEW reasons AS
SELECT environment, account, symbol, trader_id, at, what, why FROM story WHERE why <> '';
COMMENT ON VIEW reasons IS 'The steps of the story that have a reason on record.';

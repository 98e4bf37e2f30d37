-- The exchange's ids of orders and trades are facts, not keys: an exchange that was reset counts from
-- 1 again. An order is known by its client order id, which is never used twice, and so are its fills.

-- Leaders go on meanwhile. What they note locks these tables in this order; taken in another one,
-- the locks would end in a deadlock, which fails the leader's statement or the migration.
LOCK TABLE owners, orders, fills;

ALTER TABLE fills ADD COLUMN client_order_id client_id;
UPDATE fills AS f SET client_order_id = o.client_order_id
FROM orders AS o
WHERE (o.environment, o.account, o.symbol, o.order_id)
    = (f.environment, f.account, f.symbol, f.order_id);

DROP VIEW executions;
ALTER TABLE fills
    ALTER COLUMN client_order_id SET NOT NULL,
    DROP CONSTRAINT fills_order_id_environment_account_symbol_fkey,
    DROP CONSTRAINT fills_pkey,
    ADD PRIMARY KEY (client_order_id, trade_id, environment, account, symbol),
    ADD FOREIGN KEY (client_order_id, environment, account, symbol) REFERENCES orders;

ALTER TABLE orders
    DROP CONSTRAINT orders_order_id_environment_account_symbol_key,
    ADD COLUMN missing boolean NOT NULL DEFAULT false;
CREATE INDEX orders_numbered ON orders (order_id, environment, account, symbol);
COMMENT ON COLUMN orders.order_id IS 'The exchange''s id: given once, until the exchange is reset.';
COMMENT ON COLUMN orders.missing IS 'The exchange does not know it, though it is open on record.';

-- Views.

CREATE VIEW executions AS
SELECT f.*,
    CASE f.fee_in WHEN 'base' THEN f.commission ELSE 0 END AS base_commission,
    CASE f.fee_in WHEN 'quote' THEN f.commission ELSE 0 END AS quote_commission
FROM fills AS f;
COMMENT ON VIEW executions IS 'Fills with their order''s trader and side.';

CREATE OR REPLACE VIEW unvalued_fees AS
SELECT environment, account, symbol, trader_id, order_id, trade_id,
    commission_asset AS asset, commission AS amount, time_ms, at_time(time_ms) AS at,
    client_order_id
FROM fills
WHERE fee_in = 'other' AND fee_value IS NULL;

CREATE OR REPLACE VIEW settlements AS
SELECT o.environment, o.account, o.symbol, o.client_order_id, o.trader_id, o.state,
    o.executed, o.executed_quote, f.quantity AS filled, f.quote_quantity AS filled_quote,
    o.state >= 'filled' AND (
        o.fills_given_up OR o.executed = f.quantity AND o.executed_quote = f.quote_quantity
    ) AS settled
FROM orders AS o
CROSS JOIN LATERAL (
    SELECT coalesce(sum(quantity), 0) AS quantity, coalesce(sum(quote_quantity), 0) AS quote_quantity
    FROM fills
    WHERE (fills.environment, fills.account, fills.symbol, fills.client_order_id)
        = (o.environment, o.account, o.symbol, o.client_order_id)
) AS f;

CREATE OR REPLACE VIEW cycles AS
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
            WHERE (fills.environment, fills.account, fills.symbol, fills.client_order_id)
                = (o.environment, o.account, o.symbol, o.client_order_id)
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

-- Up to which trade, and of which time: an id alone says nothing after a reset.

-- A leader of the version before moves the watermark without a time, so the time has its own id.
ALTER TABLE owners
    ADD COLUMN watermark_ms milliseconds,
    ADD COLUMN watermark_ms_of bigint;
UPDATE owners AS o SET watermark_ms = f.time_ms, watermark_ms_of = f.trade_id
FROM fills AS f
WHERE (f.environment, f.account, f.symbol, f.trade_id)
    = (o.environment, o.account, o.symbol, o.watermark);
COMMENT ON COLUMN owners.watermark IS 'Reconciliation has seen every trade up to this one; -1: there was none.';
COMMENT ON COLUMN owners.watermark_ms IS 'The time of the trade in watermark_ms_of; another watermark''s is not known.';

-- What a leader notes.

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
            WHEN 'missing' THEN PERFORM note_missing(in_book, change);
            WHEN 'acknowledged' THEN PERFORM note_acknowledged(in_book, change);
        END CASE;
        durable := durable OR change->>'kind' IN ('intent', 'cancel_intent', 'acknowledged');
    END LOOP;
    IF NOT durable THEN
        PERFORM set_config('synchronous_commit', 'off', true);
    END IF;
END $$;

-- While an exchange lives it gives an id once. One that was reset does not know the orders of before.
CREATE FUNCTION check_number(in_book book, id text, number bigint) RETURNS void
LANGUAGE plpgsql AS $$
BEGIN
    PERFORM contradiction(id, format('the exchange says that it is order %s, which is %s on record '
        'and not over', number, client_order_id))
    FROM orders
    WHERE (environment, account, symbol, order_id)
            = (in_book.environment, in_book.account, in_book.symbol, number)
        AND client_order_id <> id AND state < 'filled' AND NOT missing;
END $$;

-- Only the leader that has looked everywhere says so.
CREATE FUNCTION note_missing(in_book book, change jsonb) RETURNS void
LANGUAGE plpgsql AS $$
DECLARE
    id text := change->>'client_order_id';
BEGIN
    UPDATE orders SET missing = true
    WHERE (environment, account, symbol, client_order_id)
        = (in_book.environment, in_book.account, in_book.symbol, id);
    IF NOT FOUND THEN
        PERFORM contradiction(id, 'no intent of this order is on record');
    END IF;
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
    IF old.order_id IS NULL THEN
        PERFORM check_number(in_book, id, new_order_id);
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
        current_quantity = new_quantity, missing = old.missing AND new_state <> 'open',
        reason = coalesce(nullif(change->>'reason', ''), old.reason),
        changed_at = clock_timestamp()
    WHERE (environment, account, symbol, client_order_id)
            = (in_book.environment, in_book.account, in_book.symbol, id)
        AND (new_state > old.state AND old.state < 'filled' OR new_executed > old.executed
            OR new_order_id IS NOT NULL AND old.order_id IS NULL
            OR new_quantity IS DISTINCT FROM old.current_quantity OR old.missing AND new_state = 'open');
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
    IF of_order.order_id IS NULL THEN
        PERFORM check_number(in_book, id, new_order_id);
    END IF;
    -- A fill may overtake the reply that tells the order's id.
    UPDATE orders SET order_id = new_order_id, changed_at = clock_timestamp()
    WHERE (environment, account, symbol, client_order_id)
            = (in_book.environment, in_book.account, in_book.symbol, id)
        AND order_id IS NULL;
    INSERT INTO fills (
        environment, account, symbol, client_order_id, order_id, trade_id, trader_id, side,
        price, quantity, quote_quantity, commission, commission_asset, is_maker, time_ms,
        fee_in, fee_value, fee_price, fee_source, fee_price_ms
    ) VALUES (
        in_book.environment, in_book.account, in_book.symbol, id, new_order_id, new_trade_id,
        of_order.trader_id, of_order.side,
        (change->>'price')::numeric, (change->>'quantity')::numeric,
        (change->>'quote_quantity')::numeric, new_commission,
        change->>'commission_asset', (change->>'is_maker')::boolean, (change->>'time_ms')::bigint,
        coalesce((change->>'fee_in')::fee_asset,
            fee_asset_of(in_book.symbol, change->>'commission_asset', new_commission)),
        (change->>'fee_value')::numeric, (change->>'fee_price')::numeric,
        change->>'fee_source', (change->>'fee_price_ms')::bigint
    ) ON CONFLICT (environment, account, symbol, client_order_id, trade_id) DO NOTHING;
    IF NOT FOUND THEN
        PERFORM contradiction(format('trade %s of order %s', new_trade_id, new_order_id),
            'this fill is on record with other amounts')
        FROM fills
        WHERE (environment, account, symbol, client_order_id, trade_id) = (
                in_book.environment, in_book.account, in_book.symbol, id, new_trade_id)
            AND (price, quantity, quote_quantity, commission, commission_asset) <> (
                (change->>'price')::numeric, (change->>'quantity')::numeric,
                (change->>'quote_quantity')::numeric, new_commission,
                change->>'commission_asset');
    ELSIF is_over THEN
        PERFORM contradiction(of_order.trader_id, format('it is over, and yet there is trade %s of '
            'order %s', new_trade_id, new_order_id));
    END IF;
END $$;

CREATE OR REPLACE FUNCTION note_fee(in_book book, change jsonb) RETURNS void LANGUAGE plpgsql AS $$
DECLARE
    id text := change->>'client_order_id';
    new_trade_id bigint := (change->>'trade_id')::bigint;
    fee fills;
    ended traders;
    value amount := (change->>'fee_value')::numeric;
BEGIN
    -- A leader of the version before tells the order's id on the exchange instead.
    IF id IS NULL THEN
        SELECT client_order_id INTO id FROM fills
        WHERE (environment, account, symbol, trader_id, order_id, trade_id) = (
            in_book.environment, in_book.account, in_book.symbol, change->>'trader_id',
            (change->>'order_id')::bigint, new_trade_id)
        ORDER BY fee_value IS NULL DESC LIMIT 1;
    END IF;
    SELECT * INTO fee FROM fills
    WHERE (environment, account, symbol, client_order_id, trade_id)
        = (in_book.environment, in_book.account, in_book.symbol, id, new_trade_id)
    FOR UPDATE;
    IF NOT FOUND THEN
        PERFORM contradiction(format('trade %s of order %s', new_trade_id,
            coalesce(id, change->>'order_id')), 'no such fill is on record');
    END IF;
    IF fee.fee_in <> 'other' THEN
        PERFORM contradiction(format('trade %s of order %s', new_trade_id, id),
            format('its fee is in %s on record', fee.fee_in));
    END IF;
    IF fee.fee_value IS NOT NULL THEN
        RETURN;
    END IF;
    UPDATE fills
    SET fee_value = value, fee_price = (change->>'fee_price')::numeric,
        fee_source = change->>'fee_source', fee_price_ms = (change->>'fee_price_ms')::bigint
    WHERE (environment, account, symbol, client_order_id, trade_id)
        = (in_book.environment, in_book.account, in_book.symbol, id, new_trade_id);
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

-- Limits and halts of an account are rows. The statement that commits a buy's intent checks them: a
-- buy past one of them is not committed, so it cannot be sent, whoever was told what. Sells and
-- cancels always pass. A leader of the version before works with this: what it is refused is a
-- contradiction to it.

-- Leaders go on meanwhile. All that they note locks owners first, and of the other two tables either
-- first: who has owners has no leader half-way.
LOCK TABLE owners, traders, orders;

-- Limits, as the resources declare them.

CREATE TABLE trading_limits (
    environment name_text NOT NULL,
    account name_text NOT NULL,
    uid name_text NOT NULL,
    generation bigint NOT NULL CHECK (generation >= 0),
    cluster name_text NOT NULL,
    namespace name_text NOT NULL,
    name name_text NOT NULL,
    quote_asset name_text,
    halt boolean NOT NULL DEFAULT false,
    max_exposure positive_amount,
    max_daily_loss positive_amount,
    max_drawdown positive_amount,
    max_open_cycles integer CHECK (max_open_cycles > 0),
    max_orders_per_minute integer CHECK (max_orders_per_minute > 0),
    cooldown_ms milliseconds,
    on_limit text NOT NULL DEFAULT 'NoBuys'
        CHECK (on_limit IN ('NoBuys', 'CancelBuys', 'Shutdown')),
    resume text NOT NULL DEFAULT 'Manual' CHECK (resume IN ('Manual', 'NextDay')),
    resumed_at timestamptz,
    mirrored_at timestamptz NOT NULL DEFAULT clock_timestamp(),
    reported_at timestamptz,
    deleted_at timestamptz,
    PRIMARY KEY (environment, account, uid)
);
COMMENT ON TABLE trading_limits IS 'A mirror of each TradingLimit''s spec, of its newest generation that any leader saw.';
COMMENT ON COLUMN trading_limits.quote_asset IS 'It holds for the symbols quoted in this; NULL: for all, and each quote asset has the amounts to itself.';
COMMENT ON COLUMN trading_limits.resumed_at IS 'As a person wrote it: a later one than before ends the halts that losses led to.';
COMMENT ON COLUMN trading_limits.reported_at IS 'When a leader last set out to report what is used of it.';
COMMENT ON COLUMN trading_limits.deleted_at IS 'The resource is gone; the row stays, so that a leader that lags does not mirror it again.';

CREATE TABLE halts (
    environment name_text NOT NULL,
    account name_text NOT NULL,
    source name_text NOT NULL,
    quote_asset name_text,
    reason name_text NOT NULL,
    on_limit text NOT NULL DEFAULT 'NoBuys'
        CHECK (on_limit IN ('NoBuys', 'CancelBuys', 'Shutdown')),
    since timestamptz NOT NULL DEFAULT clock_timestamp(),
    until_day date,
    PRIMARY KEY (environment, account, source)
);
COMMENT ON TABLE halts IS 'While there is a row, nothing buys on the account.';
COMMENT ON COLUMN halts.source IS 'person: a command; limit UID: spec.halt of a resource; maxDailyLoss or maxDrawdown with a quote asset: the loss that led to it.';
COMMENT ON COLUMN halts.quote_asset IS 'It holds for the symbols quoted in this; NULL: for all.';
COMMENT ON COLUMN halts.until_day IS 'The day (UTC) on which it ends by itself; NULL: when a person says so.';

-- What is open, per trader and added up per ledger. An account's totals are the sums over its
-- ledgers: a row per account would make leaders wait for each other at each fill.

ALTER TABLE traders
    ADD COLUMN exposure numeric NOT NULL DEFAULT 0,
    ADD COLUMN net_base numeric NOT NULL DEFAULT 0,
    ADD COLUMN net_quote numeric NOT NULL DEFAULT 0;
COMMENT ON COLUMN traders.exposure IS 'Quote that its buys spent or may still spend; 0 once it is over.';
COMMENT ON COLUMN traders.net_base IS 'Base asset that it holds; 0 once it is over.';
COMMENT ON COLUMN traders.net_quote IS 'Quote from its sells less that for its buys and fees; 0 once it is over.';

ALTER TABLE owners
    ADD COLUMN quote_asset name_text,
    ADD COLUMN exposure numeric NOT NULL DEFAULT 0,
    ADD COLUMN open_cycles integer NOT NULL DEFAULT 0,
    ADD COLUMN net_base numeric NOT NULL DEFAULT 0,
    ADD COLUMN net_quote numeric NOT NULL DEFAULT 0,
    ADD COLUMN minute bigint NOT NULL DEFAULT 0,
    ADD COLUMN orders_in_minute integer NOT NULL DEFAULT 0,
    ADD COLUMN orders_before integer NOT NULL DEFAULT 0,
    ADD COLUMN last_loss_ms milliseconds,
    ADD COLUMN bid positive_amount,
    ADD COLUMN bid_at timestamptz,
    ADD COLUMN bid_asked_at timestamptz,
    ADD COLUMN heard jsonb NOT NULL DEFAULT '{}';
COMMENT ON COLUMN owners.quote_asset IS 'What the symbol is quoted in, as its leader said; NULL: not known.';
COMMENT ON COLUMN owners.open_cycles IS 'Running traders that have an exposure.';
COMMENT ON COLUMN owners.net_base IS 'Of the running traders, as net_quote and exposure.';
COMMENT ON COLUMN owners.orders_in_minute IS 'Orders intended in the minute that has this number since 1970, orders_before: in the one before.';
COMMENT ON COLUMN owners.last_loss_ms IS 'When a cycle last ended at a loss, by the exchange''s clock.';
COMMENT ON COLUMN owners.heard IS 'The generation of each limit, by uid, that its leader has heard of.';
COMMENT ON COLUMN owners.bid IS 'The best bid that a leader recorded last, at bid_at.';
COMMENT ON COLUMN owners.bid_asked_at IS 'When the leader of another symbol last set out to ask for its bid, because its own did not.';

CREATE INDEX orders_committed ON orders (committed_at, account);

CREATE TABLE account_results (
    environment name_text NOT NULL,
    account name_text NOT NULL,
    quote_asset name_text NOT NULL,
    result numeric NOT NULL,
    evaluated_at timestamptz NOT NULL,
    day date NOT NULL,
    day_start numeric NOT NULL,
    highest numeric NOT NULL,
    highest_at timestamptz NOT NULL,
    PRIMARY KEY (environment, account, quote_asset)
);
COMMENT ON TABLE account_results IS 'Realised profit and what open inventory would bring at the last bids, less its cost; worked out where a loss limit stands, at each bid, end of a cycle, and buy.';
COMMENT ON COLUMN account_results.day_start IS 'The last result before that day (UTC) began, or the first since a loss limit stands or a person resumed.';
COMMENT ON COLUMN account_results.highest IS 'The highest since a loss limit stands or a person resumed.';

CREATE FUNCTION utc_day(moment timestamptz) RETURNS date LANGUAGE sql IMMUTABLE
RETURN (moment AT TIME ZONE 'UTC')::date;

CREATE FUNCTION may_cost(of_order orders) RETURNS numeric LANGUAGE sql IMMUTABLE
RETURN CASE
    WHEN never_there($1.state) THEN 0
    WHEN $1.state >= 'filled' THEN $1.executed_quote
    ELSE $1.executed_quote
        + (coalesce($1.current_quantity, $1.quantity) - $1.executed) * $1.price
END;

-- A bid of before this moment is too old to count losses by.
CREATE FUNCTION bids_count_since() RETURNS timestamptz LANGUAGE sql
RETURN clock_timestamp() - interval '60 s';

CREATE FUNCTION too_old(bid_at timestamptz) RETURNS boolean LANGUAGE sql
RETURN coalesce($1 < bids_count_since(), true);

-- Work out again what a trader adds to its ledger's totals, after something became of its orders.
CREATE FUNCTION keep_totals(in_book book, of_trader text) RETURNS void LANGUAGE plpgsql AS $$
DECLARE
    old traders;
    new_exposure numeric := 0;
    new_base numeric := 0;
    new_quote numeric := 0;
BEGIN
    SELECT * INTO old FROM traders
    WHERE (environment, account, symbol, trader_id)
        = (in_book.environment, in_book.account, in_book.symbol, of_trader);
    IF old.state = 'running' THEN
        SELECT coalesce(sum(may_cost(o)), 0) INTO new_exposure FROM orders AS o
        WHERE (environment, account, symbol, trader_id)
                = (in_book.environment, in_book.account, in_book.symbol, of_trader)
            AND side = 'BUY';
        SELECT bought - base_commission - sold,
            earned - spent - quote_commission - other_commission
        INTO new_base, new_quote FROM cycles
        WHERE (environment, account, symbol, trader_id)
            = (in_book.environment, in_book.account, in_book.symbol, of_trader);
    ELSIF old.profit < 0 THEN
        UPDATE owners SET last_loss_ms = greatest(last_loss_ms, old.finished_ms)
        WHERE (environment, account, symbol)
                = (in_book.environment, in_book.account, in_book.symbol)
            AND last_loss_ms IS DISTINCT FROM greatest(last_loss_ms, old.finished_ms);
    END IF;
    IF (old.exposure, old.net_base, old.net_quote) = (new_exposure, new_base, new_quote) THEN
        RETURN;
    END IF;
    UPDATE traders SET exposure = new_exposure, net_base = new_base, net_quote = new_quote
    WHERE (environment, account, symbol, trader_id)
        = (in_book.environment, in_book.account, in_book.symbol, of_trader);
    UPDATE owners
    SET exposure = exposure + new_exposure - old.exposure,
        open_cycles = open_cycles + (new_exposure > 0)::integer - (old.exposure > 0)::integer,
        net_base = net_base + new_base - old.net_base,
        net_quote = net_quote + new_quote - old.net_quote,
        -- An old bid says nothing about what is held from now on.
        bid = CASE WHEN net_base = 0 AND new_base <> old.net_base AND too_old(bid_at) THEN NULL
            ELSE bid END
    WHERE (environment, account, symbol) = (in_book.environment, in_book.account, in_book.symbol);
END $$;

-- The minutes of the database's clock, counted.
CREATE FUNCTION minute_of(moment timestamptz) RETURNS bigint LANGUAGE sql IMMUTABLE
RETURN floor(extract(epoch FROM moment) / 60);

-- Count an order that was inserted just now. A buy adds what it may cost.
CREATE FUNCTION count_order(in_book book, of_trader text, cost numeric) RETURNS void
LANGUAGE plpgsql AS $$
DECLARE
    now_minute bigint;
    opens integer := 0;
BEGIN
    -- A clock that was set back does not take back what was counted.
    SELECT greatest(minute_of(clock_timestamp()), minute) INTO now_minute FROM owners
    WHERE (environment, account, symbol) = (in_book.environment, in_book.account, in_book.symbol);
    IF cost > 0 THEN
        UPDATE traders SET exposure = exposure + cost
        WHERE (environment, account, symbol, trader_id)
            = (in_book.environment, in_book.account, in_book.symbol, of_trader)
        RETURNING (exposure = cost)::integer INTO opens;
    END IF;
    UPDATE owners
    SET exposure = exposure + cost, open_cycles = open_cycles + opens, minute = now_minute,
        orders_in_minute = 1 + CASE WHEN minute = now_minute THEN orders_in_minute ELSE 0 END,
        orders_before = CASE minute WHEN now_minute THEN orders_before
            WHEN now_minute - 1 THEN orders_in_minute ELSE 0 END
    WHERE (environment, account, symbol) = (in_book.environment, in_book.account, in_book.symbol);
END $$;

-- What is on record.
DO $$
BEGIN
    PERFORM keep_totals(ROW(environment, account, symbol)::book, trader_id)
    FROM traders WHERE state = 'running';
END $$;
UPDATE owners AS o SET last_loss_ms = loss.ms
FROM (
    SELECT environment, account, symbol, max(finished_ms) AS ms FROM traders
    WHERE state <> 'running' AND profit < 0 GROUP BY environment, account, symbol
) AS loss
WHERE (o.environment, o.account, o.symbol) = (loss.environment, loss.account, loss.symbol);

-- The lock of an account, until the transaction ends. Buys share it, and have it alone where a
-- limit stands, for sums. Who changes limits or halts has it alone: no buy is committed after a
-- halt. It is taken after the ledger's row and before that of a result, and never upgraded.
CREATE FUNCTION lock_account(of_environment text, of_account text, alone boolean) RETURNS void
LANGUAGE plpgsql AS $$
DECLARE
    -- "tlim" in ASCII; migrations have another kind of key.
    kind constant integer := 1953261933;
    key integer := hashtext(of_environment || ' ' || of_account);
BEGIN
    IF alone THEN
        PERFORM pg_advisory_xact_lock(kind, key);
    ELSE
        PERFORM pg_advisory_xact_lock_shared(kind, key);
    END IF;
END $$;

CREATE FUNCTION has_limits(of_environment text, of_account text) RETURNS boolean
LANGUAGE sql STABLE
RETURN EXISTS (
    SELECT FROM trading_limits
    WHERE (environment, account) = ($1, $2) AND deleted_at IS NULL
);

CREATE FUNCTION has_loss_limits(of_environment text, of_account text, of_quote text)
RETURNS boolean LANGUAGE sql STABLE
RETURN EXISTS (
    SELECT FROM trading_limits
    WHERE (environment, account) = ($1, $2) AND deleted_at IS NULL
        AND num_nonnulls(max_daily_loss, max_drawdown) > 0 AND coalesce(quote_asset = $3, true)
);

-- What a ledger has brought. Without a bid, what it holds counts at cost.
CREATE FUNCTION result_of(of_ledger owners) RETURNS numeric LANGUAGE sql IMMUTABLE
RETURN $1.ended_profit + CASE
    WHEN $1.bid IS NULL THEN 0
    ELSE $1.net_quote - $1.ended_carried_cost + ($1.net_base + $1.ended_carried) * $1.bid
END;

-- What a halt does with what is open: the more, the stricter.
CREATE FUNCTION strictness(on_limit text) RETURNS integer LANGUAGE sql IMMUTABLE
RETURN array_position(ARRAY['NoBuys', 'CancelBuys', 'Shutdown'], $1);

-- Keep an account's result in a quote asset that a loss limit stands for, and halt it once the limit
-- is reached. The account is locked alone. Losses count from the first result on, so that waits for
-- a bid of all that is held.
CREATE FUNCTION keep_account_result(
    of_environment text, of_account text, of_quote text, now_result numeric
) RETURNS void LANGUAGE plpgsql AS $$
DECLARE
    moment timestamptz := clock_timestamp();
    today date := utc_day(moment);
    total record;
BEGIN
    SELECT * INTO total FROM account_results
    WHERE (environment, account, quote_asset) = (of_environment, of_account, of_quote);
    IF NOT FOUND THEN
        IF EXISTS (
            SELECT FROM owners
            WHERE (environment, account) = (of_environment, of_account)
                AND coalesce(quote_asset = of_quote, true) AND net_base <> 0 AND too_old(bid_at)
        ) THEN
            RETURN;
        END IF;
        INSERT INTO account_results
        VALUES (of_environment, of_account, of_quote, now_result, moment, today, now_result,
            now_result, moment)
        RETURNING * INTO total;
    ELSIF total.day < today OR total.result <> now_result THEN
        UPDATE account_results
        SET day = greatest(day, today),
            day_start = CASE WHEN day < today THEN result ELSE day_start END,
            highest = greatest(highest, now_result),
            highest_at = CASE WHEN now_result > highest THEN moment ELSE highest_at END,
            result = now_result, evaluated_at = moment
        WHERE (environment, account, quote_asset) = (of_environment, of_account, of_quote)
        RETURNING * INTO total;
    END IF;
    -- Of several limits that are reached the strictest counts, also where a later one finds a halt.
    INSERT INTO halts AS h (
        environment, account, source, quote_asset, reason, on_limit, until_day
    )
    SELECT of_environment, of_account, reached.what || ' ' || of_quote, of_quote,
        (array_agg(format('%s of %s/%s: %s %s of %s are lost', reached.what, namespace, name,
            trim_scale(reached.lost), of_quote, trim_scale(reached.most))
            ORDER BY strictness(on_limit) DESC, resume = 'NextDay', reached.most))[1],
        (array_agg(on_limit ORDER BY strictness(on_limit) DESC))[1],
        CASE WHEN reached.what = 'maxDailyLoss' AND bool_and(resume = 'NextDay')
            THEN total.day + 1 END
    FROM trading_limits
    CROSS JOIN LATERAL (VALUES
        ('maxDailyLoss', total.day_start - now_result, max_daily_loss::numeric),
        ('maxDrawdown', total.highest - now_result, max_drawdown::numeric)
    ) AS reached (what, lost, most)
    WHERE (environment, account) = (of_environment, of_account) AND deleted_at IS NULL
        AND coalesce(quote_asset, of_quote) = of_quote AND reached.lost >= reached.most
    GROUP BY reached.what
    ON CONFLICT (environment, account, source) DO UPDATE
    SET since = CASE WHEN h.until_day <= total.day THEN moment ELSE h.since END,
        reason = excluded.reason,
        on_limit = CASE
            WHEN h.until_day <= total.day OR strictness(excluded.on_limit) > strictness(h.on_limit)
            THEN excluded.on_limit ELSE h.on_limit
        END,
        until_day = CASE
            WHEN h.until_day <= total.day THEN excluded.until_day
            WHEN excluded.until_day IS NOT NULL THEN h.until_day
        END
    WHERE h.until_day <= total.day OR strictness(excluded.on_limit) > strictness(h.on_limit)
        OR (h.until_day IS NOT NULL AND excluded.until_day IS NULL);
END $$;

-- Work out an account's result in a quote asset, and keep it, where a loss limit stands.
CREATE FUNCTION evaluate(of_environment text, of_account text, of_quote text) RETURNS void
LANGUAGE plpgsql AS $$
BEGIN
    IF NOT has_loss_limits(of_environment, of_account, of_quote) THEN
        RETURN;
    END IF;
    PERFORM keep_account_result(of_environment, of_account, of_quote, (
        SELECT coalesce(sum(result_of(o)), 0) FROM owners AS o
        WHERE (environment, account, quote_asset) = (of_environment, of_account, of_quote)
    ));
END $$;

-- Why a buy is not committed.
CREATE TYPE refusal AS (client_order_id text, reason text, message text);

-- Return why an account's halts and limits do not allow a buy, NULL where they do. A symbol whose quote
-- asset is not known counts for each.
--
-- All leaders of the account wait for this: its ledgers are read once for all sums. Rows are read into
-- `record`: a variable of a table's type checks the domain of each column.
CREATE FUNCTION why_not_buy(in_book book, id text, of_trader text, cost numeric) RETURNS refusal
LANGUAGE plpgsql AS $$
DECLARE
    moment timestamptz := clock_timestamp();
    bids_since timestamptz := bids_count_since();
    this_minute bigint := minute_of(moment);
    here record;
    halt record;
    held record;
    standing record;
    total record;
    newest_orders bigint;
    of_limit text;
    opens integer;
BEGIN
    SELECT environment, account, symbol, quote_asset, last_loss_ms INTO here FROM owners
    WHERE (environment, account, symbol) = (in_book.environment, in_book.account, in_book.symbol);
    SELECT count(*) AS limits, bool_or(
        num_nonnulls(max_daily_loss, max_drawdown) > 0
            AND coalesce(quote_asset = here.quote_asset, true)
    ) AS of_losses
    INTO standing FROM trading_limits
    WHERE (environment, account) = (here.environment, here.account) AND deleted_at IS NULL;
    IF standing.limits > 0 THEN
        SELECT sum(exposure + greatest(ended_carried_cost, 0)) FILTER (WHERE counts) AS exposure,
            sum(open_cycles) AS open_cycles,
            sum(open_cycles) FILTER (WHERE counts) AS open_of_quote,
            sum(CASE WHEN this_minute <= minute THEN orders_in_minute + orders_before
                WHEN this_minute - 1 = minute THEN orders_in_minute ELSE 0 END) AS orders_at_most,
            min(symbol) FILTER (
                WHERE counts AND net_base <> 0 AND coalesce(bid_at < bids_since, true)
            ) AS stale,
            sum(result_of(o)) FILTER (WHERE quote_asset = here.quote_asset) AS result
        INTO total
        FROM owners AS o
        CROSS JOIN LATERAL (SELECT coalesce(quote_asset = here.quote_asset, true) AS counts) AS c
        WHERE (environment, account) = (here.environment, here.account);
        SELECT (exposure = 0)::integer INTO opens FROM traders
        WHERE (environment, account, symbol, trader_id)
            = (here.environment, here.account, here.symbol, of_trader);
    END IF;
    IF standing.of_losses AND here.quote_asset IS NOT NULL THEN
        PERFORM keep_account_result(here.environment, here.account, here.quote_asset, total.result);
    END IF;
    SELECT since, reason INTO halt FROM halts
    WHERE (environment, account) = (here.environment, here.account)
        AND (until_day IS NULL OR until_day > utc_day(moment))
        AND coalesce(quote_asset = here.quote_asset, true)
    ORDER BY since LIMIT 1;
    IF FOUND THEN
        RETURN ROW(id, 'Halted', format('buys are halted since %s: %s',
            to_char(halt.since AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS"Z"'), halt.reason))::refusal;
    END IF;
    FOR held IN
        SELECT * FROM trading_limits
        WHERE (environment, account) = (here.environment, here.account) AND deleted_at IS NULL
            AND coalesce(quote_asset = here.quote_asset, true)
        ORDER BY uid
    LOOP
        of_limit := format('of %s/%s', held.namespace, held.name);
        IF here.quote_asset IS NULL
            AND num_nonnulls(held.max_exposure, held.max_daily_loss, held.max_drawdown) > 0
        THEN
            RETURN ROW(id, 'QuoteUnknown', format('the amounts %s cannot be checked: what %s is quoted '
                'in is not on record yet', of_limit, here.symbol))::refusal;
        END IF;
        IF num_nonnulls(held.max_daily_loss, held.max_drawdown) > 0 AND total.stale IS NOT NULL THEN
            RETURN ROW(id, 'BidStale', format('the loss limits %s cannot be checked: the bid of %s on '
                'record is missing or older than 60 s', of_limit, total.stale))::refusal;
        END IF;
        IF total.exposure + cost > held.max_exposure THEN
            RETURN ROW(id, 'MaxExposure', format('maxExposure %s: %s of %s %s are used, and this buy '
                'takes %s', of_limit, trim_scale(total.exposure), trim_scale(held.max_exposure),
                here.quote_asset, trim_scale(cost)))::refusal;
        END IF;
        IF opens + (CASE WHEN held.quote_asset IS NULL THEN total.open_cycles
                ELSE total.open_of_quote END) > held.max_open_cycles
        THEN
            RETURN ROW(id, 'MaxOpenCycles', format('maxOpenCycles %s: %s cycles are open', of_limit,
                held.max_open_cycles))::refusal;
        END IF;
        -- Two minutes of the clock hold the last 60 s: the orders are looked at where that is not enough.
        IF total.orders_at_most >= held.max_orders_per_minute THEN
            SELECT count(*) INTO newest_orders FROM (
                SELECT FROM orders
                WHERE committed_at > moment - interval '1 min'
                    AND (environment, account) = (here.environment, here.account)
                    AND (held.quote_asset IS NULL OR EXISTS (
                        SELECT FROM owners AS o
                        WHERE (o.environment, o.account, o.symbol)
                                = (orders.environment, orders.account, orders.symbol)
                            AND coalesce(o.quote_asset = held.quote_asset, true)
                    ))
                LIMIT held.max_orders_per_minute
            ) AS newest;
            IF newest_orders >= held.max_orders_per_minute THEN
                RETURN ROW(id, 'MaxOrdersPerMinute', format('maxOrdersPerMinute %s: %s orders within '
                    'the last minute', of_limit, newest_orders))::refusal;
            END IF;
        END IF;
        IF at_time(here.last_loss_ms + held.cooldown_ms) > moment THEN
            RETURN ROW(id, 'Cooldown', format('cooldown %s: a cycle of %s ended at a loss, and it buys '
                'again from %s on', of_limit, here.symbol,
                to_char(at_time(here.last_loss_ms + held.cooldown_ms) AT TIME ZONE 'UTC',
                    'YYYY-MM-DD"T"HH24:MI:SS"Z"')))::refusal;
        END IF;
    END LOOP;
    RETURN NULL;
END $$;

-- The trader that a change concerns, if its totals are to be worked out again.
CREATE FUNCTION trader_of(in_book book, change jsonb) RETURNS text LANGUAGE sql STABLE
RETURN CASE
    WHEN change->>'kind' IN ('result', 'fee') THEN change->>'trader_id'
    WHEN change->>'kind' IN ('order', 'fill', 'fills_given_up') THEN (
        SELECT trader_id FROM orders
        WHERE (environment, account, symbol, client_order_id)
            = (in_book.environment, in_book.account, in_book.symbol, change->>'client_order_id')
    )
END;

-- Note changes, and return the buys that were not committed; all else is.
CREATE FUNCTION note_within_limits(
    in_book book, in_epoch bigint, in_nonce text, changes jsonb
) RETURNS SETOF refusal LANGUAGE plpgsql AS $$
DECLARE
    change jsonb;
    durable boolean := false;
    buys boolean := changes @? '$[*] ? (@.kind == "intent" && @.side == "BUY")';
    ends boolean := changes @? '$[*] ? (@.kind == "result" || @.kind == "fee")';
    limited boolean := false;
    came_just_now boolean := false;
    cost numeric;
    touched text[] := '{}';
    of_trader text;
    refused refusal;
BEGIN
    -- Waits for a claim under way, and makes a later one wait for this call.
    PERFORM FROM owners
    WHERE (environment, account, symbol) = (in_book.environment, in_book.account, in_book.symbol)
        AND epoch = in_epoch AND nonce = in_nonce AND released_at IS NULL
    FOR NO KEY UPDATE;
    IF NOT FOUND THEN
        RAISE EXCEPTION 'epoch % is over', in_epoch USING ERRCODE = 'TR001';
    END IF;
    IF buys OR ends THEN
        limited := has_limits(in_book.environment, in_book.account);
        IF buys OR limited THEN
            PERFORM lock_account(in_book.environment, in_book.account, limited);
            came_just_now := NOT limited AND has_limits(in_book.environment, in_book.account);
        END IF;
    END IF;
    FOR change IN SELECT value FROM jsonb_array_elements(changes)
    LOOP
        IF change->>'kind' = 'intent' AND change->>'side' = 'BUY' THEN
            PERFORM keep_totals(in_book, t) FROM unnest(touched) AS t;
            touched := '{}';
            cost := (change->>'price')::numeric * (change->>'quantity')::numeric;
            refused := CASE WHEN came_just_now
                THEN (change->>'client_order_id', 'LimitsChanged', 'a limit has come just now')::refusal
                ELSE why_not_buy(in_book, change->>'client_order_id', change->>'trader_id', cost)
                END;
            durable := true;
            IF refused.reason IS NOT NULL THEN
                RETURN NEXT refused;
            ELSE
                PERFORM note_intent(in_book, in_epoch, change);
                PERFORM count_order(in_book, change->>'trader_id', cost);
            END IF;
            CONTINUE;
        END IF;
        CASE change->>'kind'
            WHEN 'intent' THEN
                PERFORM note_intent(in_book, in_epoch, change);
                PERFORM count_order(in_book, change->>'trader_id', 0);
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
        of_trader := trader_of(in_book, change);
        IF of_trader IS NOT NULL AND of_trader <> ALL (touched) THEN
            touched := touched || of_trader;
        END IF;
    END LOOP;
    PERFORM keep_totals(in_book, t) FROM unnest(touched) AS t;
    IF ends AND limited THEN
        PERFORM evaluate(environment, account, quote_asset) FROM owners
        WHERE (environment, account, symbol)
                = (in_book.environment, in_book.account, in_book.symbol)
            AND quote_asset IS NOT NULL;
    END IF;
    IF NOT durable THEN
        PERFORM set_config('synchronous_commit', 'off', true);
    END IF;
END $$;

-- The same for a leader that says how many settlements it has loaded, see `note`.
CREATE FUNCTION note_within_limits(
    in_book book, in_epoch bigint, in_nonce text, in_settlements bigint, changes jsonb
) RETURNS SETOF refusal LANGUAGE plpgsql AS $$
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
    RETURN QUERY SELECT * FROM note_within_limits(in_book, in_epoch, in_nonce, changes);
END $$;

-- A leader of a version before does not look whether a buy was refused: it must hear an error.
CREATE OR REPLACE FUNCTION note(in_book book, in_epoch bigint, in_nonce text, changes jsonb)
RETURNS void LANGUAGE plpgsql AS $$
BEGIN
    PERFORM contradiction(client_order_id, message)
    FROM note_within_limits(in_book, in_epoch, in_nonce, changes);
END $$;

-- Record the best bid of a symbol that holds something: what it holds is worth that.
CREATE FUNCTION record_bid(in_book book, in_epoch bigint, in_nonce text, in_bid numeric)
RETURNS boolean LANGUAGE plpgsql AS $$
DECLARE
    here owners;
    limited boolean;
BEGIN
    PERFORM set_config('synchronous_commit', 'off', true);
    SELECT * INTO here FROM owners
    WHERE (environment, account, symbol) = (in_book.environment, in_book.account, in_book.symbol)
        AND epoch = in_epoch AND nonce = in_nonce AND released_at IS NULL
    FOR NO KEY UPDATE;
    IF NOT FOUND THEN
        RETURN NULL;
    END IF;
    limited := has_limits(here.environment, here.account);
    IF limited THEN
        PERFORM lock_account(here.environment, here.account, true);
    END IF;
    UPDATE owners SET bid = in_bid, bid_at = clock_timestamp()
    WHERE (environment, account, symbol) = (here.environment, here.account, here.symbol);
    IF here.quote_asset IS NOT NULL AND limited THEN
        PERFORM evaluate(here.environment, here.account, here.quote_asset);
    END IF;
    RETURN true;
END $$;

-- Record the bids ({symbol: bid}) of symbols that others lead or nobody does, as asked for at a
-- moment. One that comes late is no bid of just now.
CREATE FUNCTION record_bids_of_others(
    of_environment text, of_account text, asked_at timestamptz, bids jsonb
) RETURNS void LANGUAGE plpgsql AS $$
DECLARE
    late_after constant interval := '10 s';
BEGIN
    PERFORM set_config('synchronous_commit', 'off', true);
    PERFORM FROM owners
    WHERE (environment, account) = (of_environment, of_account) AND bids ? symbol
    ORDER BY symbol FOR NO KEY UPDATE;
    PERFORM lock_account(of_environment, of_account, true);
    UPDATE owners SET bid = (bids->>symbol)::numeric, bid_at = clock_timestamp()
    WHERE (environment, account) = (of_environment, of_account) AND bids ? symbol
        AND bid_asked_at = asked_at AND asked_at > clock_timestamp() - late_after
        AND coalesce(bid_at < asked_at, true);
    IF FOUND THEN
        PERFORM evaluate(of_environment, of_account, quote_asset)
        FROM (
            SELECT DISTINCT quote_asset FROM owners
            WHERE (environment, account) = (of_environment, of_account) AND bids ? symbol
                AND quote_asset IS NOT NULL
        ) AS quotes;
    END IF;
END $$;

CREATE FUNCTION evaluate_all(of_environment text, of_account text) RETURNS void
LANGUAGE sql
BEGIN ATOMIC
    SELECT evaluate(of_environment, of_account, quote_asset)
    FROM (
        SELECT DISTINCT quote_asset FROM owners
        WHERE (environment, account) = (of_environment, of_account) AND quote_asset IS NOT NULL
    ) AS quotes;
END;

-- End the halts that losses led to, of a quote asset or (NULL) of all. Losses count from here on, or
-- they would halt the account again at once.
CREATE FUNCTION resume_losses(of_environment text, of_account text, of_quote text) RETURNS void
LANGUAGE plpgsql AS $$
BEGIN
    PERFORM evaluate_all(of_environment, of_account);
    DELETE FROM halts
    WHERE (environment, account) = (of_environment, of_account)
        AND until_day <= utc_day(clock_timestamp());
    UPDATE account_results AS r SET day_start = result
    WHERE (environment, account) = (of_environment, of_account) AND EXISTS (
        SELECT FROM halts AS h
        WHERE (h.environment, h.account, h.source)
            = (r.environment, r.account, 'maxDailyLoss ' || r.quote_asset)
    ) AND coalesce(quote_asset = of_quote, true);
    UPDATE account_results AS r SET highest = result, highest_at = clock_timestamp()
    WHERE (environment, account) = (of_environment, of_account) AND EXISTS (
        SELECT FROM halts AS h
        WHERE (h.environment, h.account, h.source)
            = (r.environment, r.account, 'maxDrawdown ' || r.quote_asset)
    ) AND coalesce(quote_asset = of_quote, true);
    DELETE FROM halts
    WHERE (environment, account) = (of_environment, of_account)
        AND source IN ('maxDailyLoss ' || quote_asset, 'maxDrawdown ' || quote_asset)
        AND coalesce(quote_asset = of_quote, true);
END $$;

-- Mirror a limit; true where it is news. An older generation never overwrites a newer one.
CREATE FUNCTION mirror_limit(of_environment text, of_account text, facts jsonb) RETURNS boolean
LANGUAGE plpgsql AS $$
DECLARE
    new trading_limits := jsonb_populate_record(NULL::trading_limits, facts);
    of_spec text := 'limit ' || new.uid;
    resumed_before timestamptz;
BEGIN
    PERFORM lock_account(of_environment, of_account, true);
    -- Since then nobody has worked out what was lost, nor when.
    DELETE FROM account_results
    WHERE (environment, account) = (of_environment, of_account)
        AND day < utc_day(clock_timestamp())
        AND NOT has_loss_limits(environment, account, quote_asset);
    SELECT coalesce(resumed_at, '-infinity') INTO resumed_before FROM trading_limits
    WHERE (environment, account, uid) = (of_environment, of_account, new.uid);
    INSERT INTO trading_limits AS held (
        environment, account, uid, generation, cluster, namespace, name, quote_asset, halt,
        max_exposure, max_daily_loss, max_drawdown, max_open_cycles, max_orders_per_minute,
        cooldown_ms, on_limit, resume, resumed_at
    ) VALUES (
        of_environment, of_account, new.uid, new.generation, new.cluster, new.namespace, new.name,
        new.quote_asset, new.halt, new.max_exposure, new.max_daily_loss, new.max_drawdown,
        new.max_open_cycles, new.max_orders_per_minute, new.cooldown_ms, new.on_limit, new.resume,
        new.resumed_at
    ) ON CONFLICT (environment, account, uid) DO UPDATE SET
        generation = excluded.generation, halt = excluded.halt,
        max_exposure = excluded.max_exposure, max_daily_loss = excluded.max_daily_loss,
        max_drawdown = excluded.max_drawdown, max_open_cycles = excluded.max_open_cycles,
        max_orders_per_minute = excluded.max_orders_per_minute,
        cooldown_ms = excluded.cooldown_ms, on_limit = excluded.on_limit,
        resume = excluded.resume, resumed_at = excluded.resumed_at,
        mirrored_at = excluded.mirrored_at
    WHERE held.generation < excluded.generation AND held.deleted_at IS NULL;
    IF NOT FOUND THEN
        RETURN false;
    END IF;
    IF new.halt THEN
        INSERT INTO halts (environment, account, source, quote_asset, reason, on_limit)
        VALUES (of_environment, of_account, of_spec, new.quote_asset,
            format('halt of %s/%s is true', new.namespace, new.name), new.on_limit)
        ON CONFLICT (environment, account, source) DO UPDATE SET on_limit = excluded.on_limit;
    ELSE
        DELETE FROM halts
        WHERE (environment, account, source) = (of_environment, of_account, of_spec);
    END IF;
    IF new.resumed_at > resumed_before THEN
        PERFORM resume_losses(of_environment, of_account, new.quote_asset);
    END IF;
    PERFORM evaluate_all(of_environment, of_account);
    RETURN true;
END $$;

-- Forget a limit whose resource was deleted; true where it is news. A halt stays until resumed.
CREATE FUNCTION forget_limit(of_environment text, of_account text, of_uid text) RETURNS boolean
LANGUAGE plpgsql AS $$
BEGIN
    PERFORM lock_account(of_environment, of_account, true);
    UPDATE trading_limits SET deleted_at = clock_timestamp()
    WHERE (environment, account, uid) = (of_environment, of_account, of_uid)
        AND deleted_at IS NULL;
    RETURN FOUND;
END $$;

-- Halt an account, as a person says. A second time makes it no milder.
CREATE FUNCTION halt_account(of_environment text, of_account text, why text, what text)
RETURNS void LANGUAGE plpgsql AS $$
BEGIN
    PERFORM lock_account(of_environment, of_account, true);
    INSERT INTO halts AS held (environment, account, source, reason, on_limit)
    VALUES (of_environment, of_account, 'person', why, what)
    ON CONFLICT (environment, account, source) DO UPDATE
    SET reason = excluded.reason,
        on_limit = CASE WHEN strictness(excluded.on_limit) > strictness(held.on_limit)
            THEN excluded.on_limit ELSE held.on_limit END;
END $$;

-- Let an account buy again, as a person says; return the reasons of the halts that stay.
CREATE FUNCTION resume_account(of_environment text, of_account text) RETURNS SETOF text
LANGUAGE plpgsql AS $$
BEGIN
    PERFORM lock_account(of_environment, of_account, true);
    PERFORM resume_losses(of_environment, of_account, NULL);
    DELETE FROM halts AS h
    WHERE (environment, account) = (of_environment, of_account) AND NOT EXISTS (
        SELECT FROM trading_limits AS l
        WHERE (l.environment, l.account) = (of_environment, of_account)
            AND h.source = 'limit ' || l.uid AND l.halt AND l.deleted_at IS NULL
    );
    RETURN QUERY SELECT reason::text FROM halts
    WHERE (environment, account) = (of_environment, of_account);
END $$;

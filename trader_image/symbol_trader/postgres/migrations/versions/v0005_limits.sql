CREATE TABLE limit_slots (
    environment name_text NOT NULL,
    kind name_text NOT NULL,
    scope name_text NOT NULL,
    reserved_until timestamptz NOT NULL,
    PRIMARY KEY (environment, kind, scope)
);
COMMENT ON TABLE limit_slots IS 'Until when the slots of a limit of an exchange are reserved, by all leaders that it counts together: each slot begins when the one before ends.';
COMMENT ON COLUMN limit_slots.kind IS 'connections and weight: of the leaders behind one address, whose group is the scope; orders: of those on one account, whose uid is the scope.';

CREATE TABLE exchange_replies (
    environment name_text NOT NULL,
    method name_text NOT NULL,
    symbol name_text NOT NULL,
    account text NOT NULL,
    result text NOT NULL,
    read_at timestamptz NOT NULL,
    PRIMARY KEY (environment, symbol, method, account)
);
COMMENT ON TABLE exchange_replies IS 'What an exchange said last of a symbol, as JSON: a leader that finds a row young enough need not ask.';
COMMENT ON COLUMN exchange_replies.account IS 'The uid of the account whose leader asked: two exchanges of one environment have accounts of their own.';

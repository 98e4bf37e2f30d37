CREATE TABLE connection_slots (
    environment name_text NOT NULL,
    address_group name_text NOT NULL,
    reserved_until timestamptz NOT NULL,
    PRIMARY KEY (environment, address_group)
);
COMMENT ON TABLE connection_slots IS 'Until when slots for connections to an exchange are reserved, by all leaders that share an address: each slot begins when the one before ends.';

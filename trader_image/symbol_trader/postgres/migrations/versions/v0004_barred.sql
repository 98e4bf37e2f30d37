CREATE TABLE barred (
    pod name_text PRIMARY KEY,
    barred_at timestamptz NOT NULL DEFAULT now()
);
COMMENT ON TABLE barred IS 'Pods that may still run somewhere and never take an epoch again, whether they had one or not.';

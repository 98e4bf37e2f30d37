ALTER TABLE settings ADD COLUMN revision text NOT NULL DEFAULT '';
COMMENT ON COLUMN settings.revision IS
    'Which state of the resource it mirrors; the resource''s kind says how, empty if not known.';

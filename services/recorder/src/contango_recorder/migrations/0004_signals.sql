-- What the signals say since detectors, thresholds, profiles, fits and adjustments are facts: new columns of what was there
-- (null on rows from before), and tables of their own for what is new. Prices are in the asset's currency, shares in [0, 1].

ALTER TABLE regimes ALTER COLUMN label DROP NOT NULL;
ALTER TABLE regimes ADD COLUMN posterior jsonb;
ALTER TABLE regimes ADD COLUMN as_of_ns bigint;
ALTER TABLE regimes ADD COLUMN stable_since_ns bigint;
ALTER TABLE regimes ADD COLUMN abstain text;
ALTER TABLE regimes ADD COLUMN overlay text[];
ALTER TABLE regimes ADD COLUMN multiplier float8;

ALTER TABLE scans ADD COLUMN block text;
ALTER TABLE scans ADD COLUMN feasible float8;

ALTER TABLE proposals ADD COLUMN multipliers jsonb;
ALTER TABLE proposals ADD COLUMN shadow_multipliers jsonb;
ALTER TABLE proposals ADD COLUMN adjusts text;
ALTER TABLE proposals ADD COLUMN adjustment text;
ALTER TABLE proposals ADD COLUMN closes boolean;
ALTER TABLE proposals ADD COLUMN entry_parameters jsonb;
ALTER TABLE proposals ADD COLUMN module_specific_params jsonb;
ALTER TABLE proposals ADD COLUMN market_context jsonb;
ALTER TABLE proposals ADD COLUMN alternatives jsonb;

ALTER TABLE trades ADD COLUMN adjusts text;
ALTER TABLE trades ADD COLUMN entry_parameters jsonb;
ALTER TABLE trades ADD COLUMN module_specific_params jsonb;
ALTER TABLE trades ADD COLUMN market_context jsonb;
ALTER TABLE trades ADD COLUMN alternatives jsonb;

CREATE TABLE thresholds (
    seq bigint NOT NULL, ordinal int NOT NULL, ts timestamptz NOT NULL,
    symbol text NOT NULL, threshold text NOT NULL, old float8 NOT NULL, new float8 NOT NULL,
    percentile float8 NOT NULL, multiplier float8 NOT NULL, reason text NOT NULL,
    PRIMARY KEY (seq, ordinal, ts)
);
CREATE INDEX thresholds_ts ON thresholds (ts);

CREATE TABLE profiles (
    seq bigint NOT NULL, ordinal int NOT NULL, ts timestamptz NOT NULL,
    symbol text NOT NULL, from_ns bigint NOT NULL, bars bigint NOT NULL, bin_fraction float8 NOT NULL,
    poc float8 NOT NULL, value_low float8 NOT NULL, value_high float8 NOT NULL, volume float8 NOT NULL,
    low_volume_below float8 NOT NULL, low_areas jsonb NOT NULL,
    PRIMARY KEY (seq, ordinal, ts)
);
CREATE INDEX profiles_ts ON profiles (ts);

CREATE TABLE selections (
    seq bigint NOT NULL, ordinal int NOT NULL, ts timestamptz NOT NULL,
    underlying text NOT NULL, session_date int NOT NULL, detector text NOT NULL, label text,
    selected text[] NOT NULL, excluded jsonb NOT NULL,
    PRIMARY KEY (seq, ordinal, ts)
);
CREATE INDEX selections_ts ON selections (ts);

CREATE TABLE gate_alerts (
    seq bigint NOT NULL, ordinal int NOT NULL, ts timestamptz NOT NULL,
    underlying text NOT NULL, strategy text NOT NULL, gate text NOT NULL,
    killed_share float8 NOT NULL, "limit" float8 NOT NULL, sessions bigint NOT NULL,
    PRIMARY KEY (seq, ordinal, ts)
);
CREATE INDEX gate_alerts_ts ON gate_alerts (ts);

-- Fitted models: `body` is the whole fact; `sha` names a mixture's numbers, `reason` says why there is no fit.
CREATE TABLE fits (
    seq bigint NOT NULL, ordinal int NOT NULL, ts timestamptz NOT NULL,
    kind text NOT NULL, symbol text NOT NULL, sha text, rows bigint, reason text, body jsonb NOT NULL,
    PRIMARY KEY (seq, ordinal, ts)
);
CREATE INDEX fits_ts ON fits (ts);

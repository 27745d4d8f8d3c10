-- Forward and smile of one expiry at one instant; `smile` is empty where there is none, and `reason` says why.

CREATE TABLE surfaces (
    seq bigint NOT NULL, ordinal int NOT NULL, ts timestamptz NOT NULL,
    underlying text NOT NULL, root text NOT NULL, expiry_date int NOT NULL, expiry_ns bigint NOT NULL,
    forward float8, atm_iv_annual float8, rms_vol float8, quotes int NOT NULL, smile float8[] NOT NULL, reason text,
    PRIMARY KEY (seq, ordinal, ts)
);
CREATE INDEX surfaces_ts ON surfaces (ts);
CREATE INDEX surfaces_series ON surfaces (root, expiry_date, ts);

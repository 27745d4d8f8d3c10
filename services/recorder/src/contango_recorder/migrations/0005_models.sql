-- What served models say and how well: new columns of what was there (null on rows from before), and tables of their own.
-- Probabilities and weights are in [0, 1]; `horizon_s` 0 is one session.

ALTER TABLE features ADD COLUMN cadence text;

ALTER TABLE forecasts ADD COLUMN role text;
ALTER TABLE forecasts ADD COLUMN weight float8;
ALTER TABLE forecasts ADD COLUMN backend text;

CREATE TABLE directions (
    seq bigint NOT NULL, ordinal int NOT NULL, ts timestamptz NOT NULL,
    symbol text NOT NULL, model text NOT NULL, model_sha text NOT NULL, input_hash text NOT NULL,
    horizon_s bigint NOT NULL, prob_bull float8 NOT NULL, prob_bear float8 NOT NULL, prob_neutral float8 NOT NULL,
    confidence float8 NOT NULL, role text NOT NULL, weight float8 NOT NULL, backend text, neutral_band float8 NOT NULL,
    PRIMARY KEY (seq, ordinal, ts)
);
CREATE INDEX directions_ts ON directions (ts);

CREATE TABLE forecast_scores (
    seq bigint NOT NULL, ordinal int NOT NULL, ts timestamptz NOT NULL,
    symbol text NOT NULL, model text NOT NULL, model_sha text NOT NULL, target text NOT NULL,
    resolved bigint NOT NULL, loss float8 NOT NULL, baseline_loss float8 NOT NULL, skill float8,
    calibration_error float8, e_value float8,
    PRIMARY KEY (seq, ordinal, ts)
);
CREATE INDEX forecast_scores_ts ON forecast_scores (ts);

-- Fits of the direction predictor, its say given and taken, drift: `body` is the whole fact.
CREATE TABLE model_facts (
    seq bigint NOT NULL, ordinal int NOT NULL, ts timestamptz NOT NULL,
    kind text NOT NULL, symbol text NOT NULL, model text NOT NULL, reason text, body jsonb NOT NULL,
    PRIMARY KEY (seq, ordinal, ts)
);
CREATE INDEX model_facts_ts ON model_facts (ts);

CREATE TABLE advice (
    seq bigint NOT NULL, ordinal int NOT NULL, ts timestamptz NOT NULL,
    kind text NOT NULL, proposal_id text NOT NULL, advisor text NOT NULL, stance text, confidence float8,
    note text, reason text, latency_ms float8, pnl_usd float8, score float8,
    PRIMARY KEY (seq, ordinal, ts)
);
CREATE INDEX advice_ts ON advice (ts);

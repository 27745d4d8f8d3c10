-- The log as tables. Key: sequence of the message, ordinal of the event in it; `ts` (event time, UTC) is in every
-- primary key because time partitioning asks for it, and it is a function of `seq`. Units are in the names:
-- micros are millionths of the account's currency, ticks are ticks of the contract, ns are nanoseconds since 1970 UTC.
-- The large tables are written in the order of time, so a BRIN index on `ts` finds a stretch of it at next to no cost.

CREATE TABLE events (
    seq bigint NOT NULL, ordinal int NOT NULL, ts timestamptz NOT NULL,
    source text NOT NULL, tag text NOT NULL, cause bigint NOT NULL, "of" int NOT NULL, body jsonb NOT NULL,
    PRIMARY KEY (seq, ordinal, ts)
);
CREATE INDEX events_ts ON events USING brin (ts);

CREATE TABLE bars (
    seq bigint NOT NULL, ordinal int NOT NULL, ts timestamptz NOT NULL,
    symbol text NOT NULL, timeframe_s int NOT NULL,
    open float8 NOT NULL, high float8 NOT NULL, low float8 NOT NULL, close float8 NOT NULL, volume float8,
    PRIMARY KEY (seq, ordinal, symbol, ts)
);
CREATE INDEX bars_ts ON bars USING brin (ts);

CREATE TABLE frames (
    seq bigint NOT NULL, ordinal int NOT NULL, ts timestamptz NOT NULL,
    underlying text NOT NULL, spot float8 NOT NULL, rows int NOT NULL, session_date int NOT NULL,
    closing boolean NOT NULL, contracts text NOT NULL, quotes text NOT NULL,
    flags text[] NOT NULL, flag_counts bigint[] NOT NULL,
    PRIMARY KEY (seq, ordinal, ts)
);
CREATE INDEX frames_ts ON frames USING brin (ts);

CREATE TABLE features (
    seq bigint NOT NULL, ordinal int NOT NULL, ts timestamptz NOT NULL,
    symbol text NOT NULL, "values" jsonb NOT NULL,
    PRIMARY KEY (seq, ordinal, ts)
);
CREATE INDEX features_ts ON features USING brin (ts);

CREATE TABLE regimes (
    seq bigint NOT NULL, ordinal int NOT NULL, ts timestamptz NOT NULL,
    symbol text NOT NULL, detector text NOT NULL, version int NOT NULL, label text NOT NULL, previous text,
    why jsonb NOT NULL,
    PRIMARY KEY (seq, ordinal, ts)
);
CREATE INDEX regimes_ts ON regimes (ts);

CREATE TABLE forecasts (
    seq bigint NOT NULL, ordinal int NOT NULL, ts timestamptz NOT NULL,
    symbol text NOT NULL, model text NOT NULL, model_sha text, input_hash text,
    horizons_sessions int[], levels float8[], variance_quantiles float8[], absent_reason text,
    PRIMARY KEY (seq, ordinal, ts)
);
CREATE INDEX forecasts_ts ON forecasts (ts);

CREATE TABLE scans (
    seq bigint NOT NULL, ordinal int NOT NULL, ts timestamptz NOT NULL,
    underlying text NOT NULL, strategy text NOT NULL, candidates bigint NOT NULL, proposed boolean NOT NULL,
    gates jsonb NOT NULL, kills jsonb NOT NULL, why jsonb NOT NULL, rows jsonb NOT NULL,
    PRIMARY KEY (seq, ordinal, ts)
);
CREATE INDEX scans_ts ON scans USING brin (ts);

CREATE TABLE proposals (
    seq bigint NOT NULL, ordinal int NOT NULL, ts timestamptz NOT NULL,
    proposal_id text NOT NULL, strategy text NOT NULL, kind text NOT NULL, underlying text NOT NULL,
    instruments text[] NOT NULL, ratios bigint[] NOT NULL, multiplier bigint NOT NULL, tick_micros bigint NOT NULL,
    expiry_ns bigint, last_trade_ns bigint,
    mid_ticks float8 NOT NULL, natural_ticks bigint NOT NULL, limit_ticks bigint NOT NULL,
    max_loss_ticks bigint NOT NULL, score float8 NOT NULL, gates jsonb NOT NULL, why jsonb NOT NULL,
    regime text NOT NULL, valid_until_ns bigint NOT NULL, quantity_cap bigint,
    PRIMARY KEY (seq, ordinal, ts)
);
CREATE INDEX proposals_id ON proposals (proposal_id);

CREATE TABLE decisions (
    seq bigint NOT NULL, ordinal int NOT NULL, ts timestamptz NOT NULL,
    kind text NOT NULL, proposal_id text, position_id text, strategy text, underlying text NOT NULL,
    quantity bigint, reason text, reasons text[] NOT NULL, limit_ticks bigint, max_loss_micros bigint,
    sizes jsonb, limits jsonb, closing_debit_ticks float8, urgency text,
    PRIMARY KEY (seq, ordinal, ts)
);
CREATE INDEX decisions_ts ON decisions (ts);
CREATE INDEX decisions_proposal ON decisions (proposal_id);

CREATE TABLE orders (
    seq bigint NOT NULL, ordinal int NOT NULL, ts timestamptz NOT NULL,
    order_id text NOT NULL, position_id text NOT NULL, purpose text NOT NULL, underlying text NOT NULL,
    instruments text[] NOT NULL, ratios bigint[] NOT NULL, multiplier bigint NOT NULL, tick_micros bigint NOT NULL,
    quantity bigint NOT NULL, limit_ticks bigint, valid_until_ns bigint,
    PRIMARY KEY (seq, ordinal, ts)
);
CREATE INDEX orders_id ON orders (order_id);

CREATE TABLE order_events (
    seq bigint NOT NULL, ordinal int NOT NULL, ts timestamptz NOT NULL,
    order_id text NOT NULL, kind text NOT NULL, state text, reasons text[] NOT NULL,
    limit_ticks bigint, filled bigint, venue_id text,
    PRIMARY KEY (seq, ordinal, ts)
);
CREATE INDEX order_events_id ON order_events (order_id);

CREATE TABLE fills (
    seq bigint NOT NULL, ordinal int NOT NULL, ts timestamptz NOT NULL,
    order_id text NOT NULL, fill_id text NOT NULL, quantity bigint NOT NULL,
    instruments text[] NOT NULL, leg_quantities bigint[] NOT NULL, leg_price_micros bigint[] NOT NULL,
    cash_micros bigint NOT NULL, mid_cash_micros bigint NOT NULL, natural_cash_micros bigint NOT NULL,
    fees_micros bigint NOT NULL, remaining bigint NOT NULL,
    PRIMARY KEY (seq, ordinal, ts)
);
CREATE INDEX fills_order ON fills (order_id);

CREATE TABLE settlements (
    seq bigint NOT NULL, ordinal int NOT NULL, ts timestamptz NOT NULL,
    kind text NOT NULL, underlying text, root text, expiry_ns bigint, print_price float8,
    instruments text[] NOT NULL, quantities bigint[] NOT NULL, leg_cash_micros bigint[] NOT NULL,
    cash_micros bigint NOT NULL, fees_micros bigint NOT NULL,
    PRIMARY KEY (seq, ordinal, ts)
);

CREATE TABLE positions (
    seq bigint NOT NULL, ordinal int NOT NULL, ts timestamptz NOT NULL,
    position_id text NOT NULL, proposal_id text NOT NULL, strategy text NOT NULL, underlying text NOT NULL,
    quantity bigint NOT NULL, entry_net_ticks float8 NOT NULL, fees_micros bigint NOT NULL,
    PRIMARY KEY (seq, ordinal, ts)
);

CREATE TABLE trades (
    seq bigint NOT NULL, ordinal int NOT NULL, ts timestamptz NOT NULL,
    position_id text NOT NULL, proposal_id text NOT NULL, strategy text NOT NULL, underlying text NOT NULL,
    instruments text[] NOT NULL, ratios bigint[] NOT NULL, quantity bigint NOT NULL, opened_ns bigint NOT NULL,
    entry_net_micros bigint NOT NULL, exit_net_micros bigint NOT NULL, fees_micros bigint NOT NULL,
    pnl_micros bigint NOT NULL, mid_pnl_micros bigint NOT NULL, natural_pnl_micros bigint NOT NULL,
    max_loss_micros bigint NOT NULL, exit_reason text NOT NULL, exit_all_true text[] NOT NULL,
    regime_at_entry text NOT NULL, regime_at_exit text, entry_why jsonb NOT NULL, exit_why jsonb NOT NULL,
    PRIMARY KEY (seq, ordinal, ts)
);
CREATE INDEX trades_ts ON trades (ts);

CREATE TABLE marks (
    seq bigint NOT NULL, ordinal int NOT NULL, ts timestamptz NOT NULL,
    cash_micros bigint NOT NULL, mid_micros bigint NOT NULL, achievable_micros bigint NOT NULL,
    natural_micros bigint NOT NULL, equity_micros bigint NOT NULL, high_water_micros bigint NOT NULL,
    drawdown_fraction float8 NOT NULL, open_positions int NOT NULL, max_loss_micros bigint NOT NULL,
    delta_spy_shares float8, gamma_spy_shares float8, vega_usd_per_point float8, theta_usd_per_day float8,
    stale_marks int NOT NULL,
    PRIMARY KEY (seq, ordinal, ts)
);
CREATE INDEX marks_ts ON marks USING brin (ts);

CREATE TABLE control (
    seq bigint NOT NULL, ordinal int NOT NULL, ts timestamptz NOT NULL,
    kind text NOT NULL, subject text, reason text, body jsonb NOT NULL,
    PRIMARY KEY (seq, ordinal, ts)
);

-- Messages that could not be decoded or that the database refused, kept with their bytes.
CREATE TABLE quarantine (
    seq bigint PRIMARY KEY, subject text NOT NULL, reason text NOT NULL, data bytea NOT NULL
);

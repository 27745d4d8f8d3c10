-- What people ask first, the same on every tier; the daily views are made by the tier's own part.

CREATE VIEW forecast_quantiles AS
SELECT f.seq, f.ordinal, f.ts, f.symbol, f.model, f.horizons_sessions[h] AS horizon_sessions, f.levels[l] AS level,
       f.variance_quantiles[h][l] AS variance
FROM forecasts f, generate_subscripts(f.horizons_sessions, 1) AS h, generate_subscripts(f.levels, 1) AS l;

CREATE VIEW refusal_reasons AS
SELECT d.seq, d.ordinal, d.ts, d.strategy, d.underlying, d.proposal_id, u.reason
FROM decisions d, unnest(d.reasons) AS u(reason)
WHERE d.kind = 'refused';

CREATE VIEW fill_legs AS
SELECT f.seq, f.ordinal, f.ts, f.order_id, f.fill_id, leg, f.instruments[leg] AS instrument,
       f.leg_quantities[leg] AS quantity, f.leg_price_micros[leg] AS price_micros
FROM fills f, generate_subscripts(f.instruments, 1) AS leg;

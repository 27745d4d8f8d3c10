-- Continuous aggregates that also show what is not aggregated yet. The policies begin at the beginning, because a
-- replay writes old event times and everything before an aggregate's watermark is read from the aggregate alone.

CREATE MATERIALIZED VIEW bars_daily WITH (timescaledb.continuous, timescaledb.materialized_only = false) AS
SELECT time_bucket(INTERVAL '1 day', ts) AS day, symbol, timeframe_s,
       first(open, ts) AS open, max(high) AS high, min(low) AS low, last(close, ts) AS close
FROM bars GROUP BY 1, symbol, timeframe_s
WITH NO DATA;

CREATE MATERIALIZED VIEW marks_daily WITH (timescaledb.continuous, timescaledb.materialized_only = false) AS
SELECT time_bucket(INTERVAL '1 day', ts) AS day,
       last(equity_micros, seq) AS equity_micros,
       min(equity_micros) AS lowest_equity_micros, max(drawdown_fraction) AS drawdown_fraction,
       max(open_positions) AS open_positions, max(max_loss_micros) AS max_loss_micros
FROM marks GROUP BY 1
WITH NO DATA;

SELECT add_continuous_aggregate_policy(name::regclass, start_offset => NULL, end_offset => INTERVAL '1 day',
                                       schedule_interval => INTERVAL '1 hour')
FROM unnest(ARRAY['bars_daily', 'marks_daily']) AS name;

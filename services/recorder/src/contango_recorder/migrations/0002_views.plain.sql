CREATE VIEW bars_daily AS
SELECT date_trunc('day', ts, 'UTC') AS day, symbol, timeframe_s,
       (array_agg(open ORDER BY ts, seq))[1] AS open, max(high) AS high, min(low) AS low,
       (array_agg(close ORDER BY ts DESC, seq DESC))[1] AS close
FROM bars GROUP BY 1, symbol, timeframe_s;

CREATE VIEW marks_daily AS
SELECT date_trunc('day', ts, 'UTC') AS day,
       (array_agg(equity_micros ORDER BY ts DESC, seq DESC))[1] AS equity_micros,
       min(equity_micros) AS lowest_equity_micros, max(drawdown_fraction) AS drawdown_fraction,
       max(open_positions) AS open_positions, max(max_loss_micros) AS max_loss_micros
FROM marks GROUP BY 1;

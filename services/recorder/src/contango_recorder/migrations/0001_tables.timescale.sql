-- TimescaleDB: hypertables, compression of what is a year old, retention.

SELECT create_hypertable(name::regclass, 'ts', chunk_time_interval => INTERVAL '90 days', create_default_indexes => false)
FROM unnest(ARRAY['events', 'bars', 'frames', 'features', 'scans', 'marks']) AS name;

-- Chunks make themselves.
CREATE FUNCTION contango_prepare(first timestamptz, last timestamptz) RETURNS void LANGUAGE sql AS $$ $$;

-- Drops the chunks that lie wholly before `edge`; returns how many. The log can rebuild them.
CREATE FUNCTION contango_drop_before(edge timestamptz) RETURNS int LANGUAGE sql AS $$
    SELECT count(*)::int FROM unnest(ARRAY['events', 'bars', 'frames', 'features', 'scans', 'marks']) AS name,
        LATERAL drop_chunks(name::regclass, older_than => edge) AS chunk
$$;

ALTER TABLE events SET (timescaledb.compress, timescaledb.compress_segmentby = 'tag', timescaledb.compress_orderby = 'ts, seq, ordinal');
ALTER TABLE bars SET (timescaledb.compress, timescaledb.compress_segmentby = 'symbol, timeframe_s', timescaledb.compress_orderby = 'ts, seq, ordinal');
ALTER TABLE frames SET (timescaledb.compress, timescaledb.compress_segmentby = 'underlying', timescaledb.compress_orderby = 'ts, seq, ordinal');
ALTER TABLE features SET (timescaledb.compress, timescaledb.compress_segmentby = 'symbol', timescaledb.compress_orderby = 'ts, seq, ordinal');
ALTER TABLE scans SET (timescaledb.compress, timescaledb.compress_segmentby = 'underlying, strategy', timescaledb.compress_orderby = 'ts, seq, ordinal');
ALTER TABLE marks SET (timescaledb.compress, timescaledb.compress_orderby = 'ts, seq, ordinal');

-- Replays write old event times: a chunk that is compressed meanwhile still takes rows, only slower.
SELECT add_compression_policy(name::regclass, compress_after => INTERVAL '365 days')
FROM unnest(ARRAY['events', 'bars', 'frames', 'features', 'scans', 'marks']) AS name;

-- Long enough that no replay of history loses its beginning; a deployment shortens it with contango_keep.
CREATE FUNCTION contango_keep(span interval) RETURNS void LANGUAGE plpgsql AS $$
DECLARE
    name text;
BEGIN
    FOREACH name IN ARRAY ARRAY['events', 'bars', 'frames', 'features', 'scans', 'marks'] LOOP
        PERFORM remove_retention_policy(name::regclass, if_exists => true);
        PERFORM add_retention_policy(name::regclass, drop_after => span);
    END LOOP;
END
$$;
SELECT contango_keep(INTERVAL '40 years');

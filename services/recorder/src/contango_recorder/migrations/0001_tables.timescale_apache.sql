-- TimescaleDB, Apache edition: hypertables; no compression, no continuous aggregates, no policies.

SELECT create_hypertable(name::regclass, 'ts', chunk_time_interval => INTERVAL '90 days', create_default_indexes => false)
FROM unnest(ARRAY['events', 'bars', 'frames', 'features', 'scans', 'marks']) AS name;

-- Chunks make themselves.
CREATE FUNCTION contango_prepare(first timestamptz, last timestamptz) RETURNS void LANGUAGE sql AS $$ $$;

-- Drops the chunks that lie wholly before `edge`; returns how many. The log can rebuild them.
CREATE FUNCTION contango_drop_before(edge timestamptz) RETURNS int LANGUAGE sql AS $$
    SELECT count(*)::int FROM unnest(ARRAY['events', 'bars', 'frames', 'features', 'scans', 'marks']) AS name,
        LATERAL drop_chunks(name::regclass, older_than => edge) AS chunk
$$;

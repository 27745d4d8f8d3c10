-- Plain PostgreSQL: the tables that grow with every bar become range partitions by year of event time. The recorder
-- calls contango_prepare for the times of a batch before it writes the batch.

DO $$
DECLARE
    name text;
BEGIN
    FOREACH name IN ARRAY ARRAY['events', 'bars', 'frames', 'features', 'scans', 'marks'] LOOP
        EXECUTE format('ALTER TABLE %I RENAME TO %I', name, name || '_shape');
        EXECUTE format('CREATE TABLE %I (LIKE %I INCLUDING ALL) PARTITION BY RANGE (ts)', name, name || '_shape');
        EXECUTE format('DROP TABLE %I', name || '_shape');
    END LOOP;
END
$$;

CREATE FUNCTION contango_partitioned() RETURNS SETOF text LANGUAGE sql STABLE AS $$
    SELECT c.relname::text FROM pg_partitioned_table p JOIN pg_class c ON c.oid = p.partrelid
    WHERE c.relnamespace = current_schema()::regnamespace ORDER BY 1
$$;

-- Makes the yearly partitions that hold `first` to `last`; those that exist stay.
CREATE FUNCTION contango_prepare(first timestamptz, last timestamptz) RETURNS void LANGUAGE plpgsql
SET client_min_messages = warning AS $$
DECLARE
    name text;
    year int;
BEGIN
    FOR year IN extract(year FROM first AT TIME ZONE 'UTC') .. extract(year FROM last AT TIME ZONE 'UTC') LOOP
        FOR name IN SELECT contango_partitioned() LOOP
            EXECUTE format(
                'CREATE TABLE IF NOT EXISTS %I PARTITION OF %I FOR VALUES FROM (%L) TO (%L)',
                name || '_y' || year, name,
                make_timestamptz(year, 1, 1, 0, 0, 0, 'UTC'), make_timestamptz(year + 1, 1, 1, 0, 0, 0, 'UTC'));
        END LOOP;
    END LOOP;
END
$$;

-- Drops the partitions that lie wholly before `edge`; returns how many. The log can rebuild them.
CREATE FUNCTION contango_drop_before(edge timestamptz) RETURNS int LANGUAGE plpgsql AS $$
DECLARE
    part text;
    dropped int := 0;
BEGIN
    FOR part IN
        SELECT i.inhrelid::regclass::text FROM pg_inherits i
        JOIN pg_class parent ON parent.oid = i.inhparent JOIN pg_class child ON child.oid = i.inhrelid
        WHERE parent.relname IN (SELECT contango_partitioned()) AND child.relkind = 'r'
          AND make_timestamptz(substring(child.relname FROM '_y(\d{4})$')::int + 1, 1, 1, 0, 0, 0, 'UTC') <= edge
    LOOP
        EXECUTE 'DROP TABLE ' || part;
        dropped := dropped + 1;
    END LOOP;
    RETURN dropped;
END
$$;

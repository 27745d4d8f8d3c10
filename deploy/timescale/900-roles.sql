-- Run once, by the database's superuser, when the volume is empty: one role for the recorder, which owns the database
-- and is the only writer, and one for Grafana, which reads. Passwords come from secret files, not from here.
\set ON_ERROR_STOP on
\set recorder_password `cat "${SECRETS_DIR:-/run/secrets}/postgres_recorder"`
\set grafana_password `cat "${SECRETS_DIR:-/run/secrets}/postgres_grafana"`

-- Only a superuser may make it; on a server that lacks it the recorder falls back to plain tables.
SELECT 'CREATE EXTENSION IF NOT EXISTS timescaledb' FROM pg_available_extensions WHERE name = 'timescaledb' \gexec

CREATE ROLE contango_recorder LOGIN NOSUPERUSER NOCREATEDB NOCREATEROLE CONNECTION LIMIT 8
    PASSWORD :'recorder_password';
CREATE ROLE contango_grafana LOGIN NOSUPERUSER NOCREATEDB NOCREATEROLE CONNECTION LIMIT 8
    PASSWORD :'grafana_password';
ALTER ROLE contango_grafana SET default_transaction_read_only = on;
ALTER ROLE contango_grafana SET statement_timeout = '30s';

SELECT format('ALTER DATABASE %I OWNER TO contango_recorder', current_database()) \gexec
SELECT format('REVOKE ALL ON DATABASE %I FROM PUBLIC', current_database()) \gexec
SELECT format('GRANT CONNECT ON DATABASE %I TO contango_grafana', current_database()) \gexec
REVOKE CREATE ON SCHEMA public FROM PUBLIC;

-- Tables that the recorder's migrations make later.
ALTER DEFAULT PRIVILEGES FOR ROLE contango_recorder IN SCHEMA public GRANT SELECT ON TABLES TO contango_grafana;

"""Asks DuckDB and ClickHouse (chdb) for percentiles over Parquet files, and times only the query.

The argument is a glob of files. First prints the peers with their versions as a JSON list; then answers
each line that names one with {"seconds": ..., "rows": [[service, name, n, p50, p95, p99], ...]}.
"""

import json
import sys
import time

import chdb
import chdb.session
import duckdb

FILES = sys.argv[1]

DUCKDB_SQL = f"""
    SELECT service, name, count(*),
           quantile_cont(duration_ns, 0.5), quantile_cont(duration_ns, 0.95), quantile_cont(duration_ns, 0.99)
    FROM read_parquet('{FILES}') GROUP BY service, name
"""
CHDB_SQL = f"""
    SELECT service, name, toFloat64(count()) AS n,
           quantilesExactInclusive(0.5, 0.95, 0.99)(duration_ns) AS q
    FROM file('{FILES}', Parquet, 'service String, name String, duration_ns Int64') GROUP BY service, name
"""

duckdb_connection = duckdb.connect()
chdb_session = chdb.session.Session()


def ask_duckdb():
    return [list(row) for row in duckdb_connection.execute(DUCKDB_SQL).fetchall()]


def ask_chdb():
    answer = json.loads(chdb_session.query(CHDB_SQL, "JSONCompact").bytes())
    return [[service, name, n, *quantiles] for service, name, n, quantiles in answer["data"]]


PEERS = {
    f"DuckDB {duckdb.__version__}": ask_duckdb,
    f"ClickHouse in chdb {chdb.__version__}": ask_chdb,
}

print(json.dumps(list(PEERS)), flush=True)
for line in sys.stdin:
    started = time.perf_counter()
    rows = PEERS[line.rstrip("\n")]()
    seconds = time.perf_counter() - started
    print(json.dumps({"seconds": seconds, "rows": rows}), flush=True)

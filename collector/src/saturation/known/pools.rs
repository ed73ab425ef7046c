//! Pools of connections and threads, requests in flight, and what waits for either.

use super::{Kind, Known};

pub(super) const ALL: &[Known] = &[
    // Semantic conventions, "Database client metrics", section "Connection pools".
    Known::value("db.client.connection.count", Kind::Pool, "Connections in use", "{connection}")
        .only(&["db.client.connection.state", "state"], "used")
        .by(&["db.client.connection.pool.name", "pool.name"])
        .limited_by(&["db.client.connection.max"]),
    Known::value(
        "db.client.connection.pending_requests",
        Kind::Pool,
        "Requests that wait for a connection",
        "{request}",
    )
    .by(&["db.client.connection.pool.name", "pool.name"]),
    Known::mean("db.client.connection.wait_time", Kind::Pool, "Mean wait for a connection", "s")
        .by(&["db.client.connection.pool.name", "pool.name"]),
    // The same before version 1.26 of the conventions.
    Known::value("db.client.connections.usage", Kind::Pool, "Connections in use", "{connection}")
        .only(&["db.client.connections.state", "state"], "used")
        .by(&["db.client.connections.pool.name", "pool.name"])
        .limited_by(&["db.client.connections.max"])
        .unless("db.client.connection.count"),
    Known::value(
        "db.client.connections.pending_requests",
        Kind::Pool,
        "Requests that wait for a connection",
        "{request}",
    )
    .by(&["db.client.connections.pool.name", "pool.name"])
    .unless("db.client.connection.pending_requests"),
    Known::mean("db.client.connections.wait_time", Kind::Pool, "Mean wait for a connection", "ms")
        .by(&["db.client.connections.pool.name", "pool.name"])
        .unless("db.client.connection.wait_time"),
    // HikariCP's and Spring's pools by Micrometer, with both names that they have.
    Known::value("hikaricp.connections.active", Kind::Pool, "Connections in use", "{connection}")
        .by(&["pool"])
        .limited_by(&["hikaricp.connections.max"]),
    Known::value(
        "hikaricp.connections.pending",
        Kind::Pool,
        "Requests that wait for a connection",
        "{request}",
    )
    .by(&["pool"]),
    Known::mean("hikaricp.connections.acquire", Kind::Pool, "Mean wait for a connection", "ms").by(&["pool"]),
    Known::value("hikaricp_connections_active", Kind::Pool, "Connections in use", "{connection}")
        .by(&["pool"])
        .limited_by(&["hikaricp_connections_max"]),
    Known::value(
        "hikaricp_connections_pending",
        Kind::Pool,
        "Requests that wait for a connection",
        "{request}",
    )
    .by(&["pool"]),
    Known::mean("hikaricp_connections_acquire_seconds", Kind::Pool, "Mean wait for a connection", "s")
        .by(&["pool"]),
    Known::value("jdbc.connections.active", Kind::Pool, "Connections in use", "{connection}")
        .by(&["name"])
        .limited_by(&["jdbc.connections.max"]),
    Known::value("jdbc_connections_active", Kind::Pool, "Connections in use", "{connection}")
        .by(&["name"])
        .limited_by(&["jdbc_connections_max"]),
    // Threads that serve, and executors, by Micrometer with both names that they have.
    Known::value("tomcat.threads.busy", Kind::Pool, "Busy threads", "{thread}")
        .by(&["name"])
        .limited_by(&["tomcat.threads.config.max"]),
    Known::value("tomcat_threads_busy_threads", Kind::Pool, "Busy threads", "{thread}")
        .by(&["name"])
        .limited_by(&["tomcat_threads_config_max_threads"]),
    Known::value("executor.active", Kind::Pool, "Busy threads of executors", "{thread}")
        .by(&["name"])
        .limited_by(&["executor.pool.max"]),
    Known::value("executor_active_threads", Kind::Pool, "Busy threads of executors", "{thread}")
        .by(&["name"])
        .limited_by(&["executor_pool_max_threads"]),
    Known::value("executor.queued", Kind::Queue, "Tasks that wait for a thread", "{task}").by(&["name"]),
    Known::value("executor_queued_tasks", Kind::Queue, "Tasks that wait for a thread", "{task}")
        .by(&["name"]),
    // Semantic conventions, "HTTP metrics": sections "HTTP server" and "HTTP client".
    Known::value("http.server.active_requests", Kind::InFlight, "Requests in flight", "{request}"),
    Known::value("http.client.active_requests", Kind::InFlight, "Calls in flight", "{request}")
        .by(&["server.address"]),
    Known::value(
        "http.client.open_connections",
        Kind::Pool,
        "Open connections of the client",
        "{connection}",
    )
    .by(&["server.address"])
    .neutral(),
    // Semantic conventions, "Kestrel metrics" and "ASP.NET Core metrics".
    Known::value("kestrel.active_connections", Kind::InFlight, "Connections that are served", "{connection}"),
    Known::value("kestrel.queued_connections", Kind::Queue, "Connections that wait", "{connection}"),
    Known::value("kestrel.queued_requests", Kind::Queue, "Requests that wait", "{request}"),
    Known::value(
        "aspnetcore.rate_limiting.queued_requests",
        Kind::Queue,
        "Requests that wait for a permit",
        "{request}",
    ),
];

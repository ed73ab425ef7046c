//! The demo's resource metrics, as the pages of its services show them.

use super::super::topology::SERVICES;
use super::SECOND_NS;
use super::sql_page::engine;
use crate::clock::Clock;
use crate::saturation::{self, Kind};
use std::time::Duration;
use storage::TimeRange;

/// Scenario: ten minutes of the shop, half of them in segments.
/// Guarantees: every pool has its bound, a share between nothing and all, and an instance; pools, what waits for them
/// and the consumers' lags are found on the services that send them.
#[tokio::test]
async fn the_demo_is_recognised() {
    let dir = tempfile::tempdir().expect("a folder");
    let engine = engine(dir.path()).await;
    let to = Clock.now();
    let range = TimeRange { from: to - 900 * SECOND_NS, to };
    let (mut n_pools, mut n_lags) = (0, 0);
    for service in SERVICES {
        let query = saturation::query(service.name.to_owned(), range, Duration::from_secs(60));
        let streams = engine.streams(&query).await.expect("reads");
        let (found, truncated) = saturation::found(&query, &streams.metrics);
        assert!(!truncated, "{}", service.name);
        for found in found {
            assert!(found.series.iter().all(|one| !one.instance.is_empty()), "{found:?}");
            match found.known.name {
                "db.client.connection.count" => {
                    assert_eq!(found.limit_name, Some("db.client.connection.max"));
                    let is_share = |ratio: f64| (0.0..=1.0).contains(&ratio);
                    assert!(found.series.iter().all(|one| one.ratio.is_some_and(is_share)), "{found:?}");
                    n_pools += found.series.len();
                }
                "db.client.connection.pending_requests" => assert_eq!(found.known.kind, Kind::Pool),
                "kafka.consumer_group.lag" => n_lags += found.series.len(),
                other => panic!("{} sends {other}", service.name),
            }
        }
    }
    assert!(n_pools >= 3 && n_lags >= 1, "{n_pools} pools, {n_lags} lags");
}

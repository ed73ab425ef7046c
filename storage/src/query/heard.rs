//! Which services sent anything lately, by any signal: what tells "no traffic" from "no data".

use super::literals::{one_of, text, timestamp};
use super::range::nanos;
use super::rows::column;
use crate::engine::Engine;
use crate::error::Error;
use arrow::array::StringArray;
use std::time::Duration;

/// Rows that arrived lately but are older than this are no sign of life worth a scan.
const LATE_MAX: Duration = Duration::from_secs(600);
/// A span that ended this long ago may just have arrived: exporters send batches every few seconds.
const EXPORT_DELAY: Duration = Duration::from_secs(30);

impl Engine {
    /// Which of these services sent anything that was received since then (unix nanos), by name.
    pub async fn heard(&self, services: &[String], since: i64) -> Result<Vec<String>, Error> {
        if services.is_empty() {
            return Ok(Vec::new());
        }
        let sql = heard_sql(services, since);
        self.read(move |session| async move {
            let mut heard = Vec::new();
            let read = |batch: &_| {
                let services = column::<StringArray>(batch, "service")?;
                heard.extend(services.iter().flatten().map(str::to_owned));
                Ok(())
            };
            session.for_each(&sql, read).await?;
            Ok(heard)
        })
        .await
    }
}

/// Spans are looked up in the read model, which is small; the others by when they were received.
fn heard_sql(services: &[String], since: i64) -> String {
    let named = one_of("service", services.iter().map(|service| text(service)));
    let ago = |span: Duration| timestamp(since.saturating_sub(nanos(span)));
    let (late, exported, since) = (ago(LATE_MAX), ago(EXPORT_DELAY), timestamp(since));
    let received = |table: &str| {
        format!("SELECT service FROM {table} WHERE time >= {late} AND received_at >= {since} AND {named}")
    };
    format!(
        "SELECT DISTINCT service FROM (SELECT service FROM red WHERE bucket >= {exported} AND {named} \
         UNION ALL {} UNION ALL {}) ORDER BY service",
        received("logs"),
        received("metric_points")
    )
}

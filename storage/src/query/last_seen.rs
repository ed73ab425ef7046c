//! When the last span of each service ended, from the read model of who is there.
//!
//! That has a row for each hour of an instance, where those of rates have one for each operation of it.

use super::literals::{text, timestamp};
use super::rows::column;
use crate::engine::Engine;
use crate::error::Error;
use crate::ids::Signal;
use crate::read_models::Resolution;
use arrow::array::{RecordBatch, StringArray, TimestampNanosecondArray};

impl Engine {
    /// Each service with spans and when the last of them ended, by name; with `since` (unix nanos) only those of which
    /// one ended then or later; only one service, where one is named.
    pub async fn last_seen(
        &self,
        since: Option<i64>,
        service: Option<&str>,
    ) -> Result<Vec<(String, i64)>, Error> {
        let sql = seen_sql(since, service);
        self.read(move |session| async move {
            let mut seen = Vec::new();
            session.for_each(&sql, |batch| read_seen(batch, &mut seen)).await?;
            Ok(seen)
        })
        .await
    }
}

fn seen_sql(since: Option<i64>, service: Option<&str>) -> String {
    let mut conditions = vec![format!("signal = {}", text(Signal::Traces.name()))];
    conditions.extend(service.map(|service| format!("service = {}", text(service))));
    let hour = since.map(|since| Resolution::Hour.bucket_of(since));
    conditions.extend(hour.map(|hour| format!("bucket >= {}", timestamp(hour))));
    let touching = since.map(|since| format!("HAVING max(last_at) >= {} ", timestamp(since)));
    format!(
        "SELECT service, max(last_at) AS at FROM service_instances WHERE {} GROUP BY service {}ORDER BY service",
        conditions.join(" AND "),
        touching.unwrap_or_default(),
    )
}

fn read_seen(batch: &RecordBatch, seen: &mut Vec<(String, i64)>) -> Result<(), Error> {
    let services = column::<StringArray>(batch, "service")?;
    let at = column::<TimestampNanosecondArray>(batch, "at")?;
    seen.extend((0..batch.num_rows()).map(|row| (services.value(row).to_owned(), at.value(row))));
    Ok(())
}

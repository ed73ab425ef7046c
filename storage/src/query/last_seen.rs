//! When each service was last seen, from the read model.

use super::literals::timestamp;
use super::parts::Parts;
use super::range::TimeRange;
use super::rows::column;
use crate::engine::Engine;
use crate::error::Error;
use crate::ids::Table;
use arrow::array::{RecordBatch, StringArray, TimestampNanosecondArray};

/// Up to this age, buckets of minutes are read: an hour more or less is nothing to a service that fell silent earlier.
const MINUTES_NS: i64 = 4 * 3_600_000_000_000;
/// Up to this age, buckets of ten seconds.
const TEN_SECONDS_NS: i64 = 20 * 60_000_000_000;

impl Engine {
    /// Each service and the start of the newest bucket it has spans in, by name; with `since` (unix nanos) only
    /// those with a bucket that starts then or later. Buckets are the wider the longer ago they are at `now`: ten
    /// seconds in the last quarter of an hour, a minute in the last hours, an hour before, when the one that `since`
    /// lies in counts too.
    pub async fn last_seen(&self, since: Option<i64>, now: i64) -> Result<Vec<(String, i64)>, Error> {
        let since = since.unwrap_or(i64::MIN);
        let range = TimeRange { from: since, to: i64::MAX };
        let (minutes_from, ten_seconds_from) =
            (now.saturating_sub(MINUTES_NS), now.saturating_sub(TEN_SECONDS_NS));
        let parts = Parts::finer_with_time(range, minutes_from, ten_seconds_from);
        let exactly = match since >= ten_seconds_from {
            true => vec![format!("bucket >= {}", timestamp(since))],
            false => Vec::new(),
        };
        let rows = parts.rows(Table::Red, "service, bucket", &exactly);
        let sql = format!("SELECT service, max(bucket) AS at FROM {rows} GROUP BY service ORDER BY service");
        self.read(move |session| async move {
            let mut seen = Vec::new();
            session.for_each(&sql, |batch| read_seen(batch, &mut seen)).await?;
            Ok(seen)
        })
        .await
    }
}

fn read_seen(batch: &RecordBatch, seen: &mut Vec<(String, i64)>) -> Result<(), Error> {
    let services = column::<StringArray>(batch, "service")?;
    let at = column::<TimestampNanosecondArray>(batch, "at")?;
    seen.extend((0..batch.num_rows()).map(|row| (services.value(row).to_owned(), at.value(row))));
    Ok(())
}

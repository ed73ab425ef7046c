//! Runs of rows that one resource sent: whatever is looked up for it is looked up once for all of them.
//!
//! Rows of a resource repeat its attributes, so stretches of a batch are compared with themselves, one row further on:
//! two pieces of memory for a column, whatever the number of rows.

use crate::columns::column;
use arrow::array::{Array, AsArray, MapArray, RecordBatch, StringArray};
use std::ops::Range;

/// Rows compared at once: what they repeat stays in the processor's nearest cache.
const STRIDE_ROWS_MAX: usize = 64;
/// What is kept of an SDK's name: real ones have some ten bytes, a client may send anything.
const SDK_BYTES_MAX: usize = 256;

/// Who sent a row. What it does not say is empty.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub(super) struct Owner<'a> {
    pub(super) service: &'a str,
    pub(super) namespace: &'a str,
    pub(super) environment: &'a str,
    pub(super) version: &'a str,
    pub(super) instance: &'a str,
    pub(super) language: &'a str,
    pub(super) sdk_name: &'a str,
    pub(super) sdk_version: &'a str,
}

/// The columns of a batch that tell it.
pub(super) struct Owners<'a> {
    service: &'a StringArray,
    namespace: &'a StringArray,
    environment: &'a StringArray,
    version: &'a StringArray,
    instance: &'a StringArray,
    resources: &'a MapArray,
    keys: &'a StringArray,
    values: &'a StringArray,
    n_rows: usize,
}

impl<'a> Owners<'a> {
    /// Of a batch of any signal.
    pub(super) fn of(batch: &'a RecordBatch) -> Self {
        let text = |name| column(batch, name).as_string::<i32>();
        let resources = column(batch, "resource").as_map();
        Self {
            service: text("service"),
            namespace: text("service_namespace"),
            environment: text("environment"),
            version: text("service_version"),
            instance: text("service_instance_id"),
            keys: resources.keys().as_string::<i32>(),
            values: resources.values().as_string::<i32>(),
            resources,
            n_rows: batch.num_rows(),
        }
    }

    /// Neighbours with the same owner, in order; together all rows.
    pub(super) fn runs(&self) -> impl Iterator<Item = Range<usize>> {
        let mut from = 0;
        std::iter::from_fn(move || {
            let run = (from < self.n_rows).then(|| from..self.run_end(from))?;
            from = run.end;
            Some(run)
        })
    }

    pub(super) fn owner(&self, row: usize) -> Owner<'a> {
        let mut owner = Owner {
            service: text_of(self.service, row),
            namespace: text_of(self.namespace, row),
            environment: text_of(self.environment, row),
            version: text_of(self.version, row),
            instance: text_of(self.instance, row),
            ..Owner::default()
        };
        let offsets = self.resources.value_offsets();
        // Offsets of an Arrow array are never negative.
        for entry in offsets[row] as usize..offsets[row + 1] as usize {
            let place = match self.keys.value(entry) {
                "telemetry.sdk.language" => &mut owner.language,
                "telemetry.sdk.name" => &mut owner.sdk_name,
                "telemetry.sdk.version" => &mut owner.sdk_version,
                _ => continue,
            };
            *place = clipped(text_of(self.values, entry));
        }
        owner
    }

    /// Where the run that begins with a row ends. Strides grow while they hold and shrink where one does not.
    fn run_end(&self, from: usize) -> usize {
        let (mut end, mut stride) = (from + 1, 1);
        while end < self.n_rows {
            let to = self.n_rows.min(end + stride);
            if self.is_one(&(end - 1..to)) {
                end = to;
                stride = STRIDE_ROWS_MAX.min(stride * 2);
            } else if to - end == 1 {
                break;
            } else {
                stride = (to - end) / 2;
            }
        }
        end
    }

    /// Have these rows, of which there are at least two, the same owner?
    fn is_one(&self, rows: &Range<usize>) -> bool {
        let texts = [self.service, self.instance, self.version, self.environment, self.namespace];
        texts.iter().all(|texts| repeats(texts, rows, 1)) && self.has_one_resource(rows)
    }

    fn has_one_resource(&self, rows: &Range<usize>) -> bool {
        let offsets = &self.resources.value_offsets()[rows.start..=rows.end];
        let n_entries = offsets[1] - offsets[0];
        let odd = offsets.windows(2).fold(0, |odd, pair| odd | ((pair[1] - pair[0]) ^ n_entries));
        let entries = offsets[0] as usize..offsets[rows.len()] as usize;
        let repeat = |texts: &StringArray| repeats(texts, &entries, n_entries as usize);
        odd == 0 && (n_entries == 0 || (repeat(self.keys) && repeat(self.values)))
    }
}

/// Does each of these items equal the one `period` places before it? There are more of them than that.
fn repeats(texts: &StringArray, items: &Range<usize>, period: usize) -> bool {
    let offsets = texts.value_offsets();
    let early = &offsets[items.start..=items.end - period];
    let late = &offsets[items.start + period..=items.end];
    let width = late[0] - early[0];
    // One pass without a branch: the compiler takes several offsets at a time.
    let odd = early.iter().zip(late).fold(0, |odd, (early, late)| odd | ((late - early) ^ width));
    odd == 0 && has_same_nulls(texts, items, period) && bytes_of(texts, early) == bytes_of(texts, late)
}

fn has_same_nulls(texts: &StringArray, items: &Range<usize>, period: usize) -> bool {
    let Some(nulls) = texts.nulls() else { return true };
    let n_nulls = nulls.slice(items.start, items.len()).null_count();
    let is_uniform = n_nulls == 0 || n_nulls == items.len();
    let mut later = items.start + period..items.end;
    is_uniform || later.all(|item| nulls.is_null(item) == nulls.is_null(item - period))
}

fn bytes_of<'a>(texts: &'a StringArray, offsets: &[i32]) -> &'a [u8] {
    &texts.value_data()[offsets[0] as usize..offsets[offsets.len() - 1] as usize]
}

fn text_of(texts: &StringArray, row: usize) -> &str {
    if texts.is_null(row) { "" } else { texts.value(row) }
}

fn clipped(text: &str) -> &str {
    &text[..text.floor_char_boundary(SDK_BYTES_MAX)]
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ids::Signal;
    use crate::schema;
    use crate::test_rows::{batch, texts};
    use arrow::array::{ArrayRef, MapBuilder, StringBuilder};
    use proptest::prelude::*;
    use std::sync::Arc;

    /// Resources of rows: the entries of each.
    fn maps(rows: &[Vec<(String, Option<String>)>]) -> ArrayRef {
        let mut builder = MapBuilder::new(None, StringBuilder::new(), StringBuilder::new());
        for row in rows {
            for (key, value) in row {
                builder.keys().append_value(key);
                builder.values().append_option(value.as_deref());
            }
            builder.append(true).expect("keys and values are of one length");
        }
        Arc::new(builder.finish())
    }

    fn logs(services: &[&str], resources: &[Vec<(String, Option<String>)>]) -> RecordBatch {
        let columns = vec![("service", texts(services)), ("resource", maps(resources))];
        batch(schema::of(Signal::Logs), services.len(), columns)
    }

    proptest! {
        /// Scenario: rows whose service and attributes repeat, differ, split the same letters in another way, or are
        /// absent.
        /// Guarantees: the runs cover every row once, and end exactly where a row differs from the one before.
        #[test]
        fn runs_end_where_rows_differ(
            rows in prop::collection::vec((0_usize..2, 0_usize..6, 1_usize..90), 0..12),
        ) {
            let entry = |key: &str, value: Option<&str>| (key.to_owned(), value.map(str::to_owned));
            let kinds = [
                vec![],
                vec![entry("ab", Some("c")), entry("d", Some(""))],
                vec![entry("a", Some("bc")), entry("d", Some(""))],
                vec![entry("ab", Some("c")), entry("d", None)],
                vec![entry("ab", Some("x")), entry("d", Some(""))],
                vec![entry("ab", Some("c"))],
            ];
            let rows: Vec<(usize, usize)> =
                rows.iter().flat_map(|(service, kind, n)| std::iter::repeat_n((*service, *kind), *n)).collect();
            let services: Vec<&str> = rows.iter().map(|(service, _)| ["cart", "shop"][*service]).collect();
            let resources: Vec<_> = rows.iter().map(|(_, kind)| kinds[*kind].clone()).collect();
            let batch = logs(&services, &resources);
            let runs: Vec<Range<usize>> = Owners::of(&batch).runs().collect();
            let ends: Vec<usize> = runs.iter().map(|run| run.end).collect();
            let expected: Vec<usize> =
                (1..=rows.len()).filter(|&end| rows.get(end) != Some(&rows[end - 1])).collect();
            prop_assert_eq!(&ends, &expected);
            prop_assert!(runs.windows(2).all(|pair| pair[0].end == pair[1].start));
        }
    }

    /// Scenario: a resource says which SDK it is of, with a name that is far too long.
    /// Guarantees: the owner has language, name and version, the name cut between characters.
    #[test]
    fn an_owner_has_its_sdk() {
        let entry = |key: &str, value: String| (key.to_owned(), Some(value));
        let resource = vec![
            entry("telemetry.sdk.language", "java".to_owned()),
            entry("host.name", "a".to_owned()),
            entry("telemetry.sdk.version", "1.38.0".to_owned()),
            entry("telemetry.sdk.name", format!("x{}", "\u{e9}".repeat(200))),
        ];
        let batch = logs(&["cart"], &[resource]);
        let owner = Owners::of(&batch).owner(0);
        assert_eq!((owner.service, owner.language, owner.sdk_version), ("cart", "java", "1.38.0"));
        assert_eq!((owner.sdk_name.len(), owner.instance), (255, ""));
    }
}

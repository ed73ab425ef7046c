//! The segments of read models that a rebuild leaves: new ones, and those older cells that stay.

use super::borders::Borders;
use super::{Task, remove};
use crate::columns::column;
use crate::error::Error;
use crate::ids::Table;
use crate::manifest::Manifest;
use crate::read_models::{ReadModels, Wanted};
use crate::segment::{self, SegmentMeta, SegmentSource};
use arrow::array::{AsArray, BooleanArray, RecordBatch};
use arrow::compute::filter_record_batch;
use arrow::datatypes::TimestampNanosecondType;
use std::collections::BTreeMap;
use std::sync::Arc;

pub(super) struct Output<'a> {
    task: Task<'a>,
    borders: Borders,
    segment_id_next: u64,
    written: Vec<Arc<SegmentMeta>>,
    /// Segments that stay as they are.
    kept: Vec<Arc<SegmentMeta>>,
    /// Until when tables lack rows that were not written because they would have expired at once.
    left_out: BTreeMap<Table, i64>,
}

impl<'a> Output<'a> {
    pub(super) fn new(task: Task<'a>, borders: Borders, segment_id_next: u64) -> Self {
        let (written, kept, left_out) = (Vec::new(), Vec::new(), BTreeMap::new());
        Self { task, borders, segment_id_next, written, kept, left_out }
    }

    /// Keeps what segments of read models have of buckets that are not made again.
    pub(super) fn keep_older(&mut self, segments: &[Arc<SegmentMeta>]) -> Result<(), Error> {
        for segment in segments.iter().filter(|segment| segment.table.signal().is_none()) {
            let (first, last) = self.borders.of_table(segment.table);
            if segment.time_max < first {
                self.kept.push(Arc::clone(segment));
            } else if segment.time_min < last {
                self.keep_part(segment)?;
            }
        }
        Ok(())
    }

    /// Writes what cells come to, of which the newest were received then.
    pub(super) fn write(&mut self, models: &ReadModels, received_max: i64) -> Result<(), Error> {
        self.task.expect_room()?;
        for table in Table::read_models() {
            let wanted = Wanted { first: self.borders.of_table(table).0, ..Wanted::default() };
            let rows = models.cells(table).and_then(|cells| cells.to_batch_of(&wanted));
            let Some(rows) = rows.map(|rows| chosen(&rows, &self.borders.made_again(table, &rows))) else {
                continue;
            };
            if rows.num_rows() == 0 {
                continue;
            }
            match self.task.options.retention.is_over(table, received_max, self.task.now) {
                true => self.leave_out(table, &rows, received_max),
                false => self.write_rows(table, &rows, received_max)?,
            }
        }
        Ok(())
    }

    /// Above the numbers of all segments.
    pub(super) fn segment_id_next(&self) -> u64 {
        self.segment_id_next
    }

    pub(super) fn segments(&self) -> impl Iterator<Item = &Arc<SegmentMeta>> {
        self.kept.iter().chain(&self.written)
    }

    /// What tables lack after this.
    pub(super) fn note_lacking(&self, next: &mut Manifest) {
        self.borders.mend(&mut next.lacking);
        self.left_out.iter().for_each(|(&table, &until)| next.note_lacking(table, until));
    }

    /// When nothing comes of it.
    pub(super) fn remove_written(&self) {
        remove(self.written.iter(), &self.task.options.data_dir, self.task.faults);
    }

    fn keep_part(&mut self, segment: &SegmentMeta) -> Result<(), Error> {
        self.task.expect_room()?;
        let (id, borders, task) = (self.next_segment_id(), self.borders, self.task);
        let older = |rows: &RecordBatch| {
            let made_again = borders.made_again(segment.table, rows);
            made_again.iter().map(|is_made_again| Some(is_made_again != Some(true))).collect::<BooleanArray>()
        };
        let data_dir = &task.options.data_dir;
        let copied = segment::copy_part(segment, id, data_dir, task.faults, &older, task.is_stopped)?;
        self.written.extend(copied.map(Arc::new));
        Ok(())
    }

    fn write_rows(&mut self, table: Table, rows: &RecordBatch, received_max: i64) -> Result<(), Error> {
        let (id, n_bytes) = (self.next_segment_id(), rows.get_array_memory_size() as u64);
        let batches = std::slice::from_ref(rows);
        let source = SegmentSource { id, table, batches, n_bytes, received_max };
        let segment = segment::write(&source, &self.task.options.data_dir, self.task.faults)?;
        self.written.push(Arc::new(segment));
        Ok(())
    }

    fn leave_out(&mut self, table: Table, rows: &RecordBatch, received_max: i64) {
        let buckets = column(rows, "bucket").as_primitive::<TimestampNanosecondType>();
        let last = arrow::compute::max(buckets).unwrap_or(i64::MIN).min(received_max);
        let until = self.left_out.entry(table).or_insert(i64::MIN);
        *until = (*until).max(last);
    }

    fn next_segment_id(&mut self) -> u64 {
        self.segment_id_next += 1;
        self.segment_id_next - 1
    }
}

fn chosen(rows: &RecordBatch, flags: &BooleanArray) -> RecordBatch {
    filter_record_batch(rows, flags).expect("there is a flag for each row")
}

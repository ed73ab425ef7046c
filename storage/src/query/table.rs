//! A table of the engine as DataFusion sees it: hot batches and segments of one snapshot.
//!
//! The snapshot is taken when the query first reads the table and serves all of that query's scans, so
//! a self-join sees the same rows on both sides. Files come from the snapshot only, never from a
//! directory.

use super::adapter::SegmentAdapterFactory;
use super::attributes;
use super::narrowed::Narrowed;
use super::prune;
use super::pruned;
use crate::engine::Engine;
use crate::hot::Snapshot;
use crate::ids::Table;
use crate::segment::SegmentMeta;
use arrow::array::RecordBatch;
use arrow::datatypes::SchemaRef;
use async_trait::async_trait;
use datafusion::catalog::{Session, TableProvider};
use datafusion::common::stats::Precision;
use datafusion::common::{DataFusionError, Statistics};
use datafusion::datasource::memory::MemorySourceConfig;
use datafusion::datasource::physical_plan::parquet::CachedParquetFileReaderFactory;
use datafusion::datasource::physical_plan::{FileGroup, FileScanConfigBuilder, ParquetSource};
use datafusion::datasource::source::DataSourceExec;
use datafusion::execution::object_store::ObjectStoreUrl;
use datafusion::logical_expr::{Expr, TableProviderFilterPushDown, TableType};
use datafusion::physical_plan::union::UnionExec;
use datafusion::physical_plan::{ExecutionPlan, PhysicalExpr};
use std::fmt;
use std::sync::{Arc, OnceLock};

/// Where segments live for DataFusion: the engine's object store under a name of its own.
const SEGMENTS_URL: &str = "firstfault://segments";

pub(super) fn segments_url() -> ObjectStoreUrl {
    ObjectStoreUrl::parse(SEGMENTS_URL).expect("the constant is a URL")
}

/// One table of one query.
pub(super) struct SnapshotTable {
    engine: Engine,
    table: Table,
    schema: SchemaRef,
    snapshot: OnceLock<Snapshot>,
}

impl SnapshotTable {
    pub(super) fn new(engine: Engine, table: Table) -> Self {
        Self { engine, table, schema: table.schema(), snapshot: OnceLock::new() }
    }

    fn snapshot(&self) -> &Snapshot {
        self.snapshot.get_or_init(|| self.engine.snapshot(self.table))
    }
}

impl fmt::Debug for SnapshotTable {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SnapshotTable").field("table", &self.table).finish_non_exhaustive()
    }
}

#[async_trait]
impl TableProvider for SnapshotTable {
    fn schema(&self) -> SchemaRef {
        Arc::clone(&self.schema)
    }

    fn table_type(&self) -> TableType {
        TableType::Base
    }

    /// Inexact: filters choose segments, row groups and pages; the rows left are filtered again.
    fn supports_filters_pushdown(
        &self,
        filters: &[&Expr],
    ) -> Result<Vec<TableProviderFilterPushDown>, DataFusionError> {
        Ok(vec![TableProviderFilterPushDown::Inexact; filters.len()])
    }

    async fn scan(
        &self,
        session: &dyn Session,
        projection: Option<&Vec<usize>>,
        filters: &[Expr],
        limit: Option<usize>,
    ) -> Result<Arc<dyn ExecutionPlan>, DataFusionError> {
        let snapshot = self.snapshot();
        let segments = prune::candidates(session, &self.schema, filters, &snapshot.segments)?;
        let predicate = attributes::predicate(session, &self.schema, filters)?;
        let scan = Scan { session, schema: &self.schema, projection, predicate, limit };
        let segments = match self.table {
            Table::Logs => Narrowed::by_words(segments, filters, &*scan.readers()?).await?,
            Table::Spans => Narrowed::by_trace_ids(segments, filters, &*scan.readers()?).await?,
            _ => Narrowed::not(segments),
        };
        if segments.segments.is_empty() {
            return scan.hot(&snapshot.batches);
        }
        let cold = scan.cold(&segments, snapshot.segments.len())?;
        if snapshot.batches.is_empty() {
            return Ok(cold);
        }
        UnionExec::try_new(vec![scan.hot(&snapshot.batches)?, cold])
    }
}

/// What a scan was asked for.
struct Scan<'a> {
    session: &'a dyn Session,
    schema: &'a SchemaRef,
    projection: Option<&'a Vec<usize>>,
    /// Conditions on attributes; the others reach the files by themselves.
    predicate: Option<Arc<dyn PhysicalExpr>>,
    limit: Option<usize>,
}

impl Scan<'_> {
    fn n_partitions(&self) -> usize {
        self.session.config().target_partitions().max(1)
    }

    fn hot(&self, batches: &[RecordBatch]) -> Result<Arc<dyn ExecutionPlan>, DataFusionError> {
        let partitions = deal(batches.iter().cloned(), self.n_partitions());
        let source =
            MemorySourceConfig::try_new(&partitions, Arc::clone(self.schema), self.projection.cloned())?;
        Ok(DataSourceExec::from_data_source(source.with_limit(self.limit)))
    }

    /// Of the snapshot's `n_segments`, those that are left.
    fn cold(
        &self,
        segments: &Narrowed,
        n_segments: usize,
    ) -> Result<Arc<dyn ExecutionPlan>, DataFusionError> {
        let parquet = self.parquet()?;
        pruned::show(&parquet, "segments_pruned_by_time", n_segments, segments.n_of_time);
        segments.show(&parquet);
        let files = deal(segments.files(), self.n_partitions());
        let config = FileScanConfigBuilder::new(segments_url(), parquet)
            .with_file_groups(files.into_iter().map(FileGroup::new).collect())
            .with_statistics(self.statistics(&segments.segments))
            .with_projection_indices(self.projection.cloned())?
            .with_limit(self.limit)
            .with_expr_adapter(Some(Arc::new(SegmentAdapterFactory)))
            .build();
        Ok(DataSourceExec::from_data_source(config))
    }

    /// Readers that keep footers in memory: a segment never changes under its name.
    fn readers(&self) -> Result<Arc<CachedParquetFileReaderFactory>, DataFusionError> {
        let runtime = self.session.runtime_env();
        let store = runtime.object_store(segments_url())?;
        let footers = runtime.cache_manager.get_file_metadata_cache();
        Ok(Arc::new(CachedParquetFileReaderFactory::new(store, footers)))
    }

    fn parquet(&self) -> Result<Arc<ParquetSource>, DataFusionError> {
        let source = ParquetSource::new(Arc::clone(self.schema))
            .with_table_parquet_options(self.session.table_options().parquet.clone())
            .with_parquet_file_reader_factory(self.readers()?);
        Ok(Arc::new(match &self.predicate {
            Some(predicate) => source.with_predicate(Arc::clone(predicate)).with_pushdown_filters(true),
            None => source,
        }))
    }

    fn statistics(&self, segments: &[Arc<SegmentMeta>]) -> Statistics {
        let n_rows: u64 = segments.iter().map(|meta| meta.n_rows).sum();
        let mut statistics = Statistics::new_unknown(self.schema);
        statistics.num_rows = usize::try_from(n_rows).map_or(Precision::Absent, Precision::Exact);
        statistics
    }
}

/// Deals items round into at most `n` groups; at least one group, none of them empty beside others.
fn deal<T>(items: impl ExactSizeIterator<Item = T>, n: usize) -> Vec<Vec<T>> {
    let n_groups = items.len().clamp(1, n);
    let mut groups: Vec<Vec<T>> = std::iter::repeat_with(Vec::new).take(n_groups).collect();
    for (idx, item) in items.enumerate() {
        groups[idx % n_groups].push(item);
    }
    groups
}

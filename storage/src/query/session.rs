//! The session of one query: the engine's tables and nothing else.
//!
//! It has no other catalog, no object store but the engine's, no file formats to register and no disk
//! but the folder it spills to (`spill`), so a statement can reach rows and nothing more.

use super::attributes::ProjectionsBelowUnions;
use super::catalog::{CATALOG, SCHEMA, catalogs};
use super::failure::from_datafusion;
use super::interruptible::interruptible;
use super::lane::Lane;
use super::memory::LanePool;
use super::spill::{FILES_OPEN_MAX, SpillFolder};
use super::stoppable::{Stop, stoppable};
use super::table::segments_url;
use super::udf;
use crate::engine::Engine;
use crate::error::Error;
use arrow::array::RecordBatch;
use datafusion::common::DataFusionError;
use datafusion::common::config::SpillCompression;
use datafusion::execution::disk_manager::{DiskManagerBuilder, DiskManagerMode};
use datafusion::execution::object_store::ObjectStoreUrl;
use datafusion::execution::runtime_env::{RuntimeEnv, RuntimeEnvBuilder};
use datafusion::execution::session_state::{SessionState, SessionStateBuilder};
use datafusion::execution::{SendableRecordBatchStream, SessionStateDefaults, TaskContext};
use datafusion::logical_expr::LogicalPlan;
use datafusion::physical_optimizer::PhysicalOptimizerRule;
use datafusion::physical_optimizer::optimizer::PhysicalOptimizer;
use datafusion::physical_plan::execute_stream;
use datafusion::prelude::SessionConfig;
use futures::StreamExt;
use object_store::ObjectStore;
use std::future::Future;
use std::sync::Arc;

/// Footers and page indexes of segments kept in memory, 64 MiB: those of some thousand segments.
const FOOTER_CACHE_BYTES: usize = 64 << 20;
/// Values of an `IN` list up to which files and pages are skipped by it. Search asks for the spans of
/// a page of traces at once; the default of 20 would read all pages.
const IN_LIST_PRUNED_MAX: usize = 1_024;
/// Of a lane's memory, the part that the threads of one sort keep for merging what they wrote: a 32nd.
const SORTS_SHARE: usize = 32;
/// What each thread keeps at most, 10 MiB: DataFusion's default, however little memory there is.
const SORT_RESERVED_BYTES_MAX: usize = 10 << 20;
/// Bytes of a lane's memory for each row of a batch, 8 KiB: sorts hold a few batches for each thread at the least.
/// From 64 MiB on batches have DataFusion's usual size.
const BYTES_PER_BATCH_ROW: usize = 8 << 10;
/// Below it, what a batch costs by itself would count.
const BATCH_ROWS_MIN: usize = 512;
/// Functions that make a value as large as a number says, outside the memory pool: one call could ask
/// for more than the machine has. The table function `generate_series` makes its rows as they are read.
const UNBOUNDED_FUNCTIONS: [&str; 7] =
    ["repeat", "lpad", "rpad", "array_repeat", "array_resize", "range", "generate_series"];

/// One query's view of the engine: each table as it was when first read.
pub(super) struct Session {
    state: SessionState,
    stop: Stop,
}

impl Engine {
    /// Runs a read on the query runtime, within the limits; dropping the future stops it.
    pub(super) async fn read<T, F, Work>(&self, work: F) -> Result<T, Error>
    where
        T: Send + 'static,
        F: FnOnce(Session) -> Work,
        Work: Future<Output = Result<T, Error>> + Send + 'static,
    {
        let lane = &self.query_context().reads;
        let place = lane.enter()?;
        let session = Session::open(self, lane, place.stop());
        place.spawn(work(session)).end().await
    }
}

impl Session {
    pub(super) fn open(engine: &Engine, lane: &Lane, stop: &Stop) -> Self {
        let mut state = SessionState::clone(lane.template());
        state.register_catalog_list(catalogs(engine, lane.template()));
        Self { state, stop: stop.clone() }
    }

    pub(super) fn state(&self) -> &SessionState {
        &self.state
    }

    /// Starts a statement of our own making.
    pub(super) async fn stream(&self, sql: &str) -> Result<SendableRecordBatchStream, Error> {
        let plan = self.state.create_logical_plan(sql).await.map_err(from_datafusion)?;
        self.execute(plan).await
    }

    pub(super) async fn execute(&self, plan: LogicalPlan) -> Result<SendableRecordBatchStream, Error> {
        let mut state = self.state.clone();
        state.mark_start_execution();
        let context = Arc::new(TaskContext::from(&state));
        let plan =
            state.optimize(&plan).and_then(|plan| stoppable(plan, &self.stop)).map_err(from_datafusion)?;
        let plan =
            state.query_planner().create_physical_plan(&plan, &state).await.map_err(from_datafusion)?;
        let plan = interruptible(plan).map_err(from_datafusion)?;
        execute_stream(plan, context).map_err(from_datafusion)
    }

    /// Hands each batch of a statement to `each`, so that no more than one is held.
    pub(super) async fn for_each(
        &self,
        sql: &str,
        mut each: impl FnMut(&RecordBatch) -> Result<(), Error> + Send,
    ) -> Result<(), Error> {
        let mut batches = self.stream(sql).await?;
        while let Some(batch) = batches.next().await {
            each(&batch.map_err(from_datafusion)?)?;
        }
        Ok(())
    }

    /// All rows of a statement that bounds them itself.
    pub(super) async fn collect(&self, sql: &str) -> Result<Vec<RecordBatch>, Error> {
        let mut all = Vec::new();
        self.for_each(sql, |batch| {
            if batch.num_rows() > 0 {
                all.push(batch.clone());
            }
            Ok(())
        })
        .await?;
        Ok(all)
    }
}

/// What every session of a lane starts from: functions, settings, a memory pool of this size, and where to put
/// what does not fit into it.
pub(super) fn template(
    shared: &RuntimeEnv,
    (memory_bytes, sharers): (usize, &'static str),
    folder: Option<SpillFolder>,
) -> Result<SessionState, DataFusionError> {
    let runtime = RuntimeEnvBuilder::from_runtime_env(shared)
        .with_memory_pool(Arc::new(LanePool::new(memory_bytes, sharers, folder.is_some())))
        .with_disk_manager_builder(disk(folder))
        .build()?;
    let mut scalar_functions = SessionStateDefaults::default_scalar_functions();
    scalar_functions.retain(|function| !UNBOUNDED_FUNCTIONS.contains(&function.name()));
    scalar_functions.extend(udf::scalar_functions());
    let mut aggregate_functions = SessionStateDefaults::default_aggregate_functions();
    aggregate_functions.extend(udf::aggregate_functions());
    let mut expr_planners = udf::expr_planners();
    expr_planners.extend(SessionStateDefaults::default_expr_planners());
    let table_functions = SessionStateDefaults::default_table_functions();
    let state = SessionStateBuilder::new()
        .with_config(config(memory_bytes))
        .with_runtime_env(Arc::new(runtime))
        .with_expr_planners(expr_planners)
        .with_scalar_functions(scalar_functions)
        .with_higher_order_functions(SessionStateDefaults::default_higher_order_functions())
        .with_aggregate_functions(aggregate_functions)
        .with_window_functions(SessionStateDefaults::default_window_functions())
        .with_physical_optimizer_rules(physical_optimizer_rules())
        .with_table_functions(
            table_functions.into_iter().map(|function| (function.name().to_owned(), function)).collect(),
        )
        .build();
    Ok(state)
}

/// DataFusion's own, after those that bring look-ups of attributes to the files.
fn physical_optimizer_rules() -> Vec<Arc<dyn PhysicalOptimizerRule + Send + Sync>> {
    let own: Arc<dyn PhysicalOptimizerRule + Send + Sync> = Arc::new(ProjectionsBelowUnions);
    std::iter::once(own).chain(PhysicalOptimizer::new().rules).collect()
}

fn disk(folder: Option<SpillFolder>) -> DiskManagerBuilder {
    let disk = DiskManagerBuilder::default().with_max_spill_merge_fan_in(FILES_OPEN_MAX);
    match folder {
        Some(folder) => disk.with_temp_file_factory(Arc::new(folder)),
        None => disk.with_mode(DiskManagerMode::Disabled),
    }
}

fn config(memory_bytes: usize) -> SessionConfig {
    let mut config = SessionConfig::new()
        .with_default_catalog_and_schema(CATALOG, SCHEMA)
        .with_create_default_catalog_and_schema(false)
        .with_information_schema(true);
    let options = config.options_mut();
    // The schemas say Utf8 and Binary; without these a segment would read back as views of them.
    options.execution.parquet.schema_force_view_types = false;
    options.sql_parser.map_string_types_to_utf8view = false;
    options.execution.parquet.pushdown_filters = true;
    options.execution.parquet.reorder_filters = true;
    options.execution.parquet.max_in_list_size = IN_LIST_PRUNED_MAX;
    options.execution.time_zone = Some(crate::schema::TIME_ZONE.to_owned());
    options.execution.spill_compression = SpillCompression::Lz4Frame;
    options.execution.sort_spill_reservation_bytes =
        (memory_bytes / SORTS_SHARE / options.execution.target_partitions.max(1))
            .min(SORT_RESERVED_BYTES_MAX);
    let batch_rows_max = config.batch_size().max(BATCH_ROWS_MIN);
    config.with_batch_size((memory_bytes / BYTES_PER_BATCH_ROW).clamp(BATCH_ROWS_MIN, batch_rows_max))
}

/// What all lanes share: the engine's store, and the footers read from it.
pub(super) fn shared(store: Arc<dyn ObjectStore>) -> Result<RuntimeEnv, DataFusionError> {
    let runtime = RuntimeEnvBuilder::new()
        .with_disk_manager_builder(disk(None))
        .with_metadata_cache_limit(FOOTER_CACHE_BYTES)
        .build()?;
    // The engine's store and no other: a statement cannot name a file.
    runtime.deregister_object_store(ObjectStoreUrl::local_filesystem().as_ref())?;
    runtime.register_object_store(segments_url().as_ref(), store);
    Ok(runtime)
}

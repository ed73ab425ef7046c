//! The view `edges`: one row per call between services, or from a service to a database, queue or host.
//!
//! A call between services is an entry span (server or consumer) whose parent span is another service's; it
//! has the caller's latency and outcome. A client or producer span that no other service answered, but that
//! names a database, a queue or a host, is a call to a virtual node.
//!
//! Both sides of a call lie within [`CALL_SLACK`] of each other. That is a condition of its own in the join,
//! which no optimizer turns into bounds for the other side; so the view is a table that is told the bounds of
//! `time`, and writes them, widened, into both sides of its statement.

use super::catalog::Planner;
use super::literals::timestamp;
use super::range::{TimeRange, nanos};
use arrow::datatypes::SchemaRef;
use async_trait::async_trait;
use datafusion::catalog::{Session, TableProvider};
use datafusion::common::{DataFusionError, ScalarValue};
use datafusion::datasource::ViewTable;
use datafusion::logical_expr::utils::split_conjunction;
use datafusion::logical_expr::{BinaryExpr, Expr, Operator, TableProviderFilterPushDown, TableType};
use datafusion::physical_plan::ExecutionPlan;
use std::sync::Arc;
use std::time::Duration;

/// How far apart both sides of a call may start.
const CALL_SLACK: Duration = Duration::from_secs(15 * 60);
/// Tables that the statement reads.
pub(super) const N_TABLES: usize = 4;
/// The column whose bounds narrow both sides.
const TIME: &str = "time";

const EVERYTHING: TimeRange = TimeRange { from: i64::MIN, to: i64::MAX };

/// The statement that says what the view is.
pub(super) fn definition() -> String {
    sql(EVERYTHING)
}

/// The statement for calls of a range. Times are compared as numbers, which no clock of a client makes overflow.
fn sql(range: TimeRange) -> String {
    let (here, around) = (bounds(range), bounds(range.widened(CALL_SLACK)));
    let slack_ns = nanos(CALL_SLACK);
    format!(
        "SELECT answer.start_time AS time, caller.service AS caller, answer.service AS callee, \
         'service' AS callee_kind, caller.name AS caller_operation, answer.name AS callee_operation, \
         caller.duration_ns AS duration_ns, answer.duration_ns AS callee_duration_ns, \
         caller.is_error AS is_error, answer.is_error AS callee_is_error, answer.trace_id AS trace_id, \
         caller.span_id AS caller_span_id, answer.span_id AS callee_span_id\n\
         FROM (SELECT trace_id, span_id, parent_span_id, service, name, start_time, duration_ns, is_error \
         FROM spans WHERE kind IN ('server', 'consumer') AND parent_span_id IS NOT NULL{here}) answer\n\
         JOIN (SELECT trace_id, span_id, service, name, start_time, duration_ns, is_error \
         FROM spans WHERE true{around}) caller\n\
         ON caller.trace_id = answer.trace_id AND caller.span_id = answer.parent_span_id\n\
         AND caller.service <> answer.service\n\
         AND caller.start_time::bigint - answer.start_time::bigint BETWEEN -{slack_ns} AND {slack_ns}\n\
         UNION ALL\n\
         SELECT call.start_time, call.service, {PEER_NAME}, {PEER_KIND}, call.name, NULL, call.duration_ns, NULL, \
         call.is_error, NULL, call.trace_id, call.span_id, NULL\n\
         FROM (SELECT trace_id, span_id, service, name, start_time, duration_ns, is_error, db_system_name, \
         db_namespace, messaging_system, messaging_destination_name, peer_service, server_address \
         FROM spans WHERE kind IN ('client', 'producer') \
         AND concat(db_system_name, messaging_system, peer_service, server_address) <> ''{here}) call\n\
         LEFT ANTI JOIN (SELECT trace_id, parent_span_id, service, start_time \
         FROM spans WHERE parent_span_id IS NOT NULL{around}) child\n\
         ON child.trace_id = call.trace_id AND child.parent_span_id = call.span_id\n\
         AND child.service <> call.service\n\
         AND child.start_time::bigint - call.start_time::bigint BETWEEN -{slack_ns} AND {slack_ns}"
    )
}

/// Both ends of a range, where it has them.
fn bounds(range: TimeRange) -> String {
    let mut bounds = String::new();
    if range.from != EVERYTHING.from {
        bounds += &format!(" AND start_time >= {}", timestamp(range.from));
    }
    if range.to != EVERYTHING.to {
        bounds += &format!(" AND start_time < {}", timestamp(range.to));
    }
    bounds
}

/// What an uninstrumented peer is called: a database and which one, a queue and which, or a host.
const PEER_NAME: &str = "CASE \
     WHEN call.db_system_name <> '' THEN concat_ws(' ', call.db_system_name, \
     coalesce(nullif(call.db_namespace, ''), nullif(call.server_address, ''))) \
     WHEN call.messaging_system <> '' THEN concat_ws(' ', call.messaging_system, \
     nullif(call.messaging_destination_name, '')) \
     ELSE coalesce(nullif(call.peer_service, ''), call.server_address) END";

const PEER_KIND: &str = "CASE WHEN call.db_system_name <> '' THEN 'database' \
     WHEN call.messaging_system <> '' THEN 'messaging' ELSE 'external' END";

/// The view as a session has it.
#[derive(Debug)]
pub(super) struct EdgesTable {
    planner: Planner,
    schema: SchemaRef,
    definition: String,
}

impl EdgesTable {
    pub(super) async fn plan(planner: &Planner) -> Result<Self, DataFusionError> {
        let definition = definition();
        let plan = planner.plan(&definition).await?;
        Ok(Self { planner: planner.clone(), schema: Arc::clone(plan.schema().inner()), definition })
    }
}

#[async_trait]
impl TableProvider for EdgesTable {
    fn schema(&self) -> SchemaRef {
        Arc::clone(&self.schema)
    }

    fn table_type(&self) -> TableType {
        TableType::View
    }

    fn get_table_definition(&self) -> Option<&str> {
        Some(&self.definition)
    }

    fn supports_filters_pushdown(
        &self,
        filters: &[&Expr],
    ) -> Result<Vec<TableProviderFilterPushDown>, DataFusionError> {
        Ok(vec![TableProviderFilterPushDown::Exact; filters.len()])
    }

    async fn scan(
        &self,
        session: &dyn Session,
        projection: Option<&Vec<usize>>,
        filters: &[Expr],
        limit: Option<usize>,
    ) -> Result<Arc<dyn ExecutionPlan>, DataFusionError> {
        let plan = self.planner.plan(&sql(time_range(filters))).await?;
        ViewTable::new(plan, None).scan(session, projection, filters, limit).await
    }
}

/// A range that holds every time which the filters let through.
fn time_range(filters: &[Expr]) -> TimeRange {
    let mut range = EVERYTHING;
    for (operator, at) in filters.iter().flat_map(split_conjunction).filter_map(time_bound) {
        let after = at.saturating_add(1);
        if matches!(operator, Operator::Gt | Operator::GtEq | Operator::Eq) {
            range.from = range.from.max(at);
        }
        if matches!(operator, Operator::Lt | Operator::LtEq | Operator::Eq) {
            range.to = range.to.min(after);
        }
    }
    range
}

/// `time < constant` and its like, with the column on the left.
fn time_bound(filter: &Expr) -> Option<(Operator, i64)> {
    let Expr::BinaryExpr(BinaryExpr { left, op, right }) = filter else { return None };
    match (&**left, &**right) {
        (Expr::Column(column), Expr::Literal(ScalarValue::TimestampNanosecond(Some(at), _), _))
            if column.name == TIME =>
        {
            Some((*op, *at))
        }
        (Expr::Literal(ScalarValue::TimestampNanosecond(Some(at), _), _), Expr::Column(column))
            if column.name == TIME =>
        {
            Some((op.swap()?, *at))
        }
        _ => None,
    }
}

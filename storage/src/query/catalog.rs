//! What a session's statements can name: the engine's tables, and the views over them.
//!
//! Opening a session makes the tables only, which costs next to nothing. A view is planned when a statement
//! names it, against those same tables, so that all parts of a statement see one moment.

use super::edges_view::EdgesTable;
use super::table::SnapshotTable;
use super::views::View;
use crate::engine::Engine;
use crate::ids::Table;
use async_trait::async_trait;
use datafusion::catalog::{
    CatalogProvider, CatalogProviderList, MemoryCatalogProvider, MemoryCatalogProviderList,
    MemorySchemaProvider, SchemaProvider, TableProvider,
};
use datafusion::common::DataFusionError;
use datafusion::datasource::ViewTable;
use datafusion::execution::session_state::SessionState;
use datafusion::logical_expr::{LogicalPlan, TableType};
use std::sync::Arc;

pub(super) const CATALOG: &str = "firstfault";
pub(super) const SCHEMA: &str = "public";

/// The tables and views of one session.
pub(super) fn catalogs(engine: &Engine, template: &Arc<SessionState>) -> Arc<dyn CatalogProviderList> {
    let tables: Arc<dyn SchemaProvider> = Arc::new(tables(engine));
    let planner = Planner { template: Arc::clone(template), tables: Arc::clone(&tables) };
    with_schema(Arc::new(TablesAndViews { tables, planner }))
}

fn tables(engine: &Engine) -> MemorySchemaProvider {
    let schema = MemorySchemaProvider::new();
    for table in Table::ALL {
        let provider = Arc::new(SnapshotTable::new(engine.clone(), table));
        schema
            .register_table(table.name().to_owned(), provider)
            .expect("a fresh schema has no table of that name");
    }
    schema
}

fn with_schema(schema: Arc<dyn SchemaProvider>) -> Arc<dyn CatalogProviderList> {
    let catalog = MemoryCatalogProvider::new();
    catalog.register_schema(SCHEMA, schema).expect("a catalog in memory takes any schema");
    let catalogs = MemoryCatalogProviderList::new();
    catalogs.register_catalog(CATALOG.to_owned(), Arc::new(catalog));
    Arc::new(catalogs)
}

/// Plans our own statements over the tables of one session.
#[derive(Debug, Clone)]
pub(super) struct Planner {
    template: Arc<SessionState>,
    tables: Arc<dyn SchemaProvider>,
}

impl Planner {
    pub(super) async fn plan(&self, sql: &str) -> Result<LogicalPlan, DataFusionError> {
        let mut state = SessionState::clone(&self.template);
        state.register_catalog_list(with_schema(Arc::clone(&self.tables)));
        state.create_logical_plan(sql).await
    }
}

#[derive(Debug)]
struct TablesAndViews {
    tables: Arc<dyn SchemaProvider>,
    planner: Planner,
}

#[async_trait]
impl SchemaProvider for TablesAndViews {
    fn table_names(&self) -> Vec<String> {
        let views = View::ALL.map(|view| view.name().to_owned());
        self.tables.table_names().into_iter().chain(views).collect()
    }

    async fn table(&self, name: &str) -> Result<Option<Arc<dyn TableProvider>>, DataFusionError> {
        let Some(view) = View::from_name(name) else { return self.tables.table(name).await };
        if view == View::Edges {
            return Ok(Some(Arc::new(EdgesTable::plan(&self.planner).await?)));
        }
        let sql = view.sql();
        let plan = self.planner.plan(&sql).await?;
        Ok(Some(Arc::new(ViewTable::new(plan, Some(sql)))))
    }

    async fn table_type(&self, name: &str) -> Result<Option<TableType>, DataFusionError> {
        let is_view = View::from_name(name).is_some();
        if is_view { Ok(Some(TableType::View)) } else { self.tables.table_type(name).await }
    }

    fn table_exist(&self, name: &str) -> bool {
        View::from_name(name).is_some() || self.tables.table_exist(name)
    }
}

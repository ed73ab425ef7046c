//! Statements from outside, on their way to a plan: small enough, one at a time, and only reading.
//!
//! Parsing and planning happen in one go: no deadline interrupts them, and their recursion grows with
//! the statement. Unbounded, a few kilobytes of `+1+1+1` would take the process down, and a chain of
//! common table expressions that each name the one before twice would plan for ever. Each bound here is
//! far above what people and dashboards write.

use super::failure::from_datafusion;
use super::refused::refuse;
use super::session::Session;
use super::views::View;
use crate::error::Error;
use datafusion::common::DataFusionError;
use datafusion::execution::context::SQLOptions;
use datafusion::logical_expr::LogicalPlan;
use datafusion::sql::parser::Statement;
use datafusion::sql::sqlparser::ast::{self, Visit, Visitor, visit_relations};
use datafusion::sql::sqlparser::dialect::GenericDialect;
use datafusion::sql::sqlparser::keywords::Keyword;
use datafusion::sql::sqlparser::tokenizer::{Token, Tokenizer};
use std::collections::HashMap;
use std::ops::ControlFlow;

/// Bytes of a statement; a list of ten thousand ids still fits.
const BYTES_MAX: usize = 512 << 10;
/// Operators, brackets and keywords: each may nest the statement one level deeper, and a thread's 2 MiB
/// of stack is enough for some 2,000 levels.
const OPERATORS_MAX: usize = 1_000;
/// Tables read, those inside a view or a common table expression as often as it is named.
const RELATIONS_MAX: usize = 100;

/// Parses, lets reading statements through, and plans. The plan is checked once more: what the parser
/// calls a query must not hold a writing node anywhere.
pub(super) async fn plan(session: &Session, sql: &str) -> Result<LogicalPlan, Error> {
    refuse_large(sql)?;
    let state = session.state();
    let dialect = state.config().options().sql_parser.dialect;
    let statement = state.sql_to_statement(sql, &dialect).map_err(unparsed)?;
    if !reads_only(&statement) {
        return Err(Error::ReadOnly);
    }
    if n_relations(&statement) > RELATIONS_MAX {
        return Err(too_large(&format!("it reads tables more than {RELATIONS_MAX} times")));
    }
    let plan = state.statement_to_plan(statement).await.map_err(from_datafusion)?;
    let reading = SQLOptions::new().with_allow_ddl(false).with_allow_dml(false).with_allow_statements(false);
    reading.verify_plan(&plan).map_err(|_| Error::ReadOnly)?;
    refuse(&plan)?;
    Ok(plan)
}

fn too_large(why: &str) -> Error {
    Error::BadQuery { message: format!("the statement is too large: {why}") }
}

/// Looks at the text alone, before anything recurses over it.
fn refuse_large(sql: &str) -> Result<(), Error> {
    if sql.len() > BYTES_MAX {
        return Err(too_large(&format!("it has more than {BYTES_MAX} bytes")));
    }
    let tokens = Tokenizer::new(&GenericDialect {}, sql).tokenize();
    let tokens = tokens.map_err(|error| Error::BadQuery { message: error.to_string() })?;
    if tokens.iter().filter(|token| may_nest(token)).count() > OPERATORS_MAX {
        return Err(too_large(&format!("it has more than {OPERATORS_MAX} operators, brackets and keywords")));
    }
    Ok(())
}

/// Everything but names, values, commas and blanks.
fn may_nest(token: &Token) -> bool {
    match token {
        Token::Word(word) => word.keyword != Keyword::NoKeyword,
        Token::Number(..)
        | Token::SingleQuotedString(_)
        | Token::NationalStringLiteral(_)
        | Token::HexStringLiteral(_)
        | Token::Comma
        | Token::Whitespace(_)
        | Token::EOF => false,
        _ => true,
    }
}

/// How many tables the planner will meet. Each mention of a common table expression is planned anew.
fn n_relations(statement: &Statement) -> usize {
    match statement {
        Statement::Statement(statement) => {
            let mut expressions = TableExpressions::default();
            let _: ControlFlow<()> = statement.visit(&mut expressions);
            expressions.n_relations(&relations(statement.as_ref()))
        }
        Statement::Explain(explain) => n_relations(&explain.statement),
        _ => 0,
    }
}

/// The names of the tables that a part of a statement mentions, as often as it does.
fn relations(part: &impl Visit) -> Vec<String> {
    let mut names = Vec::new();
    let _: ControlFlow<()> = visit_relations(part, |name| {
        names.push(name.to_string().to_lowercase());
        ControlFlow::Continue(())
    });
    names
}

/// Common table expressions anywhere in a statement, and what they mention. Scopes are not told apart:
/// that counts too much where a name means two things, never too little.
#[derive(Default)]
struct TableExpressions {
    mentions: HashMap<String, Vec<String>>,
    sizes: HashMap<String, usize>,
}

impl Visitor for TableExpressions {
    type Break = ();

    fn pre_visit_query(&mut self, query: &ast::Query) -> ControlFlow<()> {
        for expression in query.with.iter().flat_map(|with| &with.cte_tables) {
            let name = expression.alias.name.to_string().to_lowercase();
            self.mentions.entry(name).or_default().extend(relations(&expression.query));
        }
        ControlFlow::Continue(())
    }
}

impl TableExpressions {
    fn n_relations(&mut self, names: &[String]) -> usize {
        names.iter().fold(0, |sum, name| sum.saturating_add(self.size(name)))
    }

    fn size(&mut self, name: &str) -> usize {
        if let Some(size) = self.sizes.get(name) {
            return *size;
        }
        // One that mentions itself is recursive: the inner mention is a plain table.
        self.sizes.insert(name.to_owned(), 1);
        let size = match self.mentions.get(name).cloned() {
            Some(mentions) => self.n_relations(&mentions).max(1),
            None => n_tables(name),
        };
        self.sizes.insert(name.to_owned(), size);
        size
    }
}

/// Tables behind a name that is no common table expression.
fn n_tables(name: &str) -> usize {
    let name = name.rsplit('.').next().unwrap_or_default().trim_matches('"');
    View::from_name(name).map_or(1, View::n_tables)
}

/// Several statements at once are the one mistake whose own message would puzzle.
fn unparsed(error: DataFusionError) -> Error {
    match error.find_root() {
        DataFusionError::NotImplemented(_) => {
            Error::BadQuery { message: "send one statement at a time".to_owned() }
        }
        _ => from_datafusion(error),
    }
}

/// The statements that are known to read; everything else is taken to write.
fn reads_only(statement: &Statement) -> bool {
    match statement {
        Statement::Statement(statement) => matches!(
            **statement,
            ast::Statement::Query(_)
                | ast::Statement::ExplainTable { .. }
                | ast::Statement::ShowCreate { .. }
                | ast::Statement::ShowTables { .. }
                | ast::Statement::ShowColumns { .. }
                | ast::Statement::ShowFunctions { .. }
                | ast::Statement::ShowVariable { .. }
        ),
        Statement::Explain(explain) => reads_only(&explain.statement),
        _ => false,
    }
}

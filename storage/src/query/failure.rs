//! From DataFusion's errors to the engine's: whose fault it is, and what to say.
//!
//! Statements come from outside, so the rule is: what a statement can bring about is its author's to mend, what
//! a disk, a lost task or damaged data brings about is ours. The engine's own statements are told apart by
//! those who ask them, for whom every mistake in a statement is a fault of ours.

use super::memory::refusal;
use super::spill::NoRoom;
use super::stoppable::Stopped;
use crate::error::Error;
use crate::segment::Damage;
use arrow::error::ArrowError;
use datafusion::common::DataFusionError;
use parquet::errors::ParquetError;
use std::io;

/// Sorts an error by who can mend it: the statement's author, the limits, or us.
pub(super) fn from_datafusion(error: DataFusionError) -> Error {
    if let Some(Damage { path, place }) = Damage::beneath(&error) {
        return Error::SegmentDamaged { path, place };
    }
    if let Some(no_room) = NoRoom::beneath(&error) {
        return Error::QueryDisk { message: no_room.to_string() };
    }
    if Stopped::is_beneath(&error) {
        return Error::QueryTimeout;
    }
    match error.find_root() {
        DataFusionError::ResourcesExhausted(text) => Error::QueryMemory { message: refusal(text) },
        // What DataFusion calls a bug of its own is an operation that these types do not have, found late.
        DataFusionError::NotImplemented(_) | DataFusionError::Internal(_) => {
            Error::UnsupportedQuery { message: message(&error) }
        }
        DataFusionError::SQL(..)
        | DataFusionError::Plan(_)
        | DataFusionError::SchemaError(..)
        | DataFusionError::Configuration(_)
        | DataFusionError::Execution(_) => Error::BadQuery { message: message(&error) },
        // Functions give the errors of their own libraries, such as those of regular expressions.
        DataFusionError::ArrowError(..) | DataFusionError::External(_) if !is_ours(&error) => {
            Error::BadQuery { message: message(&error) }
        }
        _ => Error::QueryFailed { source: Box::new(error) },
    }
}

/// Does it come from a disk or from damaged data?
fn is_ours(error: &DataFusionError) -> bool {
    let mut causes = std::iter::successors(Some(error as &dyn std::error::Error), |cause| cause.source());
    causes.any(|cause| {
        cause.is::<io::Error>()
            || cause.is::<object_store::Error>()
            || cause.is::<ParquetError>()
            || cause.downcast_ref::<ArrowError>().is_some_and(is_of_a_file)
    })
}

fn is_of_a_file(error: &ArrowError) -> bool {
    matches!(error, ArrowError::IoError(..) | ArrowError::ParquetError(_) | ArrowError::IpcError(_))
}

/// What DataFusion adds where it takes a statement's mistake for one of its own.
const BUG_REPORT: &str = ".\nThis issue was likely caused by a bug in DataFusion's code. Please help us to resolve \
                          this by filing a bug report in our issue tracker: \
                          https://github.com/apache/datafusion/issues";

/// The innermost message, without the library's own prefixes and backtraces.
fn message(error: &DataFusionError) -> String {
    let root = error.find_root();
    let text = match root {
        DataFusionError::SQL(parser, _) => parser.to_string(),
        DataFusionError::ArrowError(arrow, _) => arrow.to_string(),
        other => other.message().into_owned(),
    };
    let text = text.replace(BUG_REPORT, "");
    let text = text.split("\n\nbacktrace:").next().unwrap_or_default();
    let prefixes = ["sql parser error: ", "Internal error: "];
    prefixes.into_iter().fold(text, |text, prefix| text.trim_start_matches(prefix)).trim().to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;
    use expect_test::{Expect, expect};

    async fn check(sql: &str, expected: Expect) {
        let session = datafusion::prelude::SessionContext::new();
        let error = match session.sql(sql).await {
            Err(error) => error,
            Ok(frame) => frame.collect().await.expect_err("the statement is wrong"),
        };
        let (Error::BadQuery { message } | Error::UnsupportedQuery { message }) = from_datafusion(error)
        else {
            panic!("{sql}: not the author's")
        };
        expected.assert_eq(&message);
    }

    /// Scenario: statements with a mistake of each kind.
    /// Guarantees: the message names the mistake, without the library's prefixes.
    #[tokio::test]
    async fn says_what_is_wrong() {
        check("SELEC 1", expect!["Expected: an SQL statement, found: SELEC at Line: 1, Column: 1"]).await;
        check(
            "SELECT nope FROM (SELECT 1 AS a)",
            expect![[r#"
            No field named nope.
            Valid fields are a."#]],
        )
        .await;
        check("SELECT * FROM nowhere", expect!["table 'datafusion.public.nowhere' not found"]).await;
        check(
            "SELECT no_such_function(1)",
            expect![[r#"
            Invalid function 'no_such_function'.
            Did you mean 'list_union'?"#]],
        )
        .await;
        check("SELECT 1 / 0", expect!["Divide by zero error"]).await;
        check(
            "SELECT CAST('x' AS INT)",
            expect!["Cast error: Cannot cast string 'x' to value of Int32 type"],
        )
        .await;
        check(
            "SELECT 'a' ~ '('",
            expect![[r#"
            regex parse error:
                (
                ^
            error: unclosed group"#]],
        )
        .await;
    }

    /// Scenario: operations that no type, or not this type has.
    /// Guarantees: that is what the message says; nobody is asked to report a bug.
    #[tokio::test]
    async fn says_what_is_not_supported() {
        let ids = "FROM (SELECT arrow_cast(X'5b8e', 'FixedSizeBinary(2)') AS id)";
        check(
            &format!("SELECT count(*) OVER (ORDER BY id) {ids}"),
            expect!["Cannot run range queries on datatype: FixedSizeBinary(2)"],
        )
        .await;
        check(&format!("SELECT sum(id) {ids}"), expect![[r#"
            Function 'sum' failed to match any signature, errors: Error during planning: Function 'sum' requires Decimal, but received FixedSizeBinary(2) (DataType: FixedSizeBinary(2)).,Error during planning: Function 'sum' requires UInt64, but received FixedSizeBinary(2) (DataType: FixedSizeBinary(2)).,Error during planning: Function 'sum' requires Int64, but received FixedSizeBinary(2) (DataType: FixedSizeBinary(2)).,Error during planning: Function 'sum' requires Float64, but received FixedSizeBinary(2) (DataType: FixedSizeBinary(2)).,Error during planning: Function 'sum' requires Duration, but received FixedSizeBinary(2) (DataType: FixedSizeBinary(2)).,Error during planning: Function 'sum' requires Interval, but received FixedSizeBinary(2) (DataType: FixedSizeBinary(2)).. No function matches the given name and argument types 'sum(FixedSizeBinary(2))'. You might need to add explicit type casts.
            	Candidate functions:
            	sum(Decimal)
            	sum(UInt64)
            	sum(Int64)
            	sum(Float64)
            	sum(Duration)
            	sum(Interval)"#]]).await;
        check("SELECT min(map(['a'], [1]))", expect![[r#"Min/Max accumulator not implemented for type Map("entries": non-null Struct("key": non-null Utf8, "value": Int64), unsorted)"#]]).await;
    }

    /// Scenario: the memory pool refuses, wrapped in contexts; the disk fails.
    /// Guarantees: neither is blamed on the statement.
    #[test]
    fn tells_limits_and_faults_from_mistakes() {
        let exhausted = DataFusionError::ResourcesExhausted("no more".to_owned());
        let wrapped = DataFusionError::Context("while sorting".to_owned(), Box::new(exhausted));
        assert!(matches!(from_datafusion(wrapped), Error::QueryMemory { .. }));
        let unplugged = || io::Error::other("unplugged");
        let damaged = || ParquetError::General("no footer".to_owned());
        for fault in [
            DataFusionError::IoError(unplugged()),
            DataFusionError::External(Box::new(unplugged())),
            DataFusionError::External(Box::new(damaged())),
            DataFusionError::ParquetError(Box::new(damaged())),
            ArrowError::from_external_error(Box::new(unplugged())).into(),
            ArrowError::IoError("read".to_owned(), unplugged()).into(),
            ArrowError::ParquetError("no footer".to_owned()).into(),
        ] {
            let text = fault.to_string();
            assert!(matches!(from_datafusion(fault), Error::QueryFailed { .. }), "{text}");
        }
    }
}

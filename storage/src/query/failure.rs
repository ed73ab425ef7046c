//! From DataFusion's errors to the engine's: whose fault it is, and what to say.

use crate::error::Error;
use datafusion::common::DataFusionError;

/// Sorts an error by who can mend it: the statement's author, the limits, or us.
pub(super) fn from_datafusion(error: DataFusionError) -> Error {
    match error.find_root() {
        DataFusionError::ResourcesExhausted(_) => Error::QueryMemory,
        DataFusionError::SQL(..)
        | DataFusionError::Plan(_)
        | DataFusionError::SchemaError(..)
        | DataFusionError::NotImplemented(_)
        | DataFusionError::Configuration(_)
        | DataFusionError::Execution(_)
        | DataFusionError::ArrowError(..) => Error::BadQuery { message: message(&error) },
        _ => Error::QueryFailed { source: Box::new(error) },
    }
}

/// The innermost message, without the library's own prefixes and backtraces.
fn message(error: &DataFusionError) -> String {
    let root = error.find_root();
    let text = match root {
        DataFusionError::SQL(parser, _) => parser.to_string(),
        DataFusionError::ArrowError(arrow, _) => arrow.to_string(),
        other => other.message().into_owned(),
    };
    let text = text.split("\n\nbacktrace:").next().unwrap_or_default();
    text.trim_start_matches("sql parser error: ").trim().to_owned()
}

#[cfg(test)]
mod tests {
    use super::from_datafusion;
    use crate::error::Error;
    use datafusion::common::DataFusionError;
    use expect_test::{Expect, expect};

    async fn check(sql: &str, expected: Expect) {
        let session = datafusion::prelude::SessionContext::new();
        let error = match session.sql(sql).await {
            Err(error) => error,
            Ok(frame) => frame.collect().await.expect_err("the statement is wrong"),
        };
        let Error::BadQuery { message } = from_datafusion(error) else { panic!("{sql}: not the author's") };
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
    }

    /// Scenario: the memory pool refuses, wrapped in contexts; the disk fails.
    /// Guarantees: neither is blamed on the statement.
    #[test]
    fn tells_limits_and_faults_from_mistakes() {
        let exhausted = DataFusionError::ResourcesExhausted("no more".to_owned());
        let wrapped = DataFusionError::Context("while sorting".to_owned(), Box::new(exhausted));
        assert!(matches!(from_datafusion(wrapped), Error::QueryMemory));
        let disk = DataFusionError::IoError(std::io::Error::other("unplugged"));
        assert!(matches!(from_datafusion(disk), Error::QueryFailed { .. }));
    }
}

//! An error in one line, for logs and for people.

use std::error::Error;

/// The error and what caused it, each after a colon.
pub(crate) fn with_causes(error: &dyn Error) -> String {
    let causes = std::iter::successors(error.source(), |cause: &&dyn Error| (*cause).source());
    causes.fold(error.to_string(), |text, cause| format!("{text}: {cause}"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io;

    #[derive(Debug, thiserror::Error)]
    #[error("cannot open the file")]
    struct Outer(#[source] io::Error);

    /// Scenario: an error with a cause, and one without.
    /// Guarantees: causes follow the error, in one line.
    #[test]
    fn causes_follow() {
        assert_eq!(with_causes(&Outer(io::Error::other("gone"))), "cannot open the file: gone");
        assert_eq!(with_causes(&io::Error::other("gone")), "gone");
    }
}

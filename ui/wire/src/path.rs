//! Names as one part of a path.
//!
//! Browsers take `.` and `..` for steps of a path, however they are encoded, and drop nothing into nothing.
//! These names are written `~.`, `~..` and `~`, and those that look like one of them get one more `~`.

/// Stands before a name that a path cannot hold as it is.
const KEEPER: char = '~';

/// A name as a path holds it, before percent-encoding.
pub fn name_to_path(name: &str) -> String {
    if is_kept(name) { format!("{KEEPER}{name}") } else { name.to_owned() }
}

/// The name that a part of a path stands for, after percent-decoding.
pub fn name_from_path(part: &str) -> &str {
    part.strip_prefix(KEEPER).filter(|name| is_kept(name)).unwrap_or(part)
}

/// Names of up to two dots, and those that would be read as one of them.
fn is_kept(name: &str) -> bool {
    matches!(name.trim_start_matches(KEEPER), "" | "." | "..")
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Scenario: names that a path cannot hold, names like their spelling, and others.
    /// Guarantees: each comes back, and no two are written alike.
    #[test]
    fn names_come_back() {
        let names = ["", ".", "..", "~", "~.", "~~..", "...", "~x", ".hidden", "a/b"];
        let written: std::collections::BTreeSet<_> = names.iter().map(|name| name_to_path(name)).collect();
        assert_eq!(written.len(), names.len());
        for name in names {
            assert_eq!(name_from_path(&name_to_path(name)), name);
        }
        assert_eq!(name_to_path(".."), "~..");
        assert_eq!([name_from_path("~x"), name_from_path("..")], ["~x", ".."]);
    }
}

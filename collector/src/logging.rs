//! Our own log: one line an event, on standard error.
//!
//! `FIRSTFAULT_LOG` filters (`info`, `collector=debug`), `FIRSTFAULT_LOG_FORMAT` is `text` or `json`.
//! Values often come from telemetry, so no control character leaves here unescaped: a span name can
//! neither move the cursor of a terminal nor forge a line.

use std::io::{self, Write};
use tracing_subscriber::EnvFilter;
use tracing_subscriber::fmt::MakeWriter;

/// DataFusion and the HTTP libraries describe each step they take at INFO and below.
const DEFAULT_FILTER: &str = "warn,collector=info,storage=info,alerts=info,triage=info,firstfault=info";

/// Why logging could not start.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Error {
    #[error("FIRSTFAULT_LOG_FORMAT is {value:?}: write \"text\" or \"json\"")]
    Format { value: String },
    #[error(
        "FIRSTFAULT_LOG is {value:?}: write a level such as \"info\" or pairs such as \"collector=debug\""
    )]
    Filter { value: String },
}

/// Starts the process's log. A second call changes nothing, so that tests may share a process.
pub(crate) fn init(filter: Option<&str>, format: Option<&str>) -> Result<(), Error> {
    let value = filter.filter(|text| !text.is_empty()).unwrap_or(DEFAULT_FILTER);
    let filter = EnvFilter::try_new(value).map_err(|_| Error::Filter { value: value.to_owned() })?;
    let base =
        tracing_subscriber::fmt().with_env_filter(filter).with_writer(Printable(io::stderr)).with_ansi(false);
    let started = match format.unwrap_or("text") {
        "text" => base.try_init(),
        "json" => base.json().flatten_event(true).try_init(),
        other => return Err(Error::Format { value: other.to_owned() }),
    };
    drop(started);
    Ok(())
}

/// Wraps a writer factory so that each line is made printable.
#[derive(Debug, Clone, Copy)]
struct Printable<M>(M);

impl<'a, M: MakeWriter<'a>> MakeWriter<'a> for Printable<M> {
    type Writer = PrintableWriter<M::Writer>;

    fn make_writer(&'a self) -> Self::Writer {
        PrintableWriter(self.0.make_writer())
    }
}

/// Takes one whole event at each `write`, as the formatter hands them over.
#[derive(Debug)]
struct PrintableWriter<W>(W);

impl<W: Write> Write for PrintableWriter<W> {
    fn write(&mut self, event: &[u8]) -> io::Result<usize> {
        // Whoever read the log may have gone, and there is nobody left to tell: the server goes on.
        self.0.write_all(printable_line(&String::from_utf8_lossy(event)).as_bytes()).ok();
        Ok(event.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        self.0.flush().ok();
        Ok(())
    }
}

/// The text with every control character escaped, but for the line feed at its end.
fn printable_line(event: &str) -> String {
    let (text, end) = event.strip_suffix('\n').map_or((event, ""), |text| (text, "\n"));
    let mut line = String::with_capacity(event.len());
    for c in text.chars() {
        if c.is_control() {
            line.extend(c.escape_default());
        } else {
            line.push(c);
        }
    }
    line + end
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Scenario: telemetry text with line feeds, colours and a cursor movement is logged.
    /// Guarantees: one event stays one line, and nothing reaches the terminal as a control character.
    #[test]
    fn hostile_text_stays_on_its_line() {
        let mut out = Vec::new();
        let event = "INFO got name=a\nERROR forged\x1b[2J\u{9b}\r\n";
        let n = PrintableWriter(&mut out).write(event.as_bytes()).expect("in memory");
        assert_eq!(n, event.len());
        let line = String::from_utf8(out).expect("text");
        assert_eq!(line, "INFO got name=a\\nERROR forged\\u{1b}[2J\\u{9b}\\r\n");
    }

    /// Scenario: settings of the log that mean nothing.
    /// Guarantees: each is refused by name and value.
    #[test]
    fn refuses_unknown_settings() {
        let format = init(None, Some("yaml")).expect_err("refused");
        assert_eq!(format.to_string(), "FIRSTFAULT_LOG_FORMAT is \"yaml\": write \"text\" or \"json\"");
        assert!(init(Some("a=b=c"), None).expect_err("refused").to_string().contains("a=b=c"));
    }
}

//! Units in Prometheus' words as UCUM has them, which is what OTLP uses.

/// `bytes_per_second` becomes `By/s`; words that are not known stay as they are.
pub(super) fn from_prometheus(unit: &str) -> String {
    match unit.split_once("_per_") {
        Some((above, below)) => format!("{}/{}", plural(above), singular(below)),
        None => plural(unit).to_owned(),
    }
}

/// Below a line units are in the singular.
fn singular(unit: &str) -> &str {
    match unit {
        "second" => "s",
        "minute" => "min",
        "hour" => "h",
        "day" => "d",
        "week" => "wk",
        "month" => "mo",
        "year" => "a",
        _ => unit,
    }
}

fn plural(unit: &str) -> &str {
    match unit {
        "days" => "d",
        "hours" => "h",
        "minutes" => "min",
        "seconds" => "s",
        "milliseconds" => "ms",
        "microseconds" => "us",
        "nanoseconds" => "ns",
        "bytes" => "By",
        "kibibytes" => "KiBy",
        "mebibytes" => "MiBy",
        "gibibytes" => "GiBy",
        "tebibytes" => "TiBy",
        "kilobytes" => "kBy",
        "megabytes" => "MBy",
        "gigabytes" => "GBy",
        "terabytes" => "TBy",
        "meters" => "m",
        "volts" => "V",
        "amperes" => "A",
        "joules" => "J",
        "watts" => "W",
        "grams" => "g",
        "celsius" => "Cel",
        "hertz" => "Hz",
        "percent" => "%",
        "ratio" => "1",
        _ => unit,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Scenario: words for units, a quotient, an unknown word, nothing.
    /// Guarantees: known words are translated, others kept.
    #[test]
    fn words_become_symbols() {
        let cases = [
            ("seconds", "s"),
            ("bytes", "By"),
            ("ratio", "1"),
            ("bytes_per_second", "By/s"),
            ("requests_per_minute", "requests/min"),
            ("pages", "pages"),
            ("", ""),
        ];
        for (word, symbol) in cases {
            assert_eq!(from_prometheus(word), symbol);
        }
    }
}

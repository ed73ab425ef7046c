//! What the report says of the data that was measured on.

use crate::args::Args;
use crate::fill::Store;
use crate::report::Report;
use storage::Table;

pub(crate) fn sizes(report: &mut Report, workload: &str, store: &Store) {
    let filled = &store.filled;
    let budget = if workload == "ten attributes" { "<= 24 B" } else { "" };
    let rows = [
        ("span", filled.n_spans, filled.bytes_of("spans"), budget),
        ("log record", filled.n_logs, filled.bytes_of("logs"), ""),
        ("data point", filled.n_points, filled.bytes_of("metric_points"), ""),
    ];
    for (item, n, n_bytes, budget) in rows.into_iter().filter(|(_, n, ..)| *n > 0) {
        let what = format!("disk per {item}, {workload}, compacted");
        report.figure(what, "B", n_bytes as f64 / n.max(1) as f64, budget);
    }
    let read_models: u64 = Table::read_models().map(|table| filled.bytes_of(table.name())).sum();
    let read_models = read_models as f64 / filled.n_spans.max(1) as f64;
    report.figure(format!("read models per span, {workload}"), "B", read_models, "");
    let amplification = filled.n_bytes_merged as f64 / filled.n_bytes_flushed.max(1) as f64;
    report.figure(format!("bytes written again by merges, {workload}"), "x", amplification, "");
    let rate = filled.n_items() as f64 / filled.seconds;
    report.figure(format!("made and filled with, {workload}"), "items/s", rate, "");
}

pub(crate) fn print(report: &Report, args: &Args, stores: &[&Store], load_averages: [f64; 2]) {
    let of_store = |Store { dir, filled }: &&Store| {
        let name = dir.file_name().unwrap_or_default().to_string_lossy();
        format!(
            "{name}: {} spans, {} logs, {} points, written by {}",
            filled.n_spans, filled.n_logs, filled.n_points, filled.commit
        )
    };
    let mut notes: Vec<String> = stores.iter().map(of_store).collect();
    if stores.iter().any(|store| store.filled.commit != args.commit) {
        notes.push("NOTE: the data was made by another version; --fresh makes it again".to_owned());
    }
    report.print(&format!("storage at {}; {} runs", args.commit, args.n_runs), &notes, load_averages);
}

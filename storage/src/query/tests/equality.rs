//! Random rows of every column give the same answers from every place, for every table and view.

use super::engines::{Data, everywhere};
use super::rows::millis;
use super::{query, table};
use crate::engine::Engine;
use crate::ids::{Signal, Table};
use crate::query::views::View;
use crate::schema;
use arrow::datatypes::{DataType, Field, SchemaRef};
use rand::rngs::StdRng;
use rand::seq::IndexedRandom;
use rand::{Rng, SeedableRng};
use serde_json::{Map, Value, json};

/// Data sets; `FIRSTFAULT_SIM_SEED` repeats one.
const N_SEEDS: u64 = 6;
/// Rows of a signal, at most; the least gives frequent keys no columns, the most does.
const N_ROWS_MAX: usize = 160;

const TEXTS: [&str; 8] =
    ["", "a", "GET /", "it's \"odd\"", "Stra\u{df}e \u{65e5}\u{672c}", "\u{1b}[31m\n", "%_\\", "0x7f"];
const KEYS: [&str; 8] =
    ["http.route", "http.response.status_code", "n", "n:int", "ratio", "", "it's", "\u{65e5}\u{672c}"];
const KINDS: [&str; 6] = ["unspecified", "internal", "server", "client", "producer", "consumer"];
const TYPES: [&str; 5] = ["gauge", "sum", "histogram", "exponential_histogram", "summary"];

/// A row of a table whose columns have values of their types; ids and names come from a few, so that they meet.
fn row(rng: &mut StdRng, signal: Signal) -> Value {
    let schema = schema::of(signal);
    let mut row = Map::new();
    for field in schema.fields() {
        row.insert(field.name().clone(), value(rng, field));
    }
    for map in ["attributes", "resource", "scope"] {
        let (entries, types) = attributes(rng);
        row.insert(map.to_owned(), entries);
        row.insert(format!("{map}_types"), types);
    }
    if signal == Signal::Traces && rng.random_bool(0.8) {
        let int = |name: &str| row[name].as_i64().expect("a number");
        let duration = int("end_time").saturating_sub(int("start_time")).max(0);
        row.insert("duration_ns".to_owned(), json!(duration));
    }
    Value::Object(row)
}

/// Makes the promoted columns what the attributes say, as they mostly are.
fn promote(rng: &mut StdRng, signal: Signal, row: &mut Value) {
    row["resource"]["service.name"] = row["service"].clone();
    if signal != Signal::Traces {
        return;
    }
    row["http_route"] = row["attributes"].get("http.route").cloned().unwrap_or_default();
    let status = rng.random_range(200..600_i64);
    let has_status = row["attributes"].get("http.response.status_code").is_some();
    row["http_response_status_code"] = if has_status { json!(status) } else { Value::Null };
    if has_status {
        row["attributes"]["http.response.status_code"] = json!(status.to_string());
    }
}

fn value(rng: &mut StdRng, field: &Field) -> Value {
    if field.is_nullable() && rng.random_bool(0.3) {
        return Value::Null;
    }
    match (field.name().as_str(), field.data_type()) {
        ("kind", _) => json!(KINDS.choose(rng)),
        ("type", _) => json!(TYPES.choose(rng)),
        ("service", _) => json!(format!("service-{}", rng.random_range(0..3))),
        (_, data_type) => of_type(rng, data_type),
    }
}

fn of_type(rng: &mut StdRng, data_type: &DataType) -> Value {
    match data_type {
        DataType::Utf8 => json!(TEXTS.choose(rng)),
        DataType::Boolean => json!(rng.random_bool(0.5)),
        DataType::Float64 => json!(f64::from(rng.random_range(-8..8)) / 4.0),
        DataType::Timestamp(..) => json!(millis(rng.random_range(0..30_000))),
        DataType::FixedSizeBinary(n) => {
            let (n, id) = (*n as usize, rng.random_range(1..9_u8));
            json!(format!("{id:02x}{}", "5a".repeat(n - 1)))
        }
        DataType::Map(..) => attributes(rng).0,
        DataType::List(item) => {
            let n = rng.random_range(0..4);
            (0..n).map(|_| of_type(rng, item.data_type())).collect()
        }
        DataType::Struct(fields) => {
            let fields = fields.iter().map(|field| (field.name().clone(), value(rng, field)));
            Value::Object(fields.collect())
        }
        _ => json!(rng.random_range(0..600)),
    }
}

/// A map and the letters of its types.
fn attributes(rng: &mut StdRng) -> (Value, Value) {
    let (mut entries, mut types) = (Map::new(), String::new());
    for key in KEYS {
        if rng.random_bool(0.4) {
            continue;
        }
        let (letter, text) = match rng.random_range(0..5) {
            0 => ('i', rng.random_range(-3..900).to_string()),
            1 => ('d', (f64::from(rng.random_range(1..9)) + 0.5).to_string()),
            2 => ('b', "true".to_owned()),
            3 => ('s', "007".to_owned()),
            _ => ('s', (*TEXTS.choose(rng).expect("some")).to_owned()),
        };
        entries.insert(key.to_owned(), json!(text));
        types.push(letter);
    }
    (Value::Object(entries), json!(types))
}

fn data(seed: u64) -> Data {
    let mut rng = StdRng::seed_from_u64(seed);
    let mut rows = |signal| -> Vec<Value> {
        let n = rng.random_range(2..N_ROWS_MAX);
        let mut rows: Vec<Value> = (0..n).map(|_| row(&mut rng, signal)).collect();
        if seed.is_multiple_of(2) {
            rows.iter_mut().for_each(|row| promote(&mut rng, signal, row));
        }
        // A single row, in one half, for which this is not so.
        if seed.is_multiple_of(4) && signal == Signal::Traces {
            rows[0]["http_route"] = json!("another");
        }
        rows
    };
    Data { spans: rows(Signal::Traces), logs: rows(Signal::Logs), points: rows(Signal::Metrics) }
}

/// Everything of every table and view, and what prunes, narrows and groups.
fn statements() -> Vec<String> {
    let raw = Signal::ALL.map(|signal| Table::from(signal).name());
    let all = raw.into_iter().chain(View::ALL.map(View::name));
    let mut statements: Vec<String> = all.map(|name| format!("SELECT * FROM {name}")).collect();
    statements.extend(
        [
            "SELECT service, operation, bucket, sum(n_spans), sum(n_errors), hdr_quantile(duration_hdr, 0.5), \
             hdr_quantile(duration_hdr, 0.99) FROM red GROUP BY service, operation, bucket",
            "SELECT span_id, name FROM spans WHERE parent_span_id IS NULL",
            "SELECT count(*), min(end_time), max(end_time) FROM spans WHERE parent_span_id = span_id",
            "SELECT name FROM spans WHERE end_time < start_time OR duration_ns > 10000000000",
            "SELECT hex(trace_id), count(*), max(end_time) - min(start_time) FROM spans GROUP BY trace_id",
            "SELECT a.name, b.name FROM spans a JOIN spans b ON a.trace_id = b.trace_id AND a.span_id = b.parent_span_id",
            "SELECT count(*) FROM logs WHERE observed_time >= time",
            "SELECT body, observed_time FROM logs WHERE observed_time IS NULL OR trace_id IS NULL",
            "SELECT attributes['http.route'], http_route, count(*) FROM spans GROUP BY 1, 2",
            "SELECT count(*), max(http_route) FROM spans WHERE attributes['http.route'] = 'GET /'",
            "SELECT count(*) FROM spans WHERE attributes['http.route'] IS NULL OR has_attribute(attributes, 'http.route', '')",
            "SELECT count(*), min(attributes['http.response.status_code']) FROM spans \
             WHERE attribute_int(attributes, 'http.response.status_code') >= 400",
            "SELECT span_id, attribute_double(attributes, 'http.response.status_code') FROM spans \
             WHERE NOT (attributes['http.response.status_code'] = '404')",
            "SELECT service, resource['service.name'], count(*) FROM spans WHERE resource['service.name'] <> 'service-1' GROUP BY 1, 2",
            "SELECT body, resource FROM logs WHERE has_attribute(resource, 'service.name', 'service-2')",
            "SELECT attributes['n'], attribute_int(attributes, 'n'), count(*) FROM logs GROUP BY 1, 2",
            "SELECT name, type, count(*), min(time) FROM metric_points WHERE attributes['ratio'] IS NOT NULL GROUP BY 1, 2",
        ]
        .map(str::to_owned),
    );
    statements
}

/// Scenario: random rows with all columns filled are in memory, in segments, in merged ones, replayed from the log
/// and read after a restart.
/// Guarantees: every statement over every table and view has the same rows as its answer everywhere.
#[tokio::test]
async fn answers_do_not_depend_on_the_place_of_rows() {
    let seeds = match std::env::var("FIRSTFAULT_SIM_SEED") {
        Ok(seed) => vec![seed.parse().expect("FIRSTFAULT_SIM_SEED is a number")],
        Err(_) => (0..N_SEEDS).collect(),
    };
    let (is_one_seed, mut n_told) = (seeds.len() == 1, 0);
    for seed in seeds {
        let stored = everywhere(&data(seed)).await;
        for sql in statements() {
            let (first, others) = stored.split_first().expect("several places");
            let expected = sorted(&first.engine, &sql).await;
            for other in others {
                let found = sorted(&other.engine, &sql).await;
                assert!(
                    found == expected,
                    "FIRSTFAULT_SIM_SEED={seed}: {}: {sql}\n{expected:#?}\n{found:#?}",
                    other.place
                );
            }
        }
        let schemas = stored.iter().flat_map(|stored| stored.schemas(Table::Spans));
        n_told += schemas.filter(is_route_told).count();
        let n_rows = query(&stored[0].engine, "SELECT * FROM span_links").await.expect("rows");
        assert!(
            n_rows.iter().any(|batch| batch.num_rows() > 0),
            "FIRSTFAULT_SIM_SEED={seed}: the rows have no links"
        );
    }
    assert!(is_one_seed || n_told > 0, "no segment leaves an attribute to its promoted column");
}

fn is_route_told(file: &SchemaRef) -> bool {
    let told = file.metadata().get("firstfault.told");
    told.is_some_and(|told| told.contains(r#""attributes.http.route":["http_route",true]"#))
}

/// The lines of an answer, which does not come in any order.
async fn sorted(engine: &Engine, sql: &str) -> Vec<String> {
    let mut lines: Vec<String> = table(engine, sql).await.lines().map(str::to_owned).collect();
    lines.sort_unstable();
    lines
}

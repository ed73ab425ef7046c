//! Reading back what was sent, from a Firstfault API. Without one, lines that need it are skipped.

use crate::outcome::{Stop, demand, fail, skip};
use crate::target::{Address, Target};
use crate::wire::Encoding;
use crate::wire::http::{Answer, Call};
use http::Method;
use serde_json::{Value, json};
use std::time::Duration;
use tokio::time::{MissedTickBehavior, interval};

/// Questions about the same rows, `PAUSE` apart, until what was acknowledged is to be seen.
const ATTEMPTS: usize = 40;
const PAUSE: Duration = Duration::from_millis(100);

/// The rows of a statement, once there are so many; else those that there are after a while.
pub(crate) async fn rows(target: &Target, sql: &str, n_wanted: usize) -> Result<Vec<Vec<Value>>, Stop> {
    let mut pause = interval(PAUSE);
    pause.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let mut rows = Vec::new();
    for _ in 0..ATTEMPTS {
        pause.tick().await;
        rows = ask(target, sql).await?;
        if rows.len() >= n_wanted {
            break;
        }
    }
    Ok(rows)
}

/// Fails unless a table has exactly so many rows of a service.
pub(crate) async fn stored(target: &Target, table: &str, service: &str, n_wanted: usize) -> Result<(), Stop> {
    let sql = format!("SELECT service FROM {table} WHERE service = '{service}' LIMIT {}", n_wanted + 100);
    let n_stored = rows(target, &sql, n_wanted).await?.len();
    demand(n_stored == n_wanted, || format!("{n_stored} rows in {table} instead of {n_wanted}"))
}

/// As text, to find in it what was sent.
pub(crate) async fn shown(target: &Target, sql: &str, n_wanted: usize) -> Result<String, Stop> {
    let rows = rows(target, sql, n_wanted).await?;
    demand(rows.len() == n_wanted, || format!("{} rows instead of {n_wanted}", rows.len()))?;
    Ok(Value::from_iter(rows).to_string())
}

/// `GET` of a JSON document of the API.
pub(crate) async fn document(target: &Target, path: &str) -> Result<Value, Stop> {
    let answer = Call::new(Method::GET, path).send_to(api(target)?, target.headers()).await?;
    read(&answer)
}

/// `GET` of a text, such as `/metrics`.
pub(crate) async fn page(target: &Target, path: &str) -> Result<String, Stop> {
    let answer = Call::new(Method::GET, path).send_to(api(target)?, target.headers()).await?;
    demand(answer.status == 200, || format!("{path} answered {}", answer.status))?;
    Ok(String::from_utf8_lossy(&answer.body).into_owned())
}

fn api(target: &Target) -> Result<&Address, Stop> {
    match target.query() {
        Some(address) => Ok(address),
        None => skip("not refused, and there is nothing to read it back from: give --query"),
    }
}

async fn ask(target: &Target, sql: &str) -> Result<Vec<Vec<Value>>, Stop> {
    let body = json!({ "sql": sql }).to_string();
    let call = Call::post("/api/v1/sql", Encoding::Json, body);
    let answer = read(&call.send_to(api(target)?, target.headers()).await?)?;
    let rows = answer["rows"].as_array().into_iter().flatten();
    Ok(rows.map(|row| row.as_array().cloned().unwrap_or_default()).collect())
}

fn read(answer: &Answer) -> Result<Value, Stop> {
    let text = || String::from_utf8_lossy(&answer.body).into_owned();
    demand(answer.status == 200, || format!("the API answered {}: {}", answer.status, text()))?;
    serde_json::from_slice(&answer.body).or_else(|error| fail(format!("the API answered no JSON: {error}")))
}

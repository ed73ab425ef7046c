//! Local only.
use arrow::array::RecordBatch;
use std::path::Path;
use triage::*;

fn read(path: &Path) -> Vec<RecordBatch> {
    let Ok(file) = std::fs::File::open(path) else { return Vec::new() };
    arrow::ipc::reader::FileReader::try_new(file, None).unwrap().map(|b| b.unwrap()).collect()
}

#[test]
fn replay() {
    let Ok(dir) = std::env::var("REPLAY") else { return };
    let mut cases: Vec<_> = std::fs::read_dir(dir).unwrap().map(|e| e.unwrap().path()).collect();
    cases.sort();
    let (mut n, mut hit1, mut hit5) = (0, 0, 0);
    for case in cases {
        let meta: serde_json::Value =
            serde_json::from_slice(&std::fs::read(case.join("meta.json")).unwrap()).unwrap();
        let w =
            |v: &serde_json::Value| Window { from_ns: v[0].as_i64().unwrap(), to_ns: v[1].as_i64().unwrap() };
        let (spans, logs, metrics) = (
            read(&case.join("spans.arrow")),
            read(&case.join("logs.arrow")),
            read(&case.join("metrics.arrow")),
        );
        let baselines: Vec<Window> = meta["baselines"].as_array().unwrap().iter().map(w).collect();
        let calls: Vec<Call> = meta["calls"]
            .as_array()
            .map(|c| {
                c.iter()
                    .map(|e| Call {
                        caller: e[0].as_str().unwrap().into(),
                        callee: e[1].as_str().unwrap().into(),
                    })
                    .collect()
            })
            .unwrap_or_default();
        let scope = Scope {
            service: meta["target"].as_str().map(str::to_owned),
            operation: None,
            symptom: meta["symptom"]
                .as_str()
                .map(|s| if s == "latency" { Symptom::Latency } else { Symptom::Availability }),
        };
        let input = TriageInput {
            spans: &spans,
            logs: &logs,
            metrics: &metrics,
            calls: &calls,
            window: w(&meta["window"]),
            baselines: &baselines,
            asked_at_ns: meta["asked_at"].as_i64().unwrap(),
            scope: &scope,
        };
        #[allow(clippy::disallowed_methods)]
        let t = std::time::Instant::now();
        let tables = Tables::read(&input, &Limits::default()).unwrap();
        let t1 = t.elapsed();
        let e = errors(&input, &tables);
        let t2 = t.elapsed();
        let _ = flow(&input, &tables, &Limits::default(), &e.explained);
        let t3 = t.elapsed();
        let _ = latency(&input, &tables);
        let t4 = t.elapsed();
        let f = findings(&input, &tables, &Limits::default());
        let r = rank(&tables, &f);
        let t5 = t.elapsed();
        let services: Vec<_> = r.suspects.iter().filter(|s| s.kind == SuspectKind::Service).collect();
        let cause = meta["cause"].as_str().unwrap();
        let at = services.iter().position(|s| s.name == cause).map_or(99, |p| p + 1);
        n += 1;
        hit1 += usize::from(at == 1);
        hit5 += usize::from(at <= 5);
        println!(
            "{} {} {} rank {at} {:?} spans {} read {t1:?} err {:?} flow {:?} lat {:?} all {t5:?}",
            case.file_name().unwrap().to_string_lossy(),
            cause,
            meta["type"],
            r.verdict,
            tables.traces.spans().len(),
            t2 - t1,
            t3 - t2,
            t4 - t3
        );
        for s in services.iter().take(4) {
            let part = |k: &[EvidenceKind]| {
                s.evidence.iter().filter(|e| k.contains(&e.kind)).map(|e| e.weight).sum::<f64>()
            };
            println!(
                "   {:32} {:.2} F {:.2} E {:.2} L {:.2} S {:.2} R {:.2}",
                s.name,
                s.score,
                part(&[EvidenceKind::Flow]),
                part(&[EvidenceKind::Errors]),
                part(&[EvidenceKind::OwnTime, EvidenceKind::CallTime]),
                part(&[EvidenceKind::Saturation]),
                part(&[EvidenceKind::Excess])
            );
        }
        if let Some(s) = services.first() {
            for e in s.evidence.iter().take(4) {
                println!("      {:.2} {}", e.weight, e.sentence);
            }
        }
    }
    println!("TOTAL {n} hit1 {hit1} hit5 {hit5}");
}

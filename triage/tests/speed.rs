use arrow::array::*;
use std::sync::Arc;
use triage::*;
#[test]
fn speed() {
    if std::env::var("SPEED").is_err() {
        return;
    }
    let n: usize = 1_000_000;
    let per = 8usize;
    let ms = 1_000_000i64;
    let mut batches = Vec::new();
    let text = |f: &dyn Fn(usize) -> String, r: std::ops::Range<usize>| -> ArrayRef {
        Arc::new(r.map(|i| Some(f(i))).collect::<StringArray>())
    };
    let idb = |f: &dyn Fn(usize) -> Vec<u8>, len, r: std::ops::Range<usize>| -> ArrayRef {
        let mut b = FixedSizeBinaryBuilder::new(len);
        for i in r {
            b.append_value(f(i)).unwrap();
        }
        Arc::new(b.finish())
    };
    let mixed = |t: usize| (t as u128).wrapping_mul(0x9e3779b97f4a7c15f39cc0605cedc835);
    for from in (0..n).step_by(8192) {
        let r = from..(from + 8192).min(n);
        let start = |i: usize| (i / per) as i64 * 10 * ms + (i % per) as i64 * ms;
        let mut res = MapBuilder::new(None, StringBuilder::new(), StringBuilder::new());
        for i in r.clone() {
            for k in [
                "service.name",
                "service.version",
                "telemetry.sdk.name",
                "telemetry.sdk.language",
                "telemetry.sdk.version",
                "host.name",
                "os.type",
                "process.pid",
            ] {
                res.keys().append_value(k);
                res.values().append_value(format!("value-{}", i % 20));
            }
            res.append(true).unwrap();
        }
        batches.push(
            RecordBatch::try_from_iter(vec![
                ("trace_id", idb(&|i| mixed(i / per + 1).to_be_bytes().to_vec(), 16, r.clone())),
                ("span_id", idb(&|i| (i as u64 + 1).to_be_bytes().to_vec(), 8, r.clone())),
                (
                    "parent_span_id",
                    idb(
                        &|i| {
                            if i % per == 0 {
                                vec![0; 8]
                            } else {
                                ((i - i % per + (i % per - 1) / 2) as u64 + 1).to_be_bytes().to_vec()
                            }
                        },
                        8,
                        r.clone(),
                    ),
                ),
                ("name", text(&|i| format!("GET /api/operation/{}", (i * 7) % 160), r.clone())),
                ("kind", text(&|i| ["server", "client", "internal"][i % 3].to_string(), r.clone())),
                (
                    "start_time",
                    Arc::new(TimestampNanosecondArray::from_iter_values(r.clone().map(start))) as ArrayRef,
                ),
                (
                    "end_time",
                    Arc::new(TimestampNanosecondArray::from_iter_values(
                        r.clone().map(|i| start(i) + 9 * ms + (i as i64 * 7919) % ms),
                    )) as ArrayRef,
                ),
                (
                    "is_error",
                    Arc::new(r.clone().map(|i| Some(i % 97 == 0)).collect::<BooleanArray>()) as ArrayRef,
                ),
                (
                    "status_message",
                    text(
                        &|i| if i % 97 == 0 { format!("failed with code {i}") } else { String::new() },
                        r.clone(),
                    ),
                ),
                ("service", text(&|i| format!("service-{}", i % per), r.clone())),
                ("service_version", text(&|i| format!("1.{}", i % 2), r.clone())),
                (
                    "service_instance_id",
                    text(&|i| format!("service-{}-instance-{}", i % per, (i / 64) % 3), r.clone()),
                ),
                ("resource", Arc::new(res.finish()) as ArrayRef),
            ])
            .unwrap(),
        );
    }
    let end = (n / per) as i64 * 10 * ms;
    let window = Window { from_ns: end / 2, to_ns: end };
    let baselines = [Window { from_ns: 0, to_ns: end / 2 }];
    let scope = Scope::default();
    let input = TriageInput {
        spans: &batches,
        logs: &[],
        metrics: &[],
        calls: &[],
        window,
        baselines: &baselines,
        asked_at_ns: end,
        scope: &scope,
    };
    for _ in 0..2 {
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
        let t5 = t.elapsed();
        let r = rank(&tables, &f);
        println!(
            "read {t1:?} errors {:?} flow {:?} latency {:?} findings {:?} rank {:?} {:?}",
            t2 - t1,
            t3 - t2,
            t4 - t3,
            t5 - t4,
            t.elapsed() - t5,
            r.verdict
        );
    }
}

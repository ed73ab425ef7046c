//! What the pages of the dashboard ask, each of another service every time.

use crate::landscape::{Shape, operation_name, service_name};
use serde_json::Value;

/// What a page that people wait for may take, of the slowest hundredth.
const PAGE_BUDGET: &str = "p99 <= 50 ms";
/// What the API gives where no limit is asked for.
const SERVICES_MAX: usize = 500;

pub(crate) struct Question {
    pub(crate) what: &'static str,
    pub(crate) budget: &'static str,
    /// Path and parameters; those of the range follow.
    path: fn(&Turn) -> String,
    /// Does an answer have what it must?
    is_whole: fn(&Value, &Turn) -> bool,
}

/// One of the times that a question is asked.
pub(crate) struct Turn {
    pub(crate) shape: Shape,
    pub(crate) n: usize,
}

pub(crate) const QUESTIONS: [Question; 9] = [
    Question {
        what: "overview",
        budget: PAGE_BUDGET,
        path: |_| "/api/v1/services?".to_owned(),
        is_whole: |answer, turn| len(answer, "services") == turn.shape.n_services.min(SERVICES_MAX),
    },
    Question {
        what: "page of a service",
        budget: PAGE_BUDGET,
        path: |turn| format!("/api/v1/services/{}?", turn.service()),
        is_whole: |answer, turn| len(answer, "operations") == turn.shape.n_operations,
    },
    Question {
        what: "graph",
        budget: PAGE_BUDGET,
        path: |_| "/api/v1/graph?".to_owned(),
        is_whole: |answer, _| len(answer, "nodes") > 0 && len(answer, "edges") > 0,
    },
    Question {
        what: "graph around a service",
        budget: PAGE_BUDGET,
        path: |turn| format!("/api/v1/graph?service={}&depth=2&", turn.service()),
        is_whole: |answer, _| len(answer, "nodes") > 0 && len(answer, "edges") > 0,
    },
    Question {
        what: "rates of a service by operation",
        budget: "",
        path: |turn| format!("/api/v1/red?by=operation&service={}&", turn.service()),
        is_whole: |answer, turn| len(answer, "groups") == turn.shape.n_operations.min(100),
    },
    Question {
        what: "rates of an operation by version and status",
        budget: "",
        path: |turn| {
            let (service, operation) = (turn.service(), turn.operation());
            format!("/api/v1/red?by=version,status_class&service={service}&operation={operation}&")
        },
        is_whole: |answer, _| len(answer, "groups") > 0,
    },
    Question {
        what: "rates of all services by operation",
        budget: "",
        path: |_| "/api/v1/red?by=service,operation&".to_owned(),
        is_whole: |answer, _| len(answer, "groups") > 0,
    },
    Question {
        what: "heatmap of a service",
        budget: "",
        path: |turn| format!("/api/v1/heatmap?service={}&spans=entry&", turn.service()),
        is_whole: |answer, _| len(answer, "cells") > 0,
    },
    Question {
        what: "heatmap of an operation",
        budget: "",
        path: |turn| format!("/api/v1/heatmap?service={}&operation={}&", turn.service(), turn.operation()),
        is_whole: |answer, _| len(answer, "cells") > 0,
    },
];

impl Question {
    /// Path and parameters, with a range in milliseconds since 1970.
    pub(crate) fn path(&self, turn: &Turn, (from_ms, to_ms): (i64, i64)) -> String {
        format!("{}from={from_ms}&to={to_ms}", (self.path)(turn))
    }

    pub(crate) fn is_whole(&self, answer: &Value, turn: &Turn) -> bool {
        (self.is_whole)(answer, turn)
    }
}

impl Turn {
    fn service(&self) -> String {
        service_name(self.n * 37 % self.shape.n_services)
    }

    /// As a parameter has it.
    fn operation(&self) -> String {
        let name = operation_name(self.n * 11 % self.shape.n_operations);
        name.replace(' ', "%20").replace('/', "%2F").replace('{', "%7B").replace('}', "%7D")
    }
}

fn len(answer: &Value, field: &str) -> usize {
    answer[field].as_array().map_or(0, Vec::len)
}

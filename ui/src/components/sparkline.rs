//! A row's history, as small as its text.

use crate::model::sparkline;
use leptos::prelude::*;

/// Box of the drawing in CSS pixels; the style sheet gives the element the same size.
const WIDTH: f64 = 96.0;
const HEIGHT: f64 = 18.0;

/// `paint` colours the line (`p-rest`, `p-bad`, ...); `label` says in words what the line shows.
#[component]
pub fn Sparkline(
    values: Vec<Option<f64>>,
    #[prop(default = "p-rest")] paint: &'static str,
    #[prop(into)] label: String,
) -> impl IntoView {
    let path = sparkline::path(&values, sparkline::high(&values), WIDTH, HEIGHT);
    view! {
        <svg class="spark" viewBox="0 0 96 18" role="img" aria-label=label>
            <path d=path class=format!("line {paint}") />
        </svg>
    }
}

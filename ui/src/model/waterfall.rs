//! The tree of a trace, laid out as rows: order, depth, what is missing, what is odd.
//!
//! Clients send anything: parents that never arrive, the same span twice, parents in a circle. Each
//! span gets exactly one row; what had to be assumed is marked on the row. No recursion, so that a
//! trace of any depth is safe.

use super::order;
use std::collections::HashMap;
use wire::SpanRow;

/// One possible row, in the order of display (depth first, siblings by start).
#[derive(Debug, Clone, PartialEq)]
pub struct Node {
    pub what: What,
    pub depth: u32,
    pub parent: Option<usize>,
    /// Rows of the subtree below; the next sibling is `1 + n_below` further.
    pub n_below: usize,
    /// 1-based place among the siblings and their number.
    pub position: (usize, usize),
    pub started_at_ns: i64,
    pub ended_at_ns: i64,
    /// An error, here or below.
    pub leads_to_error: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum What {
    /// Index into the spans, and what is odd about this one.
    Span(usize, Oddity),
    /// Stands for a parent that is not stored; the index is that of one of its children.
    Ghost(usize),
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Oddity {
    None,
    /// The id occurred before; children hang below the first one.
    Duplicate,
    /// Its chain of parents leads back to itself; it is shown as a root.
    Cycle,
    /// Starts before its parent does: clocks of two hosts differ.
    BeforeParent,
}

#[derive(Debug, Clone, PartialEq, Default)]
pub struct Waterfall {
    pub nodes: Vec<Node>,
    pub depth_max: u32,
    pub n_ghosts: usize,
    pub n_duplicates: usize,
    pub n_cycles: usize,
}

/// Lays the spans out.
pub fn layout(spans: &[SpanRow]) -> Waterfall {
    let tree = Tree::of(spans);
    let mut out = Waterfall::default();
    let mut placed = vec![false; spans.len()];
    emit(&tree, spans, &tree.roots, &mut placed, &mut out);
    let broken = break_cycles(spans, &tree, &placed);
    emit(&tree, spans, &broken, &mut placed, &mut out);
    if !broken.is_empty() {
        sort_roots(&mut out);
    }
    measure(&mut out, spans);
    out
}

/// Who hangs below whom. Entries of `children` and `roots` are what a row shows.
struct Tree {
    roots: Vec<What>,
    /// By index of the parent span.
    children: Vec<Vec<What>>,
    /// By id of the missing parent.
    orphans: HashMap<String, Vec<What>>,
}

impl Tree {
    fn of(spans: &[SpanRow]) -> Self {
        let mut first = HashMap::with_capacity(spans.len());
        let children = vec![Vec::new(); spans.len()];
        let mut tree = Self { roots: Vec::new(), children, orphans: HashMap::new() };
        for (idx, span) in spans.iter().enumerate() {
            first.entry(span.span_id.as_str()).or_insert(idx);
        }
        for (idx, span) in spans.iter().enumerate() {
            tree.place(spans, &first, idx, span);
        }
        let starts = |what: &What| (spans[index_of(*what)].started_at, index_of(*what));
        order::sort_by_key(&mut tree.roots, starts);
        tree.children.iter_mut().for_each(|below| order::sort_by_key(below, starts));
        tree.orphans.values_mut().for_each(|below| order::sort_by_key(below, starts));
        tree
    }

    fn place(&mut self, spans: &[SpanRow], first: &HashMap<&str, usize>, idx: usize, span: &SpanRow) {
        let is_duplicate = first.get(span.span_id.as_str()) != Some(&idx);
        let parent = span.parent_span_id.as_deref().filter(|parent| !parent.is_empty());
        let known = parent.and_then(|parent| first.get(parent).copied());
        let oddity = match known {
            _ if is_duplicate => Oddity::Duplicate,
            Some(parent) if span.started_at < spans[parent].started_at => Oddity::BeforeParent,
            _ => Oddity::None,
        };
        let row = What::Span(idx, oddity);
        match (parent, known) {
            (None, _) => self.roots.push(row),
            (Some(_), Some(known)) => self.children[known].push(row),
            (Some(missing), None) => {
                let siblings = self.orphans.entry(missing.to_owned()).or_default();
                if siblings.is_empty() {
                    self.roots.push(What::Ghost(idx));
                }
                siblings.push(row);
            }
        }
    }

    fn below(&self, what: What, spans: &[SpanRow]) -> &[What] {
        let below = match what {
            What::Span(_, Oddity::Duplicate) => None,
            What::Span(idx, _) => self.children.get(idx),
            What::Ghost(idx) => spans[idx].parent_span_id.as_ref().and_then(|id| self.orphans.get(id)),
        };
        below.map_or(&[], Vec::as_slice)
    }
}

fn index_of(what: What) -> usize {
    match what {
        What::Span(idx, _) | What::Ghost(idx) => idx,
    }
}

/// Appends `roots` and everything below them, depth first.
fn emit(tree: &Tree, spans: &[SpanRow], roots: &[What], placed: &mut [bool], out: &mut Waterfall) {
    let mut stack = pushed(roots, None, 0);
    while let Some((what, parent, depth, position)) = stack.pop() {
        if let What::Span(idx, _) = what {
            if placed[idx] {
                continue;
            }
            placed[idx] = true;
        }
        let at = out.nodes.len();
        let span = &spans[index_of(what)];
        out.nodes.push(Node {
            what,
            depth,
            parent,
            n_below: 0,
            position,
            started_at_ns: span.started_at.0,
            ended_at_ns: span.started_at.0.saturating_add(span.duration_ns.max(0)),
            leads_to_error: false,
        });
        stack.extend(pushed(tree.below(what, spans), Some(at), depth + 1));
    }
}

type Waiting = (What, Option<usize>, u32, (usize, usize));

/// Last one first, because the stack gives them back in reverse.
fn pushed(siblings: &[What], parent: Option<usize>, depth: u32) -> Vec<Waiting> {
    let entry = |(i, what): (usize, &What)| (*what, parent, depth, (i + 1, siblings.len()));
    siblings.iter().enumerate().rev().map(entry).collect()
}

/// Of each circle the earliest span, as a root. What is left unplaced is on a circle or below one.
fn break_cycles(spans: &[SpanRow], tree: &Tree, placed: &[bool]) -> Vec<What> {
    let mut parent_of = vec![None; spans.len()];
    for (parent, below) in tree.children.iter().enumerate() {
        for what in below {
            parent_of[index_of(*what)] = Some(parent);
        }
    }
    let mut is_seen = vec![false; spans.len()];
    let mut roots = Vec::new();
    for idx in (0..spans.len()).filter(|idx| !placed[*idx]) {
        let mut chain = Vec::new();
        let mut at = idx;
        while !std::mem::replace(&mut is_seen[at], true) {
            chain.push(at);
            match parent_of[at] {
                Some(parent) => at = parent,
                None => break,
            }
        }
        // `at` was seen before: a new circle only if it was seen on this very walk.
        if let Some(start) = chain.iter().position(|link| *link == at) {
            let earliest = chain[start..].iter().min_by_key(|idx| (spans[**idx].started_at, **idx));
            roots.extend(earliest.map(|idx| What::Span(*idx, Oddity::Cycle)));
        }
    }
    order::sort_by_key(&mut roots, |what| (spans[index_of(*what)].started_at, index_of(*what)));
    roots
}

/// Puts trees that were appended later where their start belongs.
fn sort_roots(out: &mut Waterfall) {
    let starts: Vec<usize> = (0..out.nodes.len()).filter(|at| out.nodes[*at].depth == 0).collect();
    let mut trees: Vec<(usize, usize)> = starts
        .iter()
        .enumerate()
        .map(|(i, start)| (*start, starts.get(i + 1).copied().unwrap_or(out.nodes.len())))
        .collect();
    order::sort_by_key(&mut trees, |(start, _)| (out.nodes[*start].started_at_ns, *start));
    let mut nodes = Vec::with_capacity(out.nodes.len());
    let n_trees = trees.len();
    for (i, (start, end)) in trees.into_iter().enumerate() {
        let moved_to = nodes.len();
        for node in &out.nodes[start..end] {
            let parent = node.parent.map(|parent| parent - start + moved_to);
            let position = if node.depth == 0 { (i + 1, n_trees) } else { node.position };
            nodes.push(Node { parent, position, ..node.clone() });
        }
    }
    out.nodes = nodes;
}

/// What is known only once all rows exist: sizes of subtrees, errors below, extent of ghosts, totals.
fn measure(out: &mut Waterfall, spans: &[SpanRow]) {
    for at in (0..out.nodes.len()).rev() {
        let node = &out.nodes[at];
        let is_error = matches!(node.what, What::Span(idx, _) if spans[idx].is_error);
        let leads_to_error = node.leads_to_error || is_error;
        let (n_below, ended_at_ns, parent) = (node.n_below, node.ended_at_ns, node.parent);
        out.nodes[at].leads_to_error = leads_to_error;
        if let Some(parent) = parent {
            let parent = &mut out.nodes[parent];
            parent.n_below += 1 + n_below;
            parent.leads_to_error |= leads_to_error;
            if matches!(parent.what, What::Ghost(_)) {
                parent.ended_at_ns = parent.ended_at_ns.max(ended_at_ns);
            }
        }
    }
    let count = |is: fn(&What) -> bool| out.nodes.iter().filter(|node| is(&node.what)).count();
    out.n_ghosts = count(|what| matches!(what, What::Ghost(_)));
    out.n_duplicates = count(|what| matches!(what, What::Span(_, Oddity::Duplicate)));
    out.n_cycles = count(|what| matches!(what, What::Span(_, Oddity::Cycle)));
    out.depth_max = out.nodes.iter().map(|node| node.depth + 1).max().unwrap_or(0);
}

impl Waterfall {
    /// Row of a span id; the first one when it occurs twice.
    pub fn node_of(&self, spans: &[SpanRow], span_id: &str) -> Option<usize> {
        self.nodes
            .iter()
            .position(|node| matches!(node.what, What::Span(idx, _) if spans[idx].span_id == span_id))
    }

    /// Rows from the root down to `node`, without it.
    pub fn ancestors(&self, node: usize) -> Vec<usize> {
        let mut chain: Vec<usize> =
            std::iter::successors(self.nodes[node].parent, |at| self.nodes[*at].parent).collect();
        chain.reverse();
        chain
    }

    /// True where an error begins: no child of it failed.
    pub fn is_error_origin(&self, spans: &[SpanRow], node: usize) -> bool {
        let below = &self.nodes[node + 1..=node + self.nodes[node].n_below];
        let is_error = matches!(self.nodes[node].what, What::Span(idx, _) if spans[idx].is_error);
        is_error && !below.iter().any(|below| below.leads_to_error)
    }

    /// The rows to show: nothing below closed ones, and only paths to errors where asked.
    pub fn visible(&self, is_closed: impl Fn(usize) -> bool, only_errors: bool) -> Vec<usize> {
        let mut rows = Vec::new();
        let mut at = 0;
        while let Some(node) = self.nodes.get(at) {
            let is_hidden = only_errors && !node.leads_to_error;
            if !is_hidden {
                rows.push(at);
            }
            let skips = is_hidden || (node.n_below > 0 && is_closed(at));
            at += if skips { 1 + node.n_below } else { 1 };
        }
        rows
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use wire::UnixNanos;

    fn span(id: &str, parent: &str, start: i64, duration: i64) -> SpanRow {
        SpanRow {
            span_id: id.to_owned(),
            parent_span_id: (!parent.is_empty()).then(|| parent.to_owned()),
            service: "s".to_owned(),
            name: id.to_owned(),
            kind: "internal".to_owned(),
            started_at: UnixNanos(start),
            duration_ns: duration,
            is_error: id.ends_with('!'),
            n_events: 0,
            n_links: 0,
        }
    }

    fn picture(spans: &[SpanRow]) -> Vec<String> {
        let waterfall = layout(spans);
        let text = |node: &Node| {
            let indent = ".".repeat(node.depth as usize);
            match node.what {
                What::Span(idx, Oddity::None) => format!("{indent}{}", spans[idx].span_id),
                What::Span(idx, oddity) => format!("{indent}{} {oddity:?}", spans[idx].span_id),
                What::Ghost(_) => format!("{indent}ghost +{}", node.n_below),
            }
        };
        waterfall.nodes.iter().map(text).collect()
    }

    /// Scenario: a well-formed trace arrives in any order.
    /// Guarantees: depth first, siblings by start, with places, sizes and ancestors.
    #[test]
    fn orders_a_tree() {
        let spans = [span("c", "a", 5, 1), span("a", "", 0, 10), span("d", "b", 3, 1), span("b", "a", 2, 3)];
        assert_eq!(picture(&spans), ["a", ".b", "..d", ".c"]);
        let waterfall = layout(&spans);
        assert_eq!(waterfall.nodes[0].n_below, 3);
        assert_eq!(waterfall.nodes[3].position, (2, 2));
        assert_eq!(waterfall.ancestors(2), [0, 1]);
        assert_eq!(waterfall.depth_max, 3);
        assert_eq!(waterfall.node_of(&spans, "d"), Some(2));
    }

    /// Scenario: two spans name one missing parent, a third another one.
    /// Guarantees: one ghost a missing parent, between the roots by start, as long as its children.
    #[test]
    fn orphans_hang_below_ghosts() {
        let spans = [
            span("a", "", 0, 10),
            span("x", "gone", 2, 3),
            span("y", "gone", 8, 4),
            span("k", "y", 9, 1),
            span("z", "lost", 1, 1),
        ];
        assert_eq!(picture(&spans), ["a", "ghost +1", ".z", "ghost +3", ".x", ".y", "..k"]);
        let waterfall = layout(&spans);
        assert_eq!((waterfall.nodes[3].started_at_ns, waterfall.nodes[3].ended_at_ns), (2, 12));
        assert_eq!(waterfall.n_ghosts, 2);
    }

    /// Scenario: an exporter sends a span twice, and its child once.
    /// Guarantees: two rows, the second marked, the child below the first.
    #[test]
    fn duplicates_are_marked() {
        let spans = [span("a", "", 0, 9), span("b", "a", 1, 2), span("b", "a", 1, 2), span("c", "b", 1, 1)];
        assert_eq!(picture(&spans), ["a", ".b", "..c", ".b Duplicate"]);
    }

    /// Scenario: parents in a circle, one span its own parent, a tail below the circle.
    /// Guarantees: every span has one row, each circle is cut at its earliest span, layout ends.
    #[test]
    fn circles_are_cut() {
        let spans = [
            span("r", "", 5, 1),
            span("a", "c", 2, 1),
            span("b", "a", 1, 1),
            span("c", "b", 3, 1),
            span("t", "c", 4, 1),
            span("self", "self", 9, 1),
        ];
        assert_eq!(picture(&spans), ["b Cycle", ".c", "..a BeforeParent", "..t", "r", "self Cycle"]);
        assert_eq!(layout(&spans).nodes[4].position, (2, 3));
    }

    /// Scenario: a chain of 20,000 spans.
    /// Guarantees: no stack overflow, the last span is at its depth.
    #[test]
    fn depth_is_no_problem() {
        let spans: Vec<SpanRow> = (0..20_000)
            .map(|i| span(&i.to_string(), &if i == 0 { String::new() } else { (i - 1).to_string() }, i, 1))
            .collect();
        let waterfall = layout(&spans);
        assert_eq!(waterfall.nodes[19_999].depth, 19_999);
        assert_eq!(waterfall.nodes[0].n_below, 19_999);
    }

    /// Scenario: rows are closed, and only errors are asked for.
    /// Guarantees: subtrees vanish as a whole, paths to errors stay, the origin is the deepest error.
    #[test]
    fn shows_what_is_asked_for() {
        let spans = [
            span("a!", "", 0, 9),
            span("b", "a!", 1, 2),
            span("c!", "a!", 3, 2),
            span("d", "c!", 3, 1),
            span("e", "b", 1, 1),
        ];
        let waterfall = layout(&spans);
        assert_eq!(waterfall.visible(|_| false, false).len(), 5);
        assert_eq!(waterfall.visible(|at| at == 1, false), [0, 1, 3, 4]);
        assert_eq!(waterfall.visible(|_| true, false), [0]);
        assert_eq!(waterfall.visible(|_| false, true), [0, 3]);
        assert!(!waterfall.is_error_origin(&spans, 0));
        assert!(waterfall.is_error_origin(&spans, 3));
    }

    /// Scenario: a trace without spans.
    /// Guarantees: nothing is laid out and nothing fails.
    #[test]
    fn empty_is_fine() {
        assert_eq!(layout(&[]), Waterfall::default());
    }
}

//! The critical path of one trace: which span was waited for, at every moment of the root.
//!
//! `collector` calls it with the spans of a trace, and shows the sections in the waterfall and per service.
//! Input is whatever arrived: ids may repeat, parents may be missing or form a ring, clocks may disagree.
//! It must never recurse (traces 10,000 spans deep are legal) and never fail.
//!
//! The rule walks backwards from the root's end. The child that finished last before the cursor was waited
//! for, so the gap after it belongs to the parent and the stretch before it to the child, where the same
//! rule applies again. Without such a child the rest belongs to the span itself. Children that nobody waits for
//! are left out: messages, and work that goes on after its parent is over. Links are no parents. What this leaves
//! open, and where it differs from other products, is in docs/critical-path.md.

#[cfg(test)]
mod tests;

use std::cmp::Reverse;
use std::collections::{BTreeMap, HashMap};

/// What the path needs to know of a span.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PathSpan {
    pub span_id: [u8; 8],
    /// `None` or all zeros: a root.
    pub parent_span_id: Option<[u8; 8]>,
    pub start_ns: i64,
    /// An end before the start counts as a span of no length.
    pub end_ns: i64,
    pub kind: PathKind,
}

/// The kinds that decide whether a parent waits for its child.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PathKind {
    Producer,
    Consumer,
    /// Every other kind: its parent waits for it.
    Other,
}

/// A stretch of time that one span is answerable for. Never empty.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Section {
    /// Index into the slice given to [`critical_path`].
    pub span: usize,
    pub from_ns: i64,
    pub to_ns: i64,
}

/// The sections in time order. They do not overlap and cover each root that has a path from start to end.
///
/// Spans whose parent is not in the slice, and everything below them, are left out: where they belong in
/// the root's time is unknown. Of roots that overlap only the longest has a path. Among spans of the same id
/// the first is the parent of the others' children.
///
/// Takes `O(n log n)` for `n` spans, and some 100 bytes each.
pub fn critical_path(spans: &[PathSpan]) -> Vec<Section> {
    let children = children_by_parent(spans);
    let mut sections = Vec::new();
    for root in path_roots(spans) {
        append_path(spans, &children, root, &mut sections);
    }
    sections
}

/// The sections of one span's time, whether or not it is a root: of one request of a service, for one. Empty where
/// `top` is not an index of `spans`.
pub fn critical_path_below(spans: &[PathSpan], top: usize) -> Vec<Section> {
    let mut sections = Vec::new();
    if top < spans.len() {
        append_path(spans, &children_by_parent(spans), top, &mut sections);
    }
    sections
}

/// Whether a child went on by itself after its parent: it outlives the parent by more than a tenth of the parent's
/// own time, which the ends of a call and of its caller do not differ by, or it is a message. Both are as they were
/// sent, not clipped.
pub fn is_asynchronous(parent: &PathSpan, child: &PathSpan) -> bool {
    let over_ns = i128::from(child.end_ns) - i128::from(parent.end_ns.max(parent.start_ns));
    match (parent.kind, child.kind) {
        (PathKind::Producer, PathKind::Consumer) => true,
        (_, PathKind::Consumer) => over_ns > i128::from(TOLERANCE_NS),
        _ => over_ns > i128::from(TOLERANCE_NS).max(length_ns(parent) / 10),
    }
}

/// Indices of the roots that have a path, in time order; empty where every root is missing.
///
/// Roots that overlap compete and the longest wins, so that a stray short root cannot hide the request.
pub fn path_roots(spans: &[PathSpan]) -> Vec<usize> {
    let mut roots: Vec<usize> = (0..spans.len()).filter(|&at| parent_of(&spans[at]).is_none()).collect();
    roots.sort_by_key(|&at| (Reverse(length_ns(&spans[at])), spans[at].start_ns, spans[at].span_id, at));
    let mut taken: BTreeMap<i64, usize> = BTreeMap::new();
    for root in roots {
        if is_free(spans, &taken, root) {
            taken.entry(spans[root].start_ns).or_insert(root);
        }
    }
    taken.into_values().collect()
}

/// Two ends this close count as the same moment: many clients cut their clocks to microseconds, so a call
/// may seem to end just after the next one began.
const TOLERANCE_NS: i64 = 1_000;

/// A span within the bounds of its parent.
struct Clipped {
    /// Index into the caller's slice.
    span: usize,
    start_ns: i64,
    end_ns: i64,
    /// Range of this node's children in the tree, last finishing first.
    children: std::ops::Range<usize>,
}

/// A span whose time is being dealt out: what lies before `cursor_ns` is still open.
struct Open {
    node: usize,
    cursor_ns: i64,
    next_child: usize,
}

fn parent_of(span: &PathSpan) -> Option<[u8; 8]> {
    span.parent_span_id.filter(|id| id != &[0; 8])
}

/// Wide, because hostile timestamps can be further apart than 64 bits hold.
fn length_ns(span: &PathSpan) -> i128 {
    (i128::from(span.end_ns) - i128::from(span.start_ns)).max(0)
}

fn is_free(spans: &[PathSpan], taken: &BTreeMap<i64, usize>, root: usize) -> bool {
    let candidate = &spans[root];
    let before = taken.range(..=candidate.start_ns).next_back();
    let after = taken.range(candidate.start_ns..).next();
    before.is_none_or(|(_, &at)| spans[at].end_ns <= candidate.start_ns)
        && after.is_none_or(|(&start_ns, _)| candidate.end_ns <= start_ns)
}

/// Adds the sections of one span's time; `top` is an index of `spans`.
pub(crate) fn append_path(spans: &[PathSpan], children: &Children, top: usize, sections: &mut Vec<Section>) {
    let tree = clip_tree(spans, children, top);
    let first = sections.len();
    walk_back(&tree, sections);
    sections[first..].reverse();
}

/// Children by the index of their parent. A span that is its own parent, or part of a ring, is listed too
/// but no root leads to it.
#[derive(Debug)]
pub(crate) struct Children {
    /// Children of span `i` are `items[first[i]..first[i + 1]]`, by index.
    first: Vec<usize>,
    items: Vec<usize>,
}

fn children_by_parent(spans: &[PathSpan]) -> Children {
    let mut by_id: HashMap<[u8; 8], usize> = HashMap::with_capacity(spans.len());
    for (at, span) in spans.iter().enumerate() {
        by_id.entry(span.span_id).or_insert(at);
    }
    let parents = spans.iter().map(|span| parent_of(span).and_then(|id| by_id.get(&id)).copied());
    Children::of_parents(&parents.collect::<Vec<_>>())
}

impl Children {
    /// From the index of each span's parent, by counting.
    pub(crate) fn of_parents(parents: &[Option<usize>]) -> Self {
        let mut first = vec![0; parents.len() + 1];
        for parent in parents.iter().flatten() {
            first[parent + 1] += 1;
        }
        for at in 1..first.len() {
            first[at] += first[at - 1];
        }
        let (mut next, mut items) = (first.clone(), vec![0; first[parents.len()]]);
        for (at, parent) in parents.iter().enumerate() {
            if let Some(parent) = parent {
                items[next[*parent]] = at;
                next[*parent] += 1;
            }
        }
        Self { first, items }
    }

    fn of(&self, span: usize) -> &[usize] {
        &self.items[self.first[span]..self.first[span + 1]]
    }
}

/// The children that a span waits for. Nobody waits for a message. For a child that outlives its parent nobody
/// waited either, if another child ended in time; where it is the only one its clock may be ahead, as a server's
/// against its client's.
fn waited_for<'a>(
    spans: &'a [PathSpan],
    children: &'a Children,
    parent: usize,
) -> impl Iterator<Item = usize> + 'a {
    let of = children.of(parent);
    let parent = &spans[parent];
    let is_in_time = |&child: &usize| {
        let inside = clipped(&spans[child], child, parent.start_ns, parent.end_ns);
        inside.start_ns < inside.end_ns && !is_asynchronous(parent, &spans[child])
    };
    let has_one_in_time = of.iter().any(is_in_time);
    of.iter().copied().filter(move |&child| {
        let is_message = spans[child].kind == PathKind::Consumer;
        !is_asynchronous(parent, &spans[child]) || !(is_message || has_one_in_time)
    })
}

/// The tree under `root`, parents first, each node cut to its already cut parent.
fn clip_tree(spans: &[PathSpan], children: &Children, root: usize) -> Vec<Clipped> {
    let mut tree = vec![clipped(&spans[root], root, i64::MIN, i64::MAX)];
    let mut at = 0;
    while at < tree.len() {
        let (start_ns, end_ns) = (tree[at].start_ns, tree[at].end_ns);
        let first = tree.len();
        // Only a ring leads back to its top.
        let below = waited_for(spans, children, tree[at].span).filter(|&child| child != root);
        let inside = below.map(|child| clipped(&spans[child], child, start_ns, end_ns));
        tree.extend(inside.filter(|child| child.start_ns < child.end_ns));
        let order =
            |child: &Clipped| (Reverse(child.end_ns), child.start_ns, spans[child.span].span_id, child.span);
        tree[first..].sort_by_key(order);
        tree[at].children = first..tree.len();
        at += 1;
    }
    tree
}

fn clipped(span: &PathSpan, at: usize, from_ns: i64, to_ns: i64) -> Clipped {
    Clipped { span: at, start_ns: span.start_ns.max(from_ns), end_ns: span.end_ns.min(to_ns), children: 0..0 }
}

/// Deals the root's time out from its end to its start.
fn walk_back(tree: &[Clipped], sections: &mut Vec<Section>) {
    let mut open = vec![opened(tree, 0, tree[0].end_ns)];
    while let Some(top) = open.last_mut() {
        let node = &tree[top.node];
        match last_finishing(tree, top) {
            Some(child) => {
                let end_ns = tree[child].end_ns.min(top.cursor_ns);
                push_section(sections, node.span, end_ns, top.cursor_ns);
                top.cursor_ns = tree[child].start_ns;
                open.push(opened(tree, child, end_ns));
            }
            None => {
                push_section(sections, node.span, node.start_ns, top.cursor_ns);
                open.pop();
            }
        }
    }
}

fn opened(tree: &[Clipped], node: usize, cursor_ns: i64) -> Open {
    Open { node, cursor_ns, next_child: tree[node].children.start }
}

/// The next child that ended by the cursor. A child passed over once never fits again, because the cursor
/// only moves back: the walk over all children of a span is linear.
fn last_finishing(tree: &[Clipped], open: &mut Open) -> Option<usize> {
    let limit_ns = open.cursor_ns.saturating_add(TOLERANCE_NS);
    let end = tree[open.node].children.end;
    let fits = |&at: &usize| tree[at].end_ns <= limit_ns && tree[at].start_ns < open.cursor_ns;
    let found = (open.next_child..end).find(fits);
    open.next_child = found.map_or(end, |at| at + 1);
    found
}

fn push_section(sections: &mut Vec<Section>, span: usize, from_ns: i64, to_ns: i64) {
    if from_ns < to_ns {
        sections.push(Section { span, from_ns, to_ns });
    }
}

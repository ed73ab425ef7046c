//! Templates of log lines: what stays when ids, numbers and names that vary are taken out.
//!
//! A miner of the Drain family. A line is masked and cut into tokens; lines of a service that agree in the number
//! of tokens and in the first three are compared, and one that has enough tokens in common with a template joins
//! it, which then forgets the tokens that differ. Learning is a matter of order, so lines come by time.
//!
//! The id of a template is a hash of its service and its text, so it is the same tomorrow, after a restart
//! and on another machine, as soon as as many variants of the line were seen.

mod mask;
#[cfg(test)]
mod tests;

pub(crate) use mask::mask;

use std::collections::HashMap;
use std::fmt::Write;

/// Equal tokens of all tokens from which on a line belongs to a template.
const SIMILARITY_MIN: f64 = 0.6;
/// Tokens that lead to the templates a line is compared with.
const N_LEADING: usize = 3;
/// Templates behind the same leading tokens. A further line joins the most similar one: text that varies so
/// much has no more to tell, and comparing stays cheap.
const N_SIBLINGS_MAX: usize = 100;
/// Templates in all; lines of unknown shape then fall into one template per service. About 300 bytes each.
const N_TEMPLATES_MAX: usize = 20_000;
/// Masked lines whose template is remembered, about 200 bytes each. Others are compared again.
const N_SHAPES_MAX: usize = 100_000;
/// Text of the template of lines that found no place.
const ANYTHING: &str = "*";

/// Learns templates, line by line. Bounded: at most about 26 MB whatever it is fed.
#[derive(Debug, Default)]
pub struct Miner {
    templates: Vec<Pattern>,
    /// By service, number of tokens and leading tokens.
    tree: HashMap<String, Vec<u32>>,
    /// By service and masked line.
    shapes: HashMap<String, u32>,
    key: String,
    masked: String,
}

/// A template while it is learned.
#[derive(Clone, Debug)]
struct Pattern {
    service: String,
    /// Tokens with a space between them.
    text: String,
}

impl Miner {
    /// The number of the line's template. O(bytes), and O(templates of equal beginning) for a shape not seen before.
    pub fn learn(&mut self, service: &str, body: &str) -> usize {
        self.masked.clear();
        mask(body, &mut self.masked);
        self.key.clear();
        self.key.push_str(service);
        self.key.push('\0');
        self.key.push_str(&self.masked);
        if let Some(&template) = self.shapes.get(&self.key) {
            return template as usize;
        }
        let template = self.place(service);
        if self.shapes.len() < N_SHAPES_MAX {
            self.shapes.insert(self.key.clone(), template);
        }
        template as usize
    }

    pub fn n_templates(&self) -> usize {
        self.templates.len()
    }

    pub fn service(&self, template: usize) -> &str {
        &self.templates[template].service
    }

    /// What stays of the lines: tokens with `*` where they vary.
    pub fn text(&self, template: usize) -> &str {
        &self.templates[template].text
    }

    /// Stable name of the template as it is known now.
    pub fn id(&self, template: usize) -> u64 {
        template_id(self.service(template), self.text(template))
    }

    /// Finds or makes the template of the masked line.
    fn place(&mut self, service: &str) -> u32 {
        let leaf_key = leaf_key(service, &self.masked);
        let siblings = self.tree.get(&leaf_key).map_or(&[][..], Vec::as_slice);
        let nearest = nearest(&self.templates, siblings, &self.masked);
        if let Some((template, similarity)) = nearest
            && (similarity >= SIMILARITY_MIN || siblings.len() >= N_SIBLINGS_MAX)
        {
            let pattern = &mut self.templates[template as usize];
            pattern.text = common(&pattern.text, &self.masked);
            return template;
        }
        // The last templates are kept for what finds no place.
        let is_full = self.templates.len() >= N_TEMPLATES_MAX;
        let (leaf_key, text) =
            if is_full { (format!("{service}\0"), ANYTHING) } else { (leaf_key, self.masked.as_str()) };
        let leaf = self.tree.entry(leaf_key).or_default();
        if is_full && let Some(&anything) = leaf.first() {
            return anything;
        }
        let template = self.templates.len() as u32;
        leaf.push(template);
        self.templates.push(Pattern { service: service.to_owned(), text: text.to_owned() });
        template
    }
}

/// The first 64 bits that name a template: FNV-1a over service, a zero byte and text, then spread.
pub fn template_id(service: &str, text: &str) -> u64 {
    let bytes = service.bytes().chain([0]).chain(text.bytes());
    let hash = bytes.fold(0xcbf2_9ce4_8422_2325_u64, |hash, byte| {
        (hash ^ u64::from(byte)).wrapping_mul(0x0000_0100_0000_01b3)
    });
    (hash ^ (hash >> 32)).wrapping_mul(0x9e37_79b9_7f4a_7c15)
}

fn leaf_key(service: &str, masked: &str) -> String {
    let mut key = String::with_capacity(service.len() + 32);
    let n_tokens = tokens(masked).count();
    // Writing to a string cannot fail.
    let _ = write!(key, "{service}\0{n_tokens}");
    for token in tokens(masked).take(N_LEADING) {
        key.push(' ');
        key.push_str(token);
    }
    key
}

/// No token at all in an empty line.
fn tokens(masked: &str) -> impl Iterator<Item = &str> {
    masked.split(' ').filter(|token| !token.is_empty())
}

/// The sibling with most tokens in common, the oldest of several, with the share of tokens.
fn nearest(templates: &[Pattern], siblings: &[u32], masked: &str) -> Option<(u32, f64)> {
    let n_tokens = tokens(masked).count().max(1);
    let mut best = None;
    let mut most = 0;
    for &sibling in siblings {
        let pairs = tokens(&templates[sibling as usize].text).zip(tokens(masked));
        let n_equal = pairs.filter(|(known, new)| known == new).count();
        if n_equal > most {
            most = n_equal;
            best = Some((sibling, n_equal as f64 / n_tokens as f64));
        }
    }
    best
}

/// The tokens of both, `*` where they differ.
fn common(known: &str, new: &str) -> String {
    let mut text = String::with_capacity(known.len());
    for (known, new) in tokens(known).zip(tokens(new)) {
        if !text.is_empty() {
            text.push(' ');
        }
        text.push_str(if known == new { known } else { ANYTHING });
    }
    text
}

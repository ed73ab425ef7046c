//! Words that every text which a pattern matches must hold.
//!
//! A pattern is read as a row of pieces: characters that stand for themselves, places where no word goes on, and
//! the unknown. A word counts only where it is whole: with a boundary on both sides. What is not understood is
//! unknown, so the answer may miss words, but never names one that a match could do without.

use crate::words::{is_word_char, push_folded, words};

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Piece {
    Char(char),
    /// An end of the text, or a character that belongs to no word.
    Boundary,
    Unknown,
}

/// Words of a text that is found as a whole word or phrase.
pub(super) fn of_phrase(phrase: &str) -> Vec<String> {
    words(phrase).map(folded).collect()
}

/// Words of a `LIKE` or `ILIKE` pattern with the usual escape.
pub(super) fn of_like(pattern: &str) -> Vec<String> {
    let mut pieces = vec![Piece::Boundary];
    let mut chars = pattern.chars();
    while let Some(c) = chars.next() {
        pieces.push(match c {
            '%' | '_' => Piece::Unknown,
            // Before anything else libraries differ on what a backslash means.
            '\\' => chars.next().filter(|c| "%_\\".contains(*c)).map_or(Piece::Unknown, Piece::Char),
            c => Piece::Char(c),
        });
    }
    pieces.push(Piece::Boundary);
    whole_words(&pieces)
}

/// For each alternative of a regular expression the words of its matches.
pub(super) fn of_regex(pattern: &str) -> Vec<Vec<String>> {
    let alternatives = Regex { rest: pattern.chars().peekable() }.alternatives();
    alternatives.unwrap_or_default().iter().map(|pieces| whole_words(pieces)).collect()
}

/// Runs of word characters with a boundary on both sides. Only those of ASCII: what leaving out the case means
/// for others, each library decides for itself.
fn whole_words(pieces: &[Piece]) -> Vec<String> {
    let mut found = Vec::new();
    let mut word: Option<String> = None;
    for &piece in pieces {
        match piece {
            Piece::Char(c) if c.is_ascii() && is_word_char(c) => {
                word.iter_mut().for_each(|word| word.push(c))
            }
            Piece::Char(c) if !c.is_ascii() => word = None,
            Piece::Unknown => word = None,
            Piece::Char(_) | Piece::Boundary => {
                let ended = word.replace(String::new()).filter(|word| !word.is_empty());
                found.extend(ended.map(|word| folded(&word)));
            }
        }
    }
    found
}

fn folded(word: &str) -> String {
    let mut folded = String::with_capacity(word.len());
    push_folded(&mut folded, word);
    folded
}

/// A reader of the regular expressions that people search with; none where it meets anything rarer.
struct Regex<'a> {
    rest: std::iter::Peekable<std::str::Chars<'a>>,
}

impl Regex<'_> {
    /// None: nothing can be said.
    fn alternatives(mut self) -> Option<Vec<Vec<Piece>>> {
        let mut alternatives = vec![vec![Piece::Unknown]];
        while let Some(c) = self.rest.next() {
            let pieces = alternatives.last_mut()?;
            match c {
                '|' => {
                    pieces.push(Piece::Unknown);
                    alternatives.push(vec![Piece::Unknown]);
                }
                '^' | '$' => pieces.push(Piece::Boundary),
                '.' => pieces.push(Piece::Unknown),
                '(' => pieces.extend(self.group()?),
                '[' => {
                    self.class()?;
                    pieces.push(Piece::Unknown);
                }
                '*' | '?' => at_will(pieces),
                '+' => repeated(pieces),
                '{' => {
                    self.skip_past('}')?;
                    at_will(pieces);
                }
                '\\' => pieces.push(self.escaped()?),
                c => pieces.push(Piece::Char(c)),
            }
        }
        alternatives.last_mut()?.push(Piece::Unknown);
        Some(alternatives)
    }

    /// What stands in a group is not looked at. Flags are, since they change how the rest is read.
    fn group(&mut self) -> Option<Option<Piece>> {
        if self.rest.next_if_eq(&'?').is_some() {
            let head: String = std::iter::from_fn(|| self.rest.next_if(|c| !":<)".contains(*c))).collect();
            match self.rest.next()? {
                ')' if head.chars().all(|flag| "ism".contains(flag)) => return Some(None),
                ':' if head.chars().all(|flag| "ism".contains(flag)) => {}
                '<' if head.is_empty() || head == "P" => {}
                _ => return None,
            }
        }
        let mut depth = 1;
        while depth > 0 {
            match self.rest.next()? {
                '(' => depth += 1,
                ')' => depth -= 1,
                '[' => self.class()?,
                '\\' => drop(self.rest.next()?),
                _ => {}
            }
        }
        Some(Some(Piece::Unknown))
    }

    /// The rest of a class of characters, which may hold others.
    fn class(&mut self) -> Option<()> {
        self.rest.next_if_eq(&'^');
        self.rest.next_if_eq(&']');
        loop {
            match self.rest.next()? {
                ']' => return Some(()),
                '[' => self.class()?,
                '\\' => drop(self.rest.next()?),
                _ => {}
            }
        }
    }

    fn escaped(&mut self) -> Option<Piece> {
        match self.rest.next()? {
            'b' if self.rest.peek() != Some(&'{') => Some(Piece::Boundary),
            'A' | 'z' | 's' | 'W' | 'n' | 't' | 'r' => Some(Piece::Boundary),
            'd' | 'D' | 'w' | 'S' | 'B' => Some(Piece::Unknown),
            c if c.is_ascii_punctuation() => Some(Piece::Char(c)),
            _ => None,
        }
    }

    fn skip_past(&mut self, end: char) -> Option<()> {
        self.rest.find(|c| *c == end).map(|_| ())
    }
}

/// The last piece may be there or not.
fn at_will(pieces: &mut Vec<Piece>) {
    pieces.pop();
    pieces.push(Piece::Unknown);
}

/// The last piece is there at least once: a boundary stays one.
fn repeated(pieces: &mut Vec<Piece>) {
    let is_boundary = |piece: &Piece| match piece {
        Piece::Char(c) => c.is_ascii() && !is_word_char(*c),
        piece => *piece == Piece::Boundary,
    };
    let stays = pieces.last().is_some_and(is_boundary);
    at_will(pieces);
    if stays {
        pieces.pop();
        pieces.push(Piece::Boundary);
    }
}

#[cfg(test)]
mod tests;

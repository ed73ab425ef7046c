//! Puts functions that look alike beside each other, and keeps one of those that are the same.
//!
//! Compressors find repetition only within a window, gzip's is 32 KB, and a compiled module repeats
//! itself everywhere: the same generic function for another type differs in a few bytes. Where a
//! function stands has no meaning in wasm, so the order is free to be chosen; it is worth a tenth of
//! the download.

use anyhow::{Context, Result, anyhow};
use std::cmp::Reverse;
use std::collections::HashMap;
use wasm_encoder::reencode::{self, Reencode};
use wasm_encoder::{CodeSection, Encode, FunctionSection, Module};
use wasmparser::{
    CodeSectionReader, FunctionBody, FunctionSectionReader, Parser, Payload, TypeRef, Validator,
};

/// Gives the same module, rearranged and checked. Names of functions must be stripped already.
pub(super) fn arrange(wasm: &[u8]) -> Result<Vec<u8>> {
    let functions = Functions::of(wasm).context("read the module")?;
    let kept_by = functions.equals()?;
    let kept: Vec<usize> = (0..kept_by.len()).filter(|idx| kept_by[*idx] == *idx).collect();
    let bodies: Vec<&[u8]> = kept.iter().map(|idx| functions.bodies[*idx].as_bytes()).collect();
    let order: Vec<usize> = similar_first(&bodies).into_iter().map(|at| kept[at]).collect();
    let mut place = vec![0; kept_by.len()];
    for (at, idx) in order.iter().enumerate() {
        place[*idx] = u32::try_from(at)?;
    }
    let places = kept_by.iter().map(|idx| place[*idx]).collect();
    let mut arranger = Arranger { n_imported: functions.n_imported, places, order, functions: &functions };
    let mut module = Module::new();
    arranger
        .parse_core_module(&mut module, Parser::new(0), wasm)
        .map_err(|error| anyhow!("rearrange the module: {error}"))?;
    let arranged = module.finish();
    Validator::new().validate_all(&arranged).context("check the rearranged module")?;
    Ok(arranged)
}

/// The functions that the module defines itself; imported ones come first in the numbering.
struct Functions<'a> {
    n_imported: u32,
    types: Vec<u32>,
    bodies: Vec<FunctionBody<'a>>,
}

impl<'a> Functions<'a> {
    fn of(wasm: &'a [u8]) -> Result<Self> {
        let mut functions = Self { n_imported: 0, types: Vec::new(), bodies: Vec::new() };
        for payload in Parser::new(0).parse_all(wasm) {
            match payload? {
                Payload::ImportSection(imports) => {
                    for import in imports.into_imports() {
                        functions.n_imported += u32::from(matches!(import?.ty, TypeRef::Func(_)));
                    }
                }
                Payload::FunctionSection(types) => {
                    functions.types = types.into_iter().collect::<Result<_, _>>()?;
                }
                Payload::CodeSectionEntry(body) => functions.bodies.push(body),
                _ => {}
            }
        }
        Ok(functions)
    }

    /// For each function the first one that is the same. Callers of equal functions become equal by
    /// that, so it is looked again until nothing changes.
    fn equals(&self) -> Result<Vec<usize>> {
        let mut kept_by: Vec<usize> = (0..self.bodies.len()).collect();
        loop {
            let before = kept_by.clone();
            let mut first = HashMap::new();
            let places = kept_by.iter().map(|idx| u32::try_from(*idx)).collect::<Result<_, _>>()?;
            let mut arranger =
                Arranger { n_imported: self.n_imported, places, order: Vec::new(), functions: self };
            for (idx, body) in self.bodies.iter().enumerate() {
                let mut code = CodeSection::new();
                arranger
                    .parse_function_body(&mut code, body.clone())
                    .map_err(|error| anyhow!("read function {idx}: {error}"))?;
                let mut bytes = Vec::new();
                code.encode(&mut bytes);
                kept_by[idx] = *first.entry((self.types[idx], bytes)).or_insert(idx);
            }
            if kept_by == before {
                return Ok(kept_by);
            }
        }
    }
}

struct Arranger<'a> {
    n_imported: u32,
    /// New number of each function, not counting imported ones.
    places: Vec<u32>,
    /// Old number of the function at each place.
    order: Vec<usize>,
    functions: &'a Functions<'a>,
}

type Outcome<T> = Result<T, reencode::Error>;

impl Reencode for Arranger<'_> {
    type Error = std::convert::Infallible;

    fn function_index(&mut self, function: u32) -> Outcome<u32> {
        let own = function.checked_sub(self.n_imported).and_then(|own| self.places.get(own as usize));
        Ok(own.map_or(function, |place| self.n_imported + place))
    }

    fn parse_function_section(
        &mut self,
        functions: &mut FunctionSection,
        _: FunctionSectionReader<'_>,
    ) -> Outcome<()> {
        for idx in &self.order {
            functions.function(self.functions.types[*idx]);
        }
        Ok(())
    }

    fn parse_code_section(&mut self, code: &mut CodeSection, _: CodeSectionReader<'_>) -> Outcome<()> {
        for at in 0..self.order.len() {
            self.parse_function_body(code, self.functions.bodies[self.order[at]].clone())?;
        }
        Ok(())
    }
}

/// Bytes that are compared at once; shorter ones find likeness in anything.
const GRAM: usize = 8;
/// What more functions than this have in common says nothing about any of them.
const COMMON_MAX: usize = 200;

/// An order in which each body is followed by the one most like it, as far as it is not taken yet. It
/// depends on nothing but the bodies.
fn similar_first(bodies: &[&[u8]]) -> Vec<usize> {
    let grams: Vec<Vec<u64>> = bodies.iter().map(|body| grams(body)).collect();
    let mut owners: HashMap<u64, Vec<usize>> = HashMap::new();
    for (idx, grams) in grams.iter().enumerate() {
        for gram in grams {
            owners.entry(*gram).or_default().push(idx);
        }
    }
    owners.retain(|_, owners| (2..=COMMON_MAX).contains(&owners.len()));
    // Where a chain ends, the largest body that is left begins the next one.
    let mut starts: Vec<usize> = (0..bodies.len()).collect();
    starts.sort_by_key(|idx| (bodies[*idx].len(), Reverse(*idx)));
    let mut is_taken = vec![false; bodies.len()];
    let mut order: Vec<usize> = Vec::with_capacity(bodies.len());
    let mut shared = vec![0_usize; bodies.len()];
    while order.len() < bodies.len() {
        let next = order.last().and_then(|last| most_like(*last, &grams, &owners, &is_taken, &mut shared));
        let Some(next) = next.or_else(|| starts.pop()) else { break };
        if !std::mem::replace(&mut is_taken[next], true) {
            order.push(next);
        }
    }
    order
}

/// Of the bodies that are not taken, the one that shares the largest part of its grams with `of`.
/// `shared` is working memory, zero before and after.
fn most_like(
    of: usize,
    grams: &[Vec<u64>],
    owners: &HashMap<u64, Vec<usize>>,
    is_taken: &[bool],
    shared: &mut [usize],
) -> Option<usize> {
    let mut found = Vec::new();
    for other in grams[of].iter().filter_map(|gram| owners.get(gram)).flatten() {
        if !is_taken[*other] {
            if shared[*other] == 0 {
                found.push(*other);
            }
            shared[*other] += 1;
        }
    }
    let likeness = |other: usize, n: usize| n as f64 / (grams[of].len() + grams[other].len() - n) as f64;
    let scored: Vec<(f64, usize)> =
        found.into_iter().map(|other| (likeness(other, std::mem::take(&mut shared[other])), other)).collect();
    scored.into_iter().max_by(|a, b| a.0.total_cmp(&b.0).then(b.1.cmp(&a.1))).map(|(_, other)| other)
}

/// Every sequence of `GRAM` bytes, once each.
fn grams(body: &[u8]) -> Vec<u64> {
    let mut grams: Vec<u64> = body
        .windows(GRAM)
        .map(|bytes| bytes.iter().fold(0, |gram, byte| gram << 8 | u64::from(*byte)))
        .collect();
    grams.sort_unstable();
    grams.dedup();
    grams
}

#[cfg(test)]
mod tests {
    use super::*;
    use wasm_encoder::{ExportKind, ExportSection, Function, Instruction, TypeSection, ValType};

    /// A module whose functions f0, f1, ... each add a number to what the one before gives.
    fn module(numbers: &[i32]) -> Vec<u8> {
        let (mut types, mut functions) = (TypeSection::new(), FunctionSection::new());
        let (mut exports, mut code) = (ExportSection::new(), CodeSection::new());
        types.ty().function([], [ValType::I32]);
        for (idx, number) in (0_u32..).zip(numbers) {
            functions.function(0);
            exports.export(&format!("f{idx}"), ExportKind::Func, idx);
            let mut body = Function::new([]);
            body.instruction(&Instruction::I32Const(*number));
            if idx > 0 && *number > 0 {
                body.instruction(&Instruction::Call(idx - 1)).instruction(&Instruction::I32Add);
            }
            body.instruction(&Instruction::End);
            code.function(&body);
        }
        let mut module = Module::new();
        module.section(&types).section(&functions).section(&exports).section(&code);
        module.finish()
    }

    /// The constants met from an exported function down to the last one that it calls.
    fn constants(wasm: &[u8], name: &str) -> Vec<i32> {
        let functions = Functions::of(wasm).expect("reads");
        let mut exports = Parser::new(0).parse_all(wasm).filter_map(|payload| match payload {
            Ok(Payload::ExportSection(exports)) => Some(exports),
            _ => None,
        });
        let exports = exports.next().expect("exports");
        let export = exports.into_iter().flatten().find(|export| export.name == name).expect("the name");
        let (mut next, mut constants) = (Some(export.index as usize), Vec::new());
        while let Some(idx) = next.take() {
            for operator in functions.bodies[idx].get_operators_reader().expect("reads") {
                match operator.expect("reads") {
                    wasmparser::Operator::I32Const { value } => constants.push(value),
                    wasmparser::Operator::Call { function_index } => next = Some(function_index as usize),
                    _ => {}
                }
            }
        }
        constants
    }

    /// Scenario: functions that call each other, two of them the same and so their callers too.
    /// Guarantees: equal ones are kept once; every name still leads to the same instructions.
    #[test]
    fn meaning_stays() {
        let before = module(&[-7, 100_000, 5, -7, 100_000, 5, 9]);
        let after = arrange(&before).expect("arranges");
        assert_eq!(Functions::of(&after).expect("reads").bodies.len(), 4);
        for name in ["f0", "f1", "f2", "f3", "f4", "f5", "f6"] {
            assert_eq!(constants(&after, name), constants(&before, name), "{name}");
        }
        assert_eq!(arrange(&before).expect("arranges"), after);
    }

    /// Scenario: two families of bodies in turns.
    /// Guarantees: each family stands together.
    #[test]
    fn families_stand_together() {
        let body = |family: u8, member: u8| {
            [vec![family; 4], (0..40).map(|i| i ^ family).collect(), vec![member]].concat()
        };
        let bodies: Vec<Vec<u8>> = (0..6).map(|i| body(1 + i % 2 * 64, i)).collect();
        let order = similar_first(&bodies.iter().map(Vec::as_slice).collect::<Vec<_>>());
        let families: Vec<usize> = order.iter().map(|idx| idx % 2).collect();
        assert!(families.is_sorted() || families.is_sorted_by_key(Reverse), "{order:?}");
    }
}

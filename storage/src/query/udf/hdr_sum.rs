//! `hdr_of(duration_ns)` and `hdr_merge(duration_hdr)`: one histogram of many durations, or of many histograms.

use super::merged::Merged;
use arrow::array::{Array, ArrayRef, AsArray, BinaryBuilder, BooleanArray};
use arrow::datatypes::{DataType, Field, FieldRef, Int64Type};
use datafusion::common::{DataFusionError, ScalarValue};
use datafusion::logical_expr::function::{AccumulatorArgs, StateFieldsArgs};
use datafusion::logical_expr::{
    Accumulator, AggregateUDFImpl, EmitTo, GroupsAccumulator, Signature, Volatility,
};
use std::sync::Arc;

/// The histogram of a group's rows.
#[derive(Debug, PartialEq, Eq, Hash)]
pub(super) struct HdrSum {
    rows: Rows,
    signature: Signature,
}

/// What a row has.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
enum Rows {
    Durations,
    Histograms,
}

impl HdrSum {
    /// `hdr_of`.
    pub(super) fn of_durations() -> Self {
        Self { rows: Rows::Durations, signature: takes(DataType::Int64) }
    }

    /// `hdr_merge`.
    pub(super) fn of_histograms() -> Self {
        Self { rows: Rows::Histograms, signature: takes(DataType::Binary) }
    }
}

fn takes(data_type: DataType) -> Signature {
    Signature::exact(vec![data_type], Volatility::Immutable)
}

impl AggregateUDFImpl for HdrSum {
    fn name(&self) -> &str {
        match self.rows {
            Rows::Durations => "hdr_of",
            Rows::Histograms => "hdr_merge",
        }
    }

    fn signature(&self) -> &Signature {
        &self.signature
    }

    fn return_type(&self, _arg_types: &[DataType]) -> Result<DataType, DataFusionError> {
        Ok(DataType::Binary)
    }

    fn accumulator(&self, _args: AccumulatorArgs) -> Result<Box<dyn Accumulator>, DataFusionError> {
        Ok(Box::new(OfOne { rows: self.rows, merged: Merged::default() }))
    }

    fn state_fields(&self, args: StateFieldsArgs) -> Result<Vec<FieldRef>, DataFusionError> {
        Ok(vec![Arc::new(Field::new(format!("{}[durations]", args.name), DataType::Binary, true))])
    }

    fn groups_accumulator_supported(&self, _args: AccumulatorArgs) -> bool {
        true
    }

    fn create_groups_accumulator(
        &self,
        _args: AccumulatorArgs,
    ) -> Result<Box<dyn GroupsAccumulator>, DataFusionError> {
        Ok(Box::new(OfGroups { rows: self.rows, groups: Vec::new() }))
    }
}

impl Rows {
    /// Adds a row that is not null.
    fn add(self, values: &ArrayRef, row: usize, merged: &mut Merged) -> Result<(), DataFusionError> {
        match self {
            Self::Durations => merged.record(values.as_primitive::<Int64Type>().value(row)),
            Self::Histograms => merged.add(values.as_binary(), row)?,
        }
        Ok(())
    }
}

#[derive(Debug)]
struct OfOne {
    rows: Rows,
    merged: Merged,
}

impl OfOne {
    fn add(&mut self, rows: Rows, values: &ArrayRef) -> Result<(), DataFusionError> {
        let mut valid = (0..values.len()).filter(|&row| values.is_valid(row));
        valid.try_for_each(|row| rows.add(values, row, &mut self.merged))
    }
}

impl Accumulator for OfOne {
    fn update_batch(&mut self, values: &[ArrayRef]) -> Result<(), DataFusionError> {
        self.add(self.rows, &values[0])
    }

    /// A state is a histogram like any other.
    fn merge_batch(&mut self, states: &[ArrayRef]) -> Result<(), DataFusionError> {
        self.add(Rows::Histograms, &states[0])
    }

    fn state(&mut self) -> Result<Vec<ScalarValue>, DataFusionError> {
        Ok(vec![self.evaluate()?])
    }

    fn evaluate(&mut self) -> Result<ScalarValue, DataFusionError> {
        Ok(ScalarValue::Binary(self.merged.encode()))
    }

    fn size(&self) -> usize {
        size_of::<Self>() + self.merged.n_bytes()
    }
}

/// A histogram for each group.
#[derive(Debug)]
struct OfGroups {
    rows: Rows,
    groups: Vec<Merged>,
}

impl OfGroups {
    fn add(
        &mut self,
        rows: Rows,
        values: &ArrayRef,
        group_indices: &[usize],
        opt_filter: Option<&BooleanArray>,
        total_num_groups: usize,
    ) -> Result<(), DataFusionError> {
        self.groups.resize_with(total_num_groups, Merged::default);
        for (row, &group) in group_indices.iter().enumerate() {
            if values.is_valid(row) && is_kept(opt_filter, row) {
                rows.add(values, row, &mut self.groups[group])?;
            }
        }
        Ok(())
    }

    /// Takes out what is emitted, as `duration_hdr` cells.
    fn emit(&mut self, emit_to: EmitTo) -> ArrayRef {
        let mut cells = BinaryBuilder::new();
        for group in emit_to.take_needed(&mut self.groups) {
            cells.append_option(group.encode());
        }
        Arc::new(cells.finish())
    }
}

impl GroupsAccumulator for OfGroups {
    fn update_batch(
        &mut self,
        values: &[ArrayRef],
        group_indices: &[usize],
        opt_filter: Option<&BooleanArray>,
        total_num_groups: usize,
    ) -> Result<(), DataFusionError> {
        self.add(self.rows, &values[0], group_indices, opt_filter, total_num_groups)
    }

    fn merge_batch(
        &mut self,
        values: &[ArrayRef],
        group_indices: &[usize],
        total_num_groups: usize,
    ) -> Result<(), DataFusionError> {
        self.add(Rows::Histograms, &values[0], group_indices, None, total_num_groups)
    }

    /// Each row a group of its own.
    fn convert_to_state(
        &self,
        values: &[ArrayRef],
        opt_filter: Option<&BooleanArray>,
    ) -> Result<Vec<ArrayRef>, DataFusionError> {
        let mut cells = BinaryBuilder::new();
        for row in 0..values[0].len() {
            let mut merged = Merged::default();
            if values[0].is_valid(row) && is_kept(opt_filter, row) {
                self.rows.add(&values[0], row, &mut merged)?;
            }
            cells.append_option(merged.encode());
        }
        Ok(vec![Arc::new(cells.finish())])
    }

    fn state(&mut self, emit_to: EmitTo) -> Result<Vec<ArrayRef>, DataFusionError> {
        Ok(vec![self.emit(emit_to)])
    }

    fn evaluate(&mut self, emit_to: EmitTo) -> Result<ArrayRef, DataFusionError> {
        Ok(self.emit(emit_to))
    }

    fn size(&self) -> usize {
        let of_groups: usize = self.groups.iter().map(Merged::n_bytes).sum();
        self.groups.capacity() * size_of::<Merged>() + of_groups
    }
}

fn is_kept(filter: Option<&BooleanArray>, row: usize) -> bool {
    filter.is_none_or(|filter| filter.is_valid(row) && filter.value(row))
}

//! `hdr_of(duration_ns)`.

use super::merged::Merged;
use crate::read_models::SparseHistogram;
use arrow::array::{Array, ArrayRef, AsArray, BinaryArray, BinaryBuilder, BooleanArray};
use arrow::datatypes::{DataType, Field, FieldRef, Int64Type};
use datafusion::common::{DataFusionError, ScalarValue};
use datafusion::logical_expr::function::{AccumulatorArgs, StateFieldsArgs};
use datafusion::logical_expr::{
    Accumulator, AggregateUDFImpl, EmitTo, GroupsAccumulator, Signature, Volatility,
};
use std::sync::Arc;

/// The histogram of the durations of a group's rows.
#[derive(Debug, PartialEq, Eq, Hash)]
pub(super) struct HdrOf {
    signature: Signature,
}

impl HdrOf {
    pub(super) fn new() -> Self {
        Self { signature: Signature::exact(vec![DataType::Int64], Volatility::Immutable) }
    }
}

impl AggregateUDFImpl for HdrOf {
    fn name(&self) -> &str {
        "hdr_of"
    }

    fn signature(&self) -> &Signature {
        &self.signature
    }

    fn return_type(&self, _arg_types: &[DataType]) -> Result<DataType, DataFusionError> {
        Ok(DataType::Binary)
    }

    fn accumulator(&self, _args: AccumulatorArgs) -> Result<Box<dyn Accumulator>, DataFusionError> {
        Ok(Box::new(OfOne::default()))
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
        Ok(Box::new(OfGroups::default()))
    }
}

#[derive(Debug, Default)]
struct OfOne {
    merged: Merged,
}

impl Accumulator for OfOne {
    fn update_batch(&mut self, values: &[ArrayRef]) -> Result<(), DataFusionError> {
        for duration in values[0].as_primitive::<Int64Type>().iter().flatten() {
            self.merged.record(duration);
        }
        Ok(())
    }

    fn merge_batch(&mut self, states: &[ArrayRef]) -> Result<(), DataFusionError> {
        let encoded = states[0].as_binary::<i32>();
        (0..encoded.len()).try_for_each(|row| self.merged.add(encoded, row))
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
#[derive(Debug, Default)]
struct OfGroups {
    groups: Vec<Merged>,
}

impl OfGroups {
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
        self.groups.resize_with(total_num_groups, Merged::default);
        let durations = values[0].as_primitive::<Int64Type>();
        for (row, &group) in group_indices.iter().enumerate() {
            if durations.is_valid(row) && is_kept(opt_filter, row) {
                self.groups[group].record(durations.value(row));
            }
        }
        Ok(())
    }

    fn merge_batch(
        &mut self,
        values: &[ArrayRef],
        group_indices: &[usize],
        total_num_groups: usize,
    ) -> Result<(), DataFusionError> {
        self.groups.resize_with(total_num_groups, Merged::default);
        let encoded: &BinaryArray = values[0].as_binary();
        let mut rows = group_indices.iter().enumerate();
        rows.try_for_each(|(row, &group)| self.groups[group].add(encoded, row))
    }

    /// Each row a group of its own.
    fn convert_to_state(
        &self,
        values: &[ArrayRef],
        opt_filter: Option<&BooleanArray>,
    ) -> Result<Vec<ArrayRef>, DataFusionError> {
        let durations = values[0].as_primitive::<Int64Type>();
        let mut cells = BinaryBuilder::new();
        for (row, duration) in durations.iter().enumerate() {
            let duration = duration.filter(|_| is_kept(opt_filter, row));
            cells.append_option(duration.map(|duration_ns| {
                let mut durations = SparseHistogram::default();
                durations.record(duration_ns);
                durations.encode()
            }));
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

//! What the rows of an array take, and no others.
//!
//! Arrow's own measure of a slice leaves out the texts of views and takes the whole children of lists and maps,
//! however few of their items the slice reaches. Here every level counts what its rows reach.

use arrow::array::{AnyDictionaryArray, Array, ArrayRef, AsArray, OffsetSizeTrait};
use arrow::datatypes::{BinaryViewType, ByteViewType, DataType, StringViewType};

/// Bytes of one view.
const VIEW_BYTES: usize = size_of::<u128>();

/// Bytes of an array's rows, with all that is nested in them.
pub fn array_bytes(array: &dyn Array) -> usize {
    if let Some(Nested { own_bytes, items }) = nested(array) {
        return own_bytes + null_bytes(array) + items.iter().map(|items| array_bytes(items)).sum::<usize>();
    }
    match array.data_type() {
        DataType::Utf8View => view_bytes::<StringViewType>(array),
        DataType::BinaryView => view_bytes::<BinaryViewType>(array),
        DataType::Dictionary(..) => dictionary_bytes(array.as_any_dictionary()),
        _ => flat_bytes(array),
    }
}

/// Values of an array's rows, with all that are nested in them: nulls and bits too, which take next to nothing
/// as long as they are Arrow's.
pub fn array_values(array: &dyn Array) -> usize {
    let items = nested(array).map(|nested| nested.items).unwrap_or_default();
    array.len() + items.iter().map(|items| array_values(items)).sum::<usize>()
}

/// What the rows of a nested array consist of.
struct Nested {
    /// Bytes of its offsets.
    own_bytes: usize,
    /// The items that its rows reach.
    items: Vec<ArrayRef>,
}

fn nested(array: &dyn Array) -> Option<Nested> {
    match array.data_type() {
        DataType::List(_) => Some(list::<i32>(array)),
        DataType::LargeList(_) => Some(list::<i64>(array)),
        DataType::Map(..) => {
            let map = array.as_map();
            Some(reached(map.value_offsets(), map.entries().columns()))
        }
        DataType::FixedSizeList(..) => {
            let values = ArrayRef::clone(array.as_fixed_size_list().values());
            Some(Nested { own_bytes: 0, items: vec![values] })
        }
        DataType::Struct(_) => Some(Nested { own_bytes: 0, items: array.as_struct().columns().to_vec() }),
        _ => None,
    }
}

fn list<O: OffsetSizeTrait>(array: &dyn Array) -> Nested {
    let list = array.as_list::<O>();
    reached(list.value_offsets(), std::slice::from_ref(list.values()))
}

/// The items from the first offset to the last.
fn reached<O: OffsetSizeTrait>(offsets: &[O], items: &[ArrayRef]) -> Nested {
    let first = offsets.first().map_or(0, |offset| offset.as_usize());
    let last = offsets.last().map_or(0, |offset| offset.as_usize());
    let items = items.iter().map(|items| items.slice(first, last - first)).collect();
    Nested { own_bytes: size_of_val(offsets), items }
}

fn null_bytes(array: &dyn Array) -> usize {
    array.nulls().map_or(0, |nulls| nulls.len().div_ceil(8))
}

fn view_bytes<T: ByteViewType>(array: &dyn Array) -> usize {
    let views = array.as_byte_view::<T>();
    VIEW_BYTES * views.len() + views.total_buffer_bytes_used() + null_bytes(array)
}

/// A slice shorter than its dictionary counts the values that it names.
fn dictionary_bytes(array: &dyn AnyDictionaryArray) -> usize {
    let (keys, values) = (array.keys(), array.values());
    let all_bytes = array_bytes(values);
    if values.is_empty() || keys.len() >= values.len() {
        return flat_bytes(keys) + all_bytes;
    }
    let named = array.normalized_keys().into_iter().map(|key| array_bytes(&values.slice(key, 1)));
    flat_bytes(keys) + named.sum::<usize>().min(all_bytes)
}

fn flat_bytes(array: &dyn Array) -> usize {
    array.to_data().get_slice_memory_size().unwrap_or_else(|_| array.get_array_memory_size())
}

#[cfg(test)]
mod tests {
    use super::*;
    use arrow::array::{DictionaryArray, Int64Array, MapBuilder, StringBuilder, StringViewArray};
    use arrow::datatypes::Int32Type;

    /// Scenario: views of long texts, whole and one of them.
    /// Guarantees: their texts are counted, each with its row.
    #[test]
    fn views_count_their_texts() {
        let texts = StringViewArray::from_iter_values((0..100).map(|_| "x".repeat(1_000)));
        assert_eq!(array_bytes(&texts), 100 * 1_016);
        assert_eq!(array_bytes(&texts.slice(7, 1)), 1_016);
    }

    /// Scenario: maps are cut into 13 slices.
    /// Guarantees: together they take about as much as the whole, and hold as many values.
    #[test]
    fn slices_of_maps_count_their_entries() {
        let mut maps = MapBuilder::new(None, StringBuilder::new(), StringBuilder::new());
        for row in 0..1_300 {
            for key in ["http.route", "http.request.method"] {
                maps.keys().append_value(key);
                maps.values().append_value(format!("value {row}"));
            }
            maps.append(true).expect("even");
        }
        let maps = maps.finish();
        let slices: Vec<_> = (0..13).map(|slice| maps.slice(slice * 100, 100)).collect();
        let (whole, sum) = (array_bytes(&maps), slices.iter().map(|slice| array_bytes(slice)).sum::<usize>());
        assert!(whole > 1_300 * 40, "{whole}");
        assert!(sum >= whole && sum < whole + whole / 20, "{sum} of {whole}");
        assert_eq!(array_values(&maps), 1_300 * 5);
        assert_eq!(slices.iter().map(|slice| array_values(slice)).sum::<usize>(), 1_300 * 5);
    }

    /// Scenario: one row of a dictionary with a small and a large value; a column of numbers.
    /// Guarantees: a row counts the value that it names; numbers count their width.
    #[test]
    fn rows_of_dictionaries_count_their_value() {
        let large = "x".repeat(10_000);
        let texts: DictionaryArray<Int32Type> = ["small", large.as_str(), "small"].into_iter().collect();
        assert!(array_bytes(&texts) > 10_000);
        assert!(array_bytes(&texts.slice(1, 1)) > 10_000);
        assert!(array_bytes(&texts.slice(2, 1)) < 100);
        assert_eq!(array_bytes(&Int64Array::from(vec![1; 100]).slice(10, 20)), 160);
    }
}

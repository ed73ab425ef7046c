//! The columns of a span that are made from its attributes, by `semconv`.

use super::semconv::{Facts, Found, facts, is_error};
use super::table::{self, Sparse, Table};
use crate::decode::views::KeyValue;
use arrow::array::BooleanArray;
use std::sync::Arc;

macro_rules! promoted {
    ($( $name:ident )*) => {
        /// Columns under construction, row by row.
        #[derive(Debug)]
        pub(super) struct Promoted<'a> {
            found: Found<'a>,
            are_errors: Vec<bool>,
            http_response_status_code: Vec<Option<i64>>,
            $( $name: Sparse, )*
        }

        impl<'a> Promoted<'a> {
            pub(super) fn new() -> Self {
                Self {
                    found: Found::new(),
                    are_errors: Vec::new(),
                    http_response_status_code: Vec::new(),
                    $( $name: Sparse::new(), )*
                }
            }

            fn put(&mut self, row: usize, facts: &Facts<'a>) {
                $( if let Some(text) = &facts.$name { self.$name.put(row, text); } )*
            }

            /// Adds the columns to the table.
            pub(super) fn finish(self, table: &mut Table) {
                let n_rows = self.are_errors.len();
                $( table.push(stringify!($name), self.$name.finish(n_rows)); )*
                let status = self.http_response_status_code.into_iter();
                table.push("http_response_status_code", table::integers(status));
                table.push("is_error", Arc::new(BooleanArray::from(self.are_errors)));
            }
        }
    };
}

promoted! {
    http_request_method http_route url_path db_system_name db_namespace db_operation_name
    rpc_system_name rpc_method rpc_response_status_code messaging_system messaging_destination_name
    server_address peer_service error_type
}

impl<'a> Promoted<'a> {
    /// To be shown every attribute of the row in hand.
    #[inline]
    pub(super) fn note(&mut self, attribute: &KeyValue<'a>) {
        self.found.note(attribute);
    }

    /// Ends the row of a span of that kind and status.
    pub(super) fn end_row(&mut self, kind: i32, status_code: i32) {
        let facts = facts(&self.found, kind);
        self.put(self.are_errors.len(), &facts);
        self.http_response_status_code.push(facts.http_response_status_code);
        self.are_errors.push(is_error(status_code, &facts));
        self.found.clear();
    }
}

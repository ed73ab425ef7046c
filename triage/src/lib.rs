//! The detective: pure root-cause algorithms.
//!
//! `collector` brings spans here and carries answers away. Nothing in this crate reads a clock, a disk or a
//! socket, and the same input always gives the same answer.

mod critical_path;
mod statistics;

pub use critical_path::{
    PathKind, PathSpan, Section, critical_path, critical_path_below, is_asynchronous, path_roots,
};

//! `GET /api/v1/red`.

use super::convert::{self, Compared};
use super::params::Params;
use super::{Api, Failure, off_thread};
use axum::Json;
use axum::extract::State;
use http::Uri;
use storage::{RedBy, RedQuery, TimeRange};

//! Where rows are asked for: in the data directory, or of the server that has it.

use super::{Error, open};
use crate::config::Config;
use crate::query_command;
use crate::reach::Reach;
use arrow::array::RecordBatch;
use arrow::buffer::Buffer;
use arrow::datatypes::SchemaRef;
use arrow::ipc::reader::StreamDecoder;
use std::collections::VecDeque;
use std::path::Path;
use std::time::Duration;
use storage::{Engine, SqlStream};
use wire::Endpoints;

/// Nobody waits behind an export of a directory that no server has.
const TIMEOUT: Duration = Duration::from_secs(30 * 24 * 60 * 60);

#[derive(Debug)]
pub(super) enum Source {
    Directory(Engine),
    Server { url: String, reach: Reach },
}

/// The rows of a statement, as they come.
#[derive(Debug)]
pub(super) enum Rows {
    Directory(SqlStream),
    Server(Box<Remote>),
}

/// An Arrow stream that is being received.
#[derive(Debug)]
pub(super) struct Remote {
    url: String,
    answer: reqwest::Response,
    decoder: StreamDecoder,
    ready: VecDeque<RecordBatch>,
}

impl Source {
    /// The server at `url`; without one the data directory, or the server that has it.
    pub(super) async fn find(url: Option<String>, reach: Reach, mut config: Config) -> Result<Self, Error> {
        if let Some(url) = url {
            return Ok(Self::Server { url, reach });
        }
        config.storage.query.timeout = TIMEOUT;
        config.storage.compaction.is_automatic = false;
        match open(&config).await {
            Ok(engine) => Ok(Self::Directory(engine)),
            Err(error @ storage::Error::Locked { .. }) => {
                let endpoints = endpoints(&config.storage.data_dir).ok_or(error)?;
                Ok(Self::Server { url: endpoints.dashboard, reach })
            }
            Err(error) => Err(error.into()),
        }
    }

    pub(super) async fn rows(&self, sql: &str) -> Result<Rows, Error> {
        match self {
            Self::Directory(engine) => Ok(Rows::Directory(engine.sql(sql).await?)),
            Self::Server { url, reach } => {
                let format = "application/vnd.apache.arrow.stream";
                let answer = query_command::ask_for(url, reach, sql, format).await?;
                let (url, decoder) = (url.clone(), StreamDecoder::new());
                let mut remote = Remote { url, answer, decoder, ready: VecDeque::new() };
                // The schema comes before the first rows.
                while remote.decoder.schema().is_none() && remote.receive().await? {}
                Ok(Rows::Server(Box::new(remote)))
            }
        }
    }

    pub(super) async fn close(self) -> Result<(), Error> {
        match self {
            Self::Directory(engine) => Ok(engine.shutdown().await?),
            Self::Server { .. } => Ok(()),
        }
    }
}

impl Rows {
    pub(super) fn schema(&self) -> Option<SchemaRef> {
        match self {
            Self::Directory(stream) => Some(stream.schema()),
            Self::Server(remote) => remote.decoder.schema(),
        }
    }

    pub(super) async fn next(&mut self) -> Result<Option<RecordBatch>, Error> {
        match self {
            Self::Directory(stream) => Ok(stream.next().await.transpose()?),
            Self::Server(remote) => {
                while remote.ready.is_empty() && remote.receive().await? {}
                Ok(remote.ready.pop_front())
            }
        }
    }
}

impl Remote {
    /// False at the end.
    async fn receive(&mut self) -> Result<bool, Error> {
        let cut =
            |source: Box<dyn std::error::Error + Send + Sync>| Error::Cut { url: self.url.clone(), source };
        let Some(chunk) = self.answer.chunk().await.map_err(|error| cut(error.into()))? else {
            self.decoder.finish().map_err(|error| cut(error.into()))?;
            return Ok(false);
        };
        let mut bytes = Buffer::from(chunk.to_vec());
        while !bytes.is_empty() {
            self.ready.extend(self.decoder.decode(&mut bytes).map_err(|error| cut(error.into()))?);
        }
        Ok(true)
    }
}

/// Where the server that has this directory says that it is.
pub(super) fn endpoints(data_dir: &Path) -> Option<Endpoints> {
    let text = std::fs::read(data_dir.join("endpoints.json")).ok()?;
    serde_json::from_slice(&text).ok()
}

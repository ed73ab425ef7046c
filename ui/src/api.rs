//! Requests to `/api/v1`: one way to ask, one shape of failure, nothing left running.
//!
//! `ask` checks the status before it parses, because the browser's fetch does not fail on a 404.
//! `fetched`, `polled` and `tried` tie a request to the place that shows it: it is asked again when its path
//! or body changes and aborted when the place goes away. Pages never call fetch themselves.

mod cancellable;

use crate::erased::memo;
use crate::{json, url_state};
use gloo_net::http::{Request, Response};
use gloo_timers::future::TimeoutFuture;
use leptos::prelude::*;
use std::any::Any;
use std::marker::PhantomData;
use std::sync::Arc;

/// Milliseconds between two questions of a live page: slow enough to read, fast enough to trust.
const POLL_MS: u32 = 5_000;

/// Why a question has no answer, ready to be shown.
#[derive(Debug, Clone, PartialEq)]
pub struct ApiFailure {
    /// HTTP status; absent when no answer came at all.
    pub status: Option<u16>,
    pub code: String,
    /// What happened.
    pub message: String,
    /// What to do about it.
    pub hint: Option<String>,
    /// What is wrong with what was sent, one by one.
    pub problems: Vec<wire::FieldProblem>,
}

impl ApiFailure {
    pub fn is_not_found(&self) -> bool {
        self.status == Some(404)
    }

    fn unreachable(reason: String) -> Self {
        Self {
            status: None,
            code: "unreachable".to_owned(),
            message: format!("The server did not answer: {reason}."),
            hint: Some("Check that firstfault is still running; this page asks again by itself.".to_owned()),
            problems: Vec::new(),
        }
    }

    pub fn unreadable(reason: json::Unreadable) -> Self {
        Self {
            status: Some(200),
            code: "unreadable".to_owned(),
            message: format!("The answer could not be read: {reason}."),
            hint: Some("The page may be older than the server; reload it.".to_owned()),
            problems: Vec::new(),
        }
    }

    fn refused(status: u16, body: &str) -> Self {
        match json::read::<wire::ErrorBody>(body) {
            Ok(wire::ErrorBody { error }) => {
                let wire::ApiError { code, message, hint, problems } = error;
                Self { status: Some(status), code, message, hint, problems }
            }
            Err(_) => Self {
                status: Some(status),
                code: "unknown".to_owned(),
                message: format!("The server answered with status {status}."),
                hint: None,
                problems: Vec::new(),
            },
        }
    }
}

/// A question: an address below `/api/v1`, and what is sent along where that is too much for an address.
#[derive(Debug, Clone, PartialEq)]
struct Asked {
    path: String,
    body: Option<String>,
}

/// Aborts the request when the future is dropped.
async fn ask(asked: &Asked) -> Result<String, ApiFailure> {
    let abort = AbortOnDrop::new();
    let url = format!("/api/v1{}", asked.path);
    let request = match &asked.body {
        None => Request::get(&url),
        Some(_) => Request::post(&url).header("content-type", "application/json"),
    };
    let request = request.header("accept", "application/json").abort_signal(abort.signal().as_ref());
    let request = match &asked.body {
        None => request.build(),
        Some(body) => request.body(body.as_str()),
    };
    let response = request.map_err(unreachable)?.send().await.map_err(unreachable)?;
    body_of(response).await
}

/// Has `/api/v1{path}` do something. It is not taken back when the page goes away.
pub async fn post(path: &str, body: &str) -> Result<String, ApiFailure> {
    change(Change::Post, path, body).await
}

/// How something is changed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Change {
    Post,
    Put,
    Delete,
}

/// As `post`, for every way to change something.
pub async fn change(how: Change, path: &str, body: &str) -> Result<String, ApiFailure> {
    let url = format!("/api/v1{path}");
    let request = match how {
        Change::Post => Request::post(&url),
        Change::Put => Request::put(&url),
        Change::Delete => Request::delete(&url),
    };
    let request = request.header("content-type", "application/json").body(body).map_err(unreachable)?;
    body_of(request.send().await.map_err(unreachable)?).await
}

fn unreachable(error: gloo_net::Error) -> ApiFailure {
    ApiFailure::unreachable(error.to_string())
}

async fn body_of(response: Response) -> Result<String, ApiFailure> {
    let status = response.status();
    let body = response.text().await.map_err(unreachable)?;
    if response.ok() { Ok(body) } else { Err(ApiFailure::refused(status, &body)) }
}

struct AbortOnDrop(Option<web_sys::AbortController>);

impl AbortOnDrop {
    fn new() -> Self {
        Self(web_sys::AbortController::new().ok())
    }

    fn signal(&self) -> Option<web_sys::AbortSignal> {
        self.0.as_ref().map(web_sys::AbortController::signal)
    }
}

impl Drop for AbortOnDrop {
    fn drop(&mut self) {
        // Aborting a finished request does nothing.
        if let Some(controller) = &self.0 {
            controller.abort();
        }
    }
}

/// What a panel needs to know about its question.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct LoadState {
    /// An answer is there, perhaps an old one.
    pub has_data: bool,
    /// The answer belongs to an earlier question and a new one is on its way: dim it.
    pub is_stale: bool,
    /// Why the last question has no answer.
    pub failure: Option<ApiFailure>,
}

/// A question and its latest answer. `Copy`, like a signal.
///
/// The answer's type exists only here, at the outside: asking, keeping and telling are compiled once.
pub struct Fetch<T> {
    question: Question,
    of: PhantomData<fn() -> T>,
}

impl<T> Clone for Fetch<T> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<T> Copy for Fetch<T> {}

impl<T: Send + Sync + 'static> Fetch<T> {
    /// The newest answer. Stays while a new one loads. Tracks.
    pub fn get(&self) -> Option<Arc<T>> {
        self.question.answer.get()?.downcast().ok()
    }

    /// A value derived from the answer. Tracks.
    pub fn map<R>(&self, read: impl FnOnce(&T) -> R) -> Option<R> {
        self.get().map(|answer| read(&answer))
    }

    pub fn state(&self) -> Signal<LoadState> {
        self.question.state.into()
    }

    /// Asks again now.
    pub fn reload(&self) {
        self.question.reload();
    }

    /// For the "Try again" button of a panel.
    pub fn retry(&self) -> Callback<()> {
        let question = self.question;
        Callback::new(move |()| question.reload())
    }
}

/// Asks whenever `path` changes; no path, no question. Old data stays, dimmed, until new arrives.
pub fn fetched<T: Answer>(path: impl Fn() -> Option<String> + Send + Sync + 'static) -> Fetch<T> {
    start(at(path), || false)
}

/// Like `fetched`, with what is sent to `path`; the server only reads it. Nothing to send, no question.
pub fn tried<T: Answer>(
    path: &'static str,
    body: impl Fn() -> Option<String> + Send + Sync + 'static,
) -> Fetch<T> {
    let asked = move || body().map(|body| Asked { path: path.to_owned(), body: Some(body) });
    start(Box::new(asked), || false)
}

/// Like `fetched`, and asks again every few seconds while the page is live and nothing is held.
pub fn polled<T: Answer>(path: impl Fn() -> Option<String> + Send + Sync + 'static) -> Fetch<T> {
    start(at(path), url_state::is_live)
}

/// Like `polled`, whatever the range: for what is only ever about now.
pub fn watched<T: Answer>(path: impl Fn() -> Option<String> + Send + Sync + 'static) -> Fetch<T> {
    start(at(path), || true)
}

/// Types of `wire` that an address of the API answers with.
pub trait Answer: json::Fill + Default + Send + Sync + 'static {}

impl<T: json::Fill + Default + Send + Sync + 'static> Answer for T {}

type AnyAnswer = Arc<dyn Any + Send + Sync>;
type Asking = Box<dyn Fn() -> Option<Asked> + Send + Sync>;
type Read = fn(&str) -> Result<AnyAnswer, json::Unreadable>;

fn at(path: impl Fn() -> Option<String> + Send + Sync + 'static) -> Asking {
    Box::new(move || path().map(|path| Asked { path, body: None }))
}

fn start<T: Answer>(asking: Asking, is_polled: fn() -> bool) -> Fetch<T> {
    let read: Read = |text| json::read::<T>(text).map(|answer| Arc::new(answer) as AnyAnswer);
    Fetch { question: Question::ask(asking, is_polled, read), of: PhantomData }
}

/// What is the same for every type of answer.
#[derive(Clone, Copy)]
struct Question {
    answer: RwSignal<Option<AnyAnswer>>,
    state: RwSignal<LoadState>,
    again: RwSignal<u32>,
}

impl Question {
    fn ask(asking: Asking, is_polled: fn() -> bool, read: Read) -> Self {
        let question = Self {
            answer: RwSignal::new(None),
            state: RwSignal::new(LoadState::default()),
            again: RwSignal::new(0),
        };
        let wanted = memo(asking);
        let is_polled = memo(is_polled);
        let asked = StoredValue::new(None::<Asked>);
        let task = StoredValue::new_local(Task::default());
        Effect::new(move |_| {
            question.again.track();
            let polls = is_polled.get();
            let Some(now_asked) = wanted.get() else {
                task.update_value(Task::cancel);
                return;
            };
            let is_new = asked.with_value(|asked| asked.as_ref() != Some(&now_asked));
            asked.set_value(Some(now_asked.clone()));
            if is_new {
                question.state.update(|state| state.is_stale = true);
            }
            task.update_value(|task| task.run(question.answered(now_asked, polls, read)));
        });
        // The arena drops the task with its owner anyway; this also covers a cleanup that comes first.
        on_cleanup(move || {
            task.try_update_value(Task::cancel);
        });
        question
    }

    fn reload(self) {
        self.again.update(|n| *n += 1);
    }

    async fn answered(self, asked: Asked, polls: bool, read: Read) {
        loop {
            let text = ask(&asked).await;
            let failure = match text.and_then(|text| read(&text).map_err(ApiFailure::unreadable)) {
                Ok(answer) => {
                    self.answer.set(Some(answer));
                    None
                }
                Err(failure) => Some(failure),
            };
            let has_data = self.answer.with_untracked(Option::is_some);
            let lost = failure.as_ref().is_some_and(|failure| failure.status.is_none());
            // A failed answer to a new question leaves the old one's data on the screen: still stale.
            let is_stale = failure.is_some() && self.state.with_untracked(|state| state.is_stale);
            self.state.set(LoadState { has_data, is_stale, failure });
            // A server that is gone is worth asking again whatever the range.
            if !polls && !lost {
                return;
            }
            pause().await;
        }
    }
}

/// Waits for the next turn; longer while the tab is hidden or something is held.
async fn pause() {
    TimeoutFuture::new(POLL_MS).await;
    while document().hidden() || crate::components::hold::is_held() {
        TimeoutFuture::new(POLL_MS / 5).await;
    }
}

/// At most one running request; dropping the sender drops the future and so aborts the fetch.
#[derive(Default)]
struct Task(Option<cancellable::Handle>);

impl Task {
    fn run(&mut self, work: impl Future<Output = ()> + 'static) {
        self.0 = Some(cancellable::spawn(work));
    }

    fn cancel(&mut self) {
        self.0 = None;
    }
}

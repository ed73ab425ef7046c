//! Spawning with a handle that cancels on drop: the future is dropped, and with it its request.

use std::cell::RefCell;
use std::pin::Pin;
use std::rc::Rc;
use std::task::Poll;

type Work = Rc<RefCell<Option<Pin<Box<dyn Future<Output = ()>>>>>>;

pub struct Handle(Work);

impl Drop for Handle {
    fn drop(&mut self) {
        // Borrowed only while the work itself drops its handle; it is ending anyway then.
        if let Ok(mut work) = self.0.try_borrow_mut() {
            *work = None;
        }
    }
}

pub fn spawn(work: impl Future<Output = ()> + 'static) -> Handle {
    let shared: Work = Rc::new(RefCell::new(Some(Box::pin(work))));
    let running = Rc::clone(&shared);
    wasm_bindgen_futures::spawn_local(std::future::poll_fn(move |context| {
        let mut slot = running.borrow_mut();
        let Some(work) = slot.as_mut() else { return Poll::Ready(()) };
        let poll = work.as_mut().poll(context);
        if poll.is_ready() {
            *slot = None;
        }
        poll
    }));
    Handle(shared)
}

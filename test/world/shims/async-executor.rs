//! Owns the interface of the crate async-executor, as far as that crate's own tests use it, over our executor: every task
//! is a task of ours, with our wakers, in our queues, polled by our worker. It must not know what the tests look at.
//!
//! What differs by design, and how it is bridged:
//!
//! - Our single-threaded runtime polls only inside `block_on`, and stays on its thread. Theirs is driven by whoever polls
//!   `run` or `tick`, from any thread. So a turn is one `block_on` of a timer that is due, which gives every queued task
//!   its turn, and a lock lets one thread at a time take a turn.
//! - Nobody tells when a task of ours becomes ready while no thread is in `block_on`. So a task is polled with a waker
//!   that calls ours and then those of the runners.
//! - Our tasks live as long as they like. Theirs may borrow what outlives the executor, as its end drops them; so does
//!   the end of our runtime, and the lifetimes are erased here.
//! - Our join handle, dropped, lets the task go on. Theirs ends it: here by `abort`.

use std::cell::UnsafeCell;
use std::collections::HashMap;
use std::future::{poll_fn, Future, IntoFuture};
use std::marker::PhantomData;
use std::panic::{resume_unwind, RefUnwindSafe, UnwindSafe};
use std::pin::{pin, Pin};
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, OnceLock};
use std::task::{Context, Poll, Wake, Waker};
use std::time::Duration;

use wakeline_executor::{time, AbortHandle, Handle, JoinFuture, Runtime};

/// As many turns as one poll of `run` takes before it lets others have the thread.
const TURNS_PER_POLL: usize = 200;

/// Async-executor's `Executor`.
pub struct Executor<'a> {
    engine: OnceLock<Engine>,
    /// Invariant: what is spawned must live as long as `'a`, not as long as a shorter borrow of the executor.
    borrows: PhantomData<UnsafeCell<&'a ()>>,
}

struct Engine {
    runtime: Mutex<Driven>,
    handle: Handle,
    signal: Arc<Signal>,
}

/// The runtime, which says of itself that it stays on its thread.
struct Driven(Runtime);

// SAFETY: what binds a runtime to its thread are local tasks, and none is ever spawned on this one. It is used behind a
// lock, by one thread at a time.
unsafe impl Send for Driven {}

// SAFETY: futures of a `LocalExecutor`, which need not be `Send`, never leave its thread, because it does not. Those of
// an `Executor` are `Send`, and the engine is shared behind its locks.
unsafe impl Send for Executor<'_> {}
// SAFETY: as above.
unsafe impl Sync for Executor<'_> {}
impl UnwindSafe for Executor<'_> {}
impl RefUnwindSafe for Executor<'_> {}

impl<'a> Executor<'a> {
    pub const fn new() -> Self {
        Executor {
            engine: OnceLock::new(),
            borrows: PhantomData,
        }
    }

    pub fn is_empty(&self) -> bool {
        self.engine().signal.alive.load(Ordering::SeqCst) == 0
    }

    pub fn spawn<T: Send + 'a>(&self, future: impl Future<Output = T> + Send + 'a) -> Task<T> {
        self.spawn_unchecked(future)
    }

    pub fn spawn_many<T: Send + 'a, F: Future<Output = T> + Send + 'a>(
        &self,
        futures: impl IntoIterator<Item = F>,
        handles: &mut impl Extend<Task<T>>,
    ) {
        handles.extend(futures.into_iter().map(|future| self.spawn(future)));
    }

    pub fn try_tick(&self) -> bool {
        self.engine().turn()
    }

    pub async fn tick(&self) {
        let engine = self.engine();
        let runner = engine.signal.runner();
        poll_fn(|cx| {
            runner.register(cx);
            if engine.turn() {
                Poll::Ready(())
            } else {
                Poll::Pending
            }
        })
        .await
    }

    pub async fn run<T>(&self, future: impl Future<Output = T>) -> T {
        let engine = self.engine();
        let runner = engine.signal.runner();
        let mut future = pin!(future);
        poll_fn(|cx| {
            runner.register(cx);
            for _ in 0..TURNS_PER_POLL {
                if let Poll::Ready(output) = future.as_mut().poll(cx) {
                    return Poll::Ready(output);
                }
                if !engine.turn() {
                    return Poll::Pending;
                }
            }
            cx.waker().wake_by_ref();
            Poll::Pending
        })
        .await
    }

    fn engine(&self) -> &Engine {
        self.engine.get_or_init(|| {
            let runtime = Runtime::single().build().expect("a reactor is to be had");
            Engine {
                handle: runtime.handle(),
                runtime: Mutex::new(Driven(runtime)),
                signal: Arc::default(),
            }
        })
    }

    fn spawn_unchecked<T: 'a>(&self, future: impl Future<Output = T> + 'a) -> Task<T> {
        let engine = self.engine();
        let erased: Pin<Box<dyn Future<Output = Output> + 'a>> =
            Box::pin(async move { Output::new(future.await) });
        // SAFETY: only the lifetime changes. The runtime drops the future at its own end at the latest, which the end of
        // the executor is, and that is within `'a` or never.
        let erased: Pin<Box<dyn Future<Output = Output>>> = unsafe { std::mem::transmute(erased) };
        let carried = Carried {
            future: erased,
            signal: Arc::clone(&engine.signal),
        };
        engine.signal.alive.fetch_add(1, Ordering::SeqCst);
        let join = engine.handle.spawn(carried);
        let task = Task {
            abort: Some(join.abort_handle()),
            join: join.into_future(),
            signal: Arc::clone(&engine.signal),
            output: PhantomData,
        };
        engine.signal.notify();
        task
    }
}

impl Default for Executor<'_> {
    fn default() -> Self {
        Self::new()
    }
}

impl Drop for Executor<'_> {
    /// Ends the runtime, and with it drops every future while what it borrows is there.
    fn drop(&mut self) {
        drop(self.engine.take());
    }
}

impl Engine {
    /// Polls what is queued; tells whether there was anything. Not while another thread does so.
    fn turn(&self) -> bool {
        let Ok(runtime) = self.runtime.try_lock() else {
            return false;
        };
        let before = self.signal.polls.load(Ordering::SeqCst);
        // The timer is due when nothing is queued, or every 61 polls.
        runtime.0.block_on(time::sleep(Duration::ZERO));
        self.signal.polls.load(Ordering::SeqCst) != before
    }
}

/// Async-executor's `LocalExecutor`: one whose futures stay on its thread, as it does.
#[derive(Default)]
pub struct LocalExecutor<'a> {
    inner: Executor<'a>,
    stays_on_its_thread: PhantomData<*const ()>,
}

impl UnwindSafe for LocalExecutor<'_> {}
impl RefUnwindSafe for LocalExecutor<'_> {}

impl<'a> LocalExecutor<'a> {
    pub const fn new() -> Self {
        LocalExecutor {
            inner: Executor::new(),
            stays_on_its_thread: PhantomData,
        }
    }

    pub fn is_empty(&self) -> bool {
        self.inner.is_empty()
    }

    pub fn spawn<T: 'a>(&self, future: impl Future<Output = T> + 'a) -> Task<T> {
        self.inner.spawn_unchecked(future)
    }

    pub fn spawn_many<T: 'a, F: Future<Output = T> + 'a>(
        &self,
        futures: impl IntoIterator<Item = F>,
        handles: &mut impl Extend<Task<T>>,
    ) {
        handles.extend(futures.into_iter().map(|future| self.spawn(future)));
    }

    pub fn try_tick(&self) -> bool {
        self.inner.try_tick()
    }

    pub async fn tick(&self) {
        self.inner.tick().await
    }

    pub async fn run<T>(&self, future: impl Future<Output = T>) -> T {
        self.inner.run(future).await
    }
}

/// Async-task's `Task`: gives the output, or panics; dropped, it ends the task.
#[must_use = "dropping a task ends it"]
pub struct Task<T> {
    /// None when the task was detached or is over.
    abort: Option<AbortHandle>,
    join: JoinFuture<Output>,
    signal: Arc<Signal>,
    output: PhantomData<T>,
}

impl<T> Unpin for Task<T> {}
impl<T> UnwindSafe for Task<T> {}
impl<T> RefUnwindSafe for Task<T> {}

impl<T> Task<T> {
    pub fn detach(mut self) {
        self.abort = None;
    }
}

impl<T> Future for Task<T> {
    type Output = T;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<T> {
        let Poll::Ready(result) = Pin::new(&mut self.join).poll(cx) else {
            return Poll::Pending;
        };
        self.abort = None;
        match result {
            // SAFETY: `spawn_unchecked` made the task of a future whose output is a `T`.
            Ok(output) => Poll::Ready(unsafe { output.take() }),
            Err(error) => match error.try_into_panic() {
                Ok(payload) => resume_unwind(payload),
                Err(error) => panic!("{error}"),
            },
        }
    }
}

impl<T> Drop for Task<T> {
    fn drop(&mut self) {
        if let Some(abort) = self.abort.take() {
            abort.abort();
            self.signal.notify();
        }
    }
}

/// A task's output of any type, which our join handle carries as one that borrows nothing.
struct Output {
    value: *mut (),
    drop: unsafe fn(*mut ()),
}

// SAFETY: an output that is not `Send` comes from a `LocalExecutor` and stays on its thread: the task that carries it is
// polled there, and a `Task<T>` is `Send` only where `T` is.
unsafe impl Send for Output {}

impl Output {
    fn new<T>(value: T) -> Self {
        /// # Safety
        ///
        /// The pointer must come from a box of a `T` and be used no more.
        unsafe fn drop_box<T>(value: *mut ()) {
            // SAFETY: promised by the caller.
            drop(unsafe { Box::from_raw(value.cast::<T>()) });
        }
        Output {
            value: Box::into_raw(Box::new(value)).cast(),
            drop: drop_box::<T>,
        }
    }

    /// # Safety
    ///
    /// It must have been made of a `T`.
    unsafe fn take<T>(self) -> T {
        let this = std::mem::ManuallyDrop::new(self);
        // SAFETY: a box of a `T` by the caller's promise, and nobody else drops it.
        *unsafe { Box::from_raw(this.value.cast::<T>()) }
    }
}

impl Drop for Output {
    fn drop(&mut self) {
        // SAFETY: made together, and `take` does not come here.
        unsafe { (self.drop)(self.value) }
    }
}

/// A spawned future, polled with a waker that calls the runners too.
struct Carried {
    future: Pin<Box<dyn Future<Output = Output>>>,
    signal: Arc<Signal>,
}

// SAFETY: see `Executor`: a future that is not `Send` does not leave the thread of its executor.
unsafe impl Send for Carried {}

impl Future for Carried {
    type Output = Output;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Output> {
        self.signal.polls.fetch_add(1, Ordering::SeqCst);
        let waker = Waker::from(Arc::new(WakeBoth {
            task: cx.waker().clone(),
            signal: Arc::clone(&self.signal),
        }));
        self.future.as_mut().poll(&mut Context::from_waker(&waker))
    }
}

impl Drop for Carried {
    fn drop(&mut self) {
        self.signal.alive.fetch_sub(1, Ordering::SeqCst);
    }
}

struct WakeBoth {
    task: Waker,
    signal: Arc<Signal>,
}

impl Wake for WakeBoth {
    fn wake(self: Arc<Self>) {
        self.wake_by_ref();
    }

    fn wake_by_ref(self: &Arc<Self>) {
        self.task.wake_by_ref();
        self.signal.notify();
    }
}

/// What tasks and runners of one executor tell each other.
#[derive(Default)]
struct Signal {
    runners: Mutex<HashMap<u64, Waker>>,
    runners_made: AtomicU64,
    polls: AtomicU64,
    alive: AtomicUsize,
}

impl Signal {
    /// Something may be queued: whoever runs shall look.
    fn notify(&self) {
        let runners = std::mem::take(&mut *self.runners());
        for waker in runners.into_values() {
            waker.wake();
        }
    }

    fn runners(&self) -> MutexGuard<'_, HashMap<u64, Waker>> {
        self.runners.lock().expect("nothing panics under this lock")
    }

    fn runner(&self) -> Runner<'_> {
        Runner {
            signal: self,
            id: self.runners_made.fetch_add(1, Ordering::SeqCst),
        }
    }
}

/// Someone who polls `run` or `tick`.
struct Runner<'a> {
    signal: &'a Signal,
    id: u64,
}

impl Runner<'_> {
    /// Before a turn, so that what is queued during it is not missed.
    fn register(&self, cx: &Context<'_>) {
        let waker = cx.waker().clone();
        self.signal.runners().insert(self.id, waker);
    }
}

impl Drop for Runner<'_> {
    /// What it was called for is left to the others.
    fn drop(&mut self) {
        let waker = self.signal.runners().remove(&self.id);
        drop(waker);
        self.signal.notify();
    }
}

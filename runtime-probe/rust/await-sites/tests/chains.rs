//! Reads futures of this very test program, which is built with full debug information, and
//! compares with the lines on which their awaits stand: each is marked `@name`.

mod support;

use std::future::{pending, poll_fn, Future};
use std::pin::{pin, Pin};
use std::sync::PoisonError;
use std::task::{Context, Waker};
use std::time::Duration;

use support::{keep_one, reader, Source, ROUNDS};
use wakeline_await_sites::{chains, FutureType, Kept};

const HERE: Source = Source {
    text: include_str!("chains.rs"),
    name: "chains",
};

fn chains_of<F: Future>(future: F) -> Vec<Vec<String>> {
    support::chains_of(&HERE, future)
}

fn chains_after<F: Future>(future: F, polls: usize) -> Vec<Vec<String>> {
    support::chains_after(&HERE, future, polls)
}

fn read_kept(kept: &Kept, fetches: bool) -> Vec<Vec<String>> {
    support::read_kept(&HERE, kept, fetches)
}

fn at(function: &str, mark: &str) -> String {
    support::at(&HERE, &format!("{function}:{mark}"))
}

#[test]
fn of_what_was_too_much_to_keep_only_the_rest_is_told() {
    async fn large() {
        let bytes = std::hint::black_box([7_u8; 4000]);
        leaf().await; // @large
        std::hint::black_box(bytes);
    }
    async fn around() {
        Box::pin(large()).await // @around-large
    }
    let function = "of_what_was_too_much_to_keep_only_the_rest_is_told";
    let mut future = Box::pin(around());
    let polled = future
        .as_mut()
        .poll(&mut Context::from_waker(Waker::noop()));
    assert!(polled.is_pending());
    let kept = keep_one(FutureType::of_val(&*future), (&raw const *future).cast());
    let own = at(&format!("{function}::around"), "around-large");
    let whole = leaf_chain(at(&format!("{function}::large"), "large"));
    let whole: Vec<_> = std::iter::once(own.clone()).chain(whole).collect();
    assert_eq!(read_kept(&kept, true), [whole]);
    drop(future);
    assert_eq!(read_kept(&kept, false), [[own]]);
}

#[test]
fn what_was_kept_is_told_when_the_future_is_gone() {
    async fn boxes() {
        let inside = async {
            Box::pin(middle(1)).await; // @boxes.inner
        };
        inside.await // @boxes
    }
    let function = "what_was_kept_is_told_when_the_future_is_gone";
    let own = vec![
        at(&format!("{function}::boxes"), "boxes"),
        at(&format!("{function}::boxes (async block)"), "boxes.inner"),
    ];
    let mut future = Box::pin(boxes());
    let polled = future
        .as_mut()
        .poll(&mut Context::from_waker(Waker::noop()));
    assert!(polled.is_pending());
    let whole = {
        let mut chain = own.clone();
        chain.extend(leaf_chain(at("middle", "middle")));
        [chain]
    };
    let of = FutureType::of_val(&*future);
    let kept = keep_one(of, (&raw const *future).cast());
    assert_eq!(read_kept(&kept, true), whole);
    drop(future);
    // What is in the box was copied too.
    assert_eq!(read_kept(&kept, false), whole);
    // What stands there now nobody knows; that it is read harms nobody.
    read_kept(&kept, true);
}

async fn leaf() {
    pending::<()>().await // @leaf
}

async fn middle(times: u8) {
    for _ in 0..times {
        std::future::ready(()).await;
    }
    leaf().await; // @middle
}

fn leaf_chain(first: String) -> Vec<String> {
    vec![
        first,
        at("leaf", "leaf"),
        "core::future::pending::Pending".into(),
    ]
}

#[test]
fn calls_in_calls() {
    async fn outer() {
        middle(3).await // @outer
    }
    let mut chain = vec![at("calls_in_calls::outer", "outer")];
    chain.extend(leaf_chain(at("middle", "middle")));
    assert_eq!(chains_of(outer()), [chain]);
}

#[test]
fn which_of_several_awaits() {
    /// Pending once.
    async fn once() {
        let mut first = true;
        poll_fn(|_| match std::mem::take(&mut first) {
            true => std::task::Poll::Pending,
            false => std::task::Poll::Ready(()),
        })
        .await // @once
    }
    async fn several(number: Option<u8>) {
        match number {
            Some(_) => once().await, // @several.some
            None => {
                for _ in 0..2 {
                    once().await; // @several.loop
                }
            }
        }
        leaf().await; // @several.multi-line
    }
    let once_at = |mark: &str| {
        let inner = at("which_of_several_awaits::once", "once");
        let poll_fn = "core::future::poll_fn::PollFn".to_owned();
        [vec![
            at("which_of_several_awaits::several", mark),
            inner,
            poll_fn,
        ]]
    };
    assert_eq!(chains_of(several(Some(1))), once_at("several.some"));
    assert_eq!(chains_of(several(None)), once_at("several.loop"));
    assert_eq!(chains_after(several(None), 2), once_at("several.loop"));
    let last = at("which_of_several_awaits::several", "several.multi-line");
    assert_eq!(chains_after(several(None), 3), [leaf_chain(last.clone())]);
    assert_eq!(chains_after(several(Some(1)), 2), [leaf_chain(last)]);
}

#[test]
fn blocks_and_generics() {
    async fn with<F: Future>(future: F) -> F::Output {
        future.await // @with
    }
    let block = async {
        let numbers = vec![1, 2, 3];
        with(leaf()).await; // @block
        drop(numbers);
    };
    let mut chain = vec![
        at("blocks_and_generics (async block)", "block"),
        at("blocks_and_generics::with", "with"),
    ];
    chain.extend(leaf_chain(String::new()).split_off(1));
    assert_eq!(chains_of(block), [chain]);
}

#[test]
fn behind_pointers() {
    type Boxed = Pin<Box<dyn Future<Output = ()> + Send>>;
    fn boxed(times: u8) -> Boxed {
        Box::pin(middle(times))
    }
    async fn dynamic() {
        boxed(1).await // @dynamic
    }
    async fn thin() {
        Box::pin(leaf()).await // @thin
    }
    async fn pinned() {
        let mut future = pin!(leaf());
        future.as_mut().await // @pinned
    }
    async fn borrowed() {
        let mut future = boxed(0);
        (&mut future).await // @borrowed
    }
    async fn dynamic_reference(future: Pin<&mut (dyn Future<Output = ()> + '_)>) {
        future.await // @dynamic-reference
    }
    fn recursive(depth: u8) -> Boxed {
        Box::pin(async move {
            if depth == 0 {
                leaf().await // @recursive.end
            } else {
                recursive(depth - 1).await // @recursive
            }
        })
    }
    let within = |function: &str, mark: &str| at(&format!("behind_pointers::{function}"), mark);
    let through_middle = |first: String| {
        let mut chain = vec![first];
        chain.extend(leaf_chain(at("middle", "middle")));
        [chain]
    };
    assert_eq!(
        chains_of(dynamic()),
        through_middle(within("dynamic", "dynamic"))
    );
    assert_eq!(chains_of(thin()), [leaf_chain(within("thin", "thin"))]);
    assert_eq!(
        chains_of(pinned()),
        [leaf_chain(within("pinned", "pinned"))]
    );
    assert_eq!(
        chains_of(borrowed()),
        through_middle(within("borrowed", "borrowed"))
    );
    let reference = async {
        let mut future = pin!(leaf());
        dynamic_reference(future.as_mut()).await // @around-reference
    };
    let mut chain = vec![at("behind_pointers (async block)", "around-reference")];
    chain.extend(leaf_chain(within("dynamic_reference", "dynamic-reference")));
    assert_eq!(chains_of(reference), [chain]);
    let step = within("recursive (async block)", "recursive");
    let mut chain = vec![step.clone(), step];
    chain.extend(leaf_chain(within(
        "recursive (async block)",
        "recursive.end",
    )));
    assert_eq!(chains_of(recursive(2)), [chain.clone()]);
    // A box is a future by itself.
    assert_eq!(chains_of(boxed(0)), [leaf_chain(at("middle", "middle"))]);
}

#[test]
fn structs_and_enums_that_hold_one_future() {
    struct Counted<F> {
        polls: u64,
        inner: F,
    }
    impl<F: Future> Future for Counted<F> {
        type Output = F::Output;
        fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> std::task::Poll<F::Output> {
            // SAFETY: a projection to a field that is not moved.
            let this = unsafe { self.get_unchecked_mut() };
            this.polls += 1;
            // SAFETY: as above.
            unsafe { Pin::new_unchecked(&mut this.inner) }.poll(cx)
        }
    }
    enum Either<A, B> {
        First(A),
        Second(B),
    }
    impl<A: Future, B: Future<Output = A::Output>> Future for Either<A, B> {
        type Output = A::Output;
        fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> std::task::Poll<A::Output> {
            // SAFETY: a projection to a field that is not moved.
            match unsafe { self.get_unchecked_mut() } {
                // SAFETY: as above.
                Self::First(future) => unsafe { Pin::new_unchecked(future) }.poll(cx),
                // SAFETY: as above.
                Self::Second(future) => unsafe { Pin::new_unchecked(future) }.poll(cx),
            }
        }
    }
    type Two = Either<Counted<Pin<Box<dyn Future<Output = ()>>>>, Option2>;
    type Option2 = Pin<Box<dyn Future<Output = ()> + Send>>;
    async fn either(first: bool) {
        let future: Two = match first {
            true => Either::First(Counted {
                polls: 0,
                inner: Box::pin(leaf()),
            }),
            false => Either::Second(Box::pin(middle(2))),
        };
        future.await // @either
    }
    let own = at("structs_and_enums_that_hold_one_future::either", "either");
    assert_eq!(chains_of(either(true)), [leaf_chain(own.clone())]);
    let mut chain = vec![own];
    chain.extend(leaf_chain(at("middle", "middle")));
    assert_eq!(chains_of(either(false)), [chain]);
    // The future itself is a struct by hand.
    let counted = Counted {
        polls: 0,
        inner: leaf(),
    };
    assert_eq!(chains_of(counted), [leaf_chain(String::new()).split_off(1)]);
}

#[test]
fn two_futures_of_which_nothing_is_known() {
    struct Race<A, B>(Option<A>, B);
    impl<A: Future<Output = ()>, B: Future<Output = ()>> Future for Race<A, B> {
        type Output = ();
        fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> std::task::Poll<()> {
            // SAFETY: a projection to a field that is not moved.
            let this = unsafe { self.get_unchecked_mut() };
            // SAFETY: as above.
            unsafe { Pin::new_unchecked(&mut this.1) }.poll(cx)
        }
    }
    async fn race() {
        Race(Some(leaf()), middle(1)).await // @race
    }
    let function = "two_futures_of_which_nothing_is_known";
    let chain = [
        at(&format!("{function}::race"), "race"),
        format!("{function}::Race"),
    ];
    assert_eq!(chains_of(race()), [chain]);
}

#[test]
fn branches_of_select_and_join() {
    async fn selects() {
        let mut polls = 0;
        loop {
            tokio::select! {
                () = leaf() => {}
                Some(()) = async { None } => {}
                () = middle(1) => {}
                () = pending() => {}
            }
            polls += 1;
            if polls > 9 {
                return;
            }
        }
    }
    async fn joins() {
        tokio::join!(leaf(), async {}, middle(0), pending::<()>());
    }
    let below = |first: &str| {
        let leaf = leaf_chain(first.into());
        let mut middle = vec![first.to_owned()];
        middle.extend(leaf_chain(at("middle", "middle")));
        let pending = vec![first.to_owned(), "core::future::pending::Pending".into()];
        // The branch that is done is not among them.
        [leaf, middle, pending]
    };
    let selects_at = "branches_of_select_and_join::selects in select.rs";
    assert_eq!(chains_of(selects()), below(selects_at));
    let joins_at = "branches_of_select_and_join::joins in join.rs";
    assert_eq!(chains_of(joins()), below(joins_at));
}

#[test]
fn inside_tokio() {
    let mut runtime = tokio::runtime::Builder::new_current_thread();
    let runtime = runtime.enable_time().build().expect("a runtime");
    let _inside = runtime.enter();
    async fn within_time() {
        let _ = tokio::time::timeout(Duration::from_secs(60), leaf()).await; // @timeout
    }
    async fn sleeps() {
        tokio::time::sleep(Duration::from_secs(60)).await; // @sleep
    }
    let within = |function: &str, mark: &str| at(&format!("inside_tokio::{function}"), mark);
    assert_eq!(
        chains_of(within_time()),
        [leaf_chain(within("within_time", "timeout"))]
    );
    let sleep = "tokio::time::sleep::Sleep".to_owned();
    assert_eq!(chains_of(sleeps()), [[within("sleeps", "sleep"), sleep]]);

    let mutex = tokio::sync::Mutex::new(());
    let guard = mutex.try_lock().expect("nobody has it");
    let locks = async {
        drop(mutex.lock().await); // @lock
    };
    let found = chains_of(locks);
    assert_eq!(found.len(), 1, "{found:?}");
    assert_eq!(found[0][0], at("inside_tokio (async block)", "lock"));
    assert!(
        found[0][1].starts_with("tokio::sync::mutex::lock"),
        "{found:?}"
    );
    drop(guard);
}

#[test]
fn a_future_that_was_not_polled_claims_nothing() {
    let future = leaf();
    let at = &raw const future;
    for _ in 0..ROUNDS {
        let reader = reader();
        let of = FutureType::of_val(&future);
        // SAFETY: alive, and nothing is claimed of what was not polled.
        unsafe { chains(of, at.cast(), &mut |chain| panic!("claims {chain:?}")) };
        let mut reader = reader.lock().unwrap_or_else(PoisonError::into_inner);
        reader.answer();
    }
}

//! Owns the futures made of several: join and select. One wake of the task polls
//! every branch that is not ready yet, since a waker names the task and no branch;
//! the frames make these polls visible. It must not know what the branches do.

use std::fmt;
use std::future::{Future, IntoFuture};
use std::panic::Location;
use std::pin::Pin;
use std::task::{Context, Poll};

use crate::frame::{FrameIdentity, Framed};
use crate::observe::FrameKind;

/// A branch with the place for its result.
struct Branch<F: Future> {
    framed: Framed<F>,
    output: Option<F::Output>,
}

impl<F: Future> Branch<F> {
    fn new(branch: u32, future: F, site: &'static Location<'static>) -> Self {
        Branch {
            framed: branch_frame(FrameKind::JoinBranch, branch, future, site),
            output: None,
        }
    }

    /// Polls the branch unless it is ready already. Returns whether it is.
    fn poll(&mut self, cx: &mut Context<'_>) -> bool {
        if self.output.is_none() {
            if let Poll::Ready(output) = self.framed.poll(cx) {
                self.output = Some(output);
            }
        }
        self.output.is_some()
    }
}

fn branch_frame<F: Future>(
    kind: FrameKind,
    branch: u32,
    future: F,
    site: &'static Location<'static>,
) -> Framed<F> {
    let identity = FrameIdentity {
        kind,
        name: None,
        branch,
        site,
    };
    Framed::new(identity, future)
}

/// Waits for both futures, in one task.
///
/// ```
/// use wakeline_executor::{block_on, join};
///
/// assert_eq!(block_on(join(async { 1 }, async { "two" })), (1, "two"));
/// ```
#[track_caller]
pub fn join<A: IntoFuture, B: IntoFuture>(a: A, b: B) -> Join<A::IntoFuture, B::IntoFuture> {
    let site = Location::caller();
    Join {
        a: Branch::new(0, a.into_future(), site),
        b: Branch::new(1, b.into_future(), site),
    }
}

/// Made by [`join`].
#[must_use = "futures do nothing unless awaited"]
pub struct Join<A: Future, B: Future> {
    a: Branch<A>,
    b: Branch<B>,
}

// The futures are boxed and the results are never pinned.
impl<A: Future, B: Future> Unpin for Join<A, B> {}

impl<A: Future, B: Future> Future for Join<A, B> {
    type Output = (A::Output, B::Output);

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let a_ready = self.a.poll(cx);
        let b_ready = self.b.poll(cx);
        if !(a_ready && b_ready) {
            return Poll::Pending;
        }
        match (self.a.output.take(), self.b.output.take()) {
            (Some(a), Some(b)) => Poll::Ready((a, b)),
            _ => unreachable!("both branches were ready just now"),
        }
    }
}

impl<A: Future, B: Future> fmt::Debug for Join<A, B> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Join").finish_non_exhaustive()
    }
}

/// Waits for all futures, in one task; the results come in the futures' order.
///
/// ```
/// use wakeline_executor::{block_on, join_all};
///
/// let squares = block_on(join_all((1..4).map(|n| async move { n * n })));
/// assert_eq!(squares, [1, 4, 9]);
/// ```
#[track_caller]
pub fn join_all<I>(futures: I) -> JoinAll<<I::Item as IntoFuture>::IntoFuture>
where
    I: IntoIterator,
    I::Item: IntoFuture,
{
    let site = Location::caller();
    let branches = futures
        .into_iter()
        .zip(0..)
        .map(|(future, branch)| Branch::new(branch, future.into_future(), site))
        .collect();
    JoinAll { branches }
}

/// Made by [`join_all`].
#[must_use = "futures do nothing unless awaited"]
pub struct JoinAll<F: Future> {
    branches: Vec<Branch<F>>,
}

impl<F: Future> Unpin for JoinAll<F> {}

impl<F: Future> Future for JoinAll<F> {
    type Output = Vec<F::Output>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let mut all_ready = true;
        for branch in &mut self.branches {
            all_ready &= branch.poll(cx);
        }
        if !all_ready {
            return Poll::Pending;
        }
        let branches = std::mem::take(&mut self.branches);
        Poll::Ready(
            branches
                .into_iter()
                .filter_map(|branch| branch.output)
                .collect(),
        )
    }
}

impl<F: Future> fmt::Debug for JoinAll<F> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("JoinAll")
            .field("branches", &self.branches.len())
            .finish()
    }
}

/// Which of two futures was ready first, with its result.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Either<A, B> {
    /// The first one.
    Left(A),
    /// The second one.
    Right(B),
}

/// Waits for the future that is ready first and drops the other one, which cancels
/// it. When both are, the first counts, as it is polled first.
///
/// ```
/// use std::time::Duration;
/// use wakeline_executor::{block_on, select, time::sleep, Either};
///
/// let first = block_on(select(sleep(Duration::from_secs(60)), async { "now" }));
/// assert_eq!(first, Either::Right("now"));
/// ```
#[track_caller]
pub fn select<A: IntoFuture, B: IntoFuture>(a: A, b: B) -> Select<A::IntoFuture, B::IntoFuture> {
    let site = Location::caller();
    Select {
        branches: Some((
            branch_frame(FrameKind::SelectBranch, 0, a.into_future(), site),
            branch_frame(FrameKind::SelectBranch, 1, b.into_future(), site),
        )),
    }
}

/// Made by [`select`].
#[must_use = "futures do nothing unless awaited"]
pub struct Select<A: Future, B: Future> {
    branches: Option<(Framed<A>, Framed<B>)>,
}

impl<A: Future, B: Future> Future for Select<A, B> {
    type Output = Either<A::Output, B::Output>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let Some((a, b)) = &mut self.branches else {
            panic!("a select was polled again after it was ready");
        };
        let first = match a.poll(cx) {
            Poll::Ready(output) => Poll::Ready(Either::Left(output)),
            Poll::Pending => b.poll(cx).map(Either::Right),
        };
        if first.is_ready() {
            self.branches = None;
        }
        first
    }
}

impl<A: Future, B: Future> fmt::Debug for Select<A, B> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Select").finish_non_exhaustive()
    }
}

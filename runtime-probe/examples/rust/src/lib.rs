//! Owns what the examples share: a future that counts its own polls, and options of the
//! command line. It must not know of the probe: what an example says of itself is
//! counted by itself, so that a trace can be checked against it.

use std::cell::Cell;
use std::future::Future;
use std::pin::Pin;
use std::rc::Rc;
use std::task::{Context, Poll};

/// A future that counts how often it is polled.
pub struct CountPolls<F> {
    inner: Pin<Box<F>>,
    polls: Rc<Cell<u64>>,
}

/// Wraps a future; the cell holds the count, also after the future is gone.
pub fn count_polls<F: Future>(future: F) -> (CountPolls<F>, Rc<Cell<u64>>) {
    let polls = Rc::new(Cell::new(0));
    let counted = CountPolls {
        inner: Box::pin(future),
        polls: Rc::clone(&polls),
    };
    (counted, polls)
}

impl<F: Future> Future for CountPolls<F> {
    type Output = F::Output;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<F::Output> {
        self.polls.set(self.polls.get() + 1);
        self.inner.as_mut().poll(cx)
    }
}

/// The number behind an option such as `--rounds 5`.
///
/// # Errors
/// What is wrong with the command line, in a sentence.
pub fn number_option(name: &str, default: u64) -> Result<u64, String> {
    let mut arguments = std::env::args().skip(1);
    let mut number = default;
    while let Some(argument) = arguments.next() {
        if argument != name {
            return Err(format!(
                "{argument} is not known; the only option is {name} <number>"
            ));
        }
        number = arguments
            .next()
            .and_then(|value| value.parse().ok())
            .filter(|value| *value > 0)
            .ok_or_else(|| format!("{name} needs a number from 1 on"))?;
    }
    Ok(number)
}

/// A list of numbers as JSON writes it.
pub fn json_list(numbers: impl IntoIterator<Item = u64>) -> String {
    let numbers: Vec<String> = numbers
        .into_iter()
        .map(|number| number.to_string())
        .collect();
    format!("[{}]", numbers.join(","))
}

//! Owns what the examples share: a future that counts its own polls, and options of the
//! command line. It must not know of the probe: what an example says of itself is
//! counted by itself, so that a trace can be checked against it.

mod usage;

pub use usage::Usage;

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

/// The options of the command line, each with a value behind it.
#[derive(Debug)]
pub struct Options(Vec<(String, String)>);

impl Options {
    /// Reads the command line; only the options named are known.
    ///
    /// # Errors
    /// What is wrong with the command line, in a sentence.
    pub fn read(known: &[&str]) -> Result<Self, String> {
        let mut given = Vec::new();
        let mut arguments = std::env::args().skip(1);
        while let Some(name) = arguments.next() {
            if !known.contains(&name.as_str()) {
                return Err(format!(
                    "{name} is not known; the options are {}",
                    known.join(", ")
                ));
            }
            let value = arguments
                .next()
                .ok_or_else(|| format!("{name} needs a value behind it"))?;
            given.push((name, value));
        }
        Ok(Options(given))
    }

    /// The value of an option; of one given twice the last.
    pub fn text(&self, name: &str) -> Option<&str> {
        let given = self.0.iter().rev().find(|(each, _)| each == name);
        given.map(|(_, value)| value.as_str())
    }

    /// The number behind an option.
    ///
    /// # Errors
    /// When it is no number from 1 on.
    pub fn number(&self, name: &str, default: u64) -> Result<u64, String> {
        match self.text(name).map(str::parse) {
            None => Ok(default),
            Some(Ok(number)) if number > 0 => Ok(number),
            Some(_) => Err(format!("{name} needs a number from 1 on")),
        }
    }
}

/// The number behind an option such as `--rounds 5`, where that is the only option.
///
/// # Errors
/// What is wrong with the command line, in a sentence.
pub fn number_option(name: &str, default: u64) -> Result<u64, String> {
    Options::read(&[name])?.number(name, default)
}

/// A list of numbers as JSON writes it.
pub fn json_list(numbers: impl IntoIterator<Item = u64>) -> String {
    let numbers: Vec<String> = numbers
        .into_iter()
        .map(|number| number.to_string())
        .collect();
    format!("[{}]", numbers.join(","))
}

//! Owns the attribute's arguments: which there are, what each may be, and which go together.
//! It must not know what is made of them.

use proc_macro::{Delimiter, Span, TokenStream, TokenTree};

use crate::failure::Failure;

#[derive(Clone, Copy, PartialEq)]
pub(crate) enum Flavor {
    MultiThread,
    CurrentThread,
    Local,
}

/// What stands in the parentheses.
#[derive(Default)]
pub(crate) struct Arguments {
    flavor: Option<(Flavor, Span)>,
    worker_threads: Option<(u64, Span)>,
    start_paused: Option<(bool, Span)>,
    unhandled_panic: Option<(&'static str, Span)>,
    runtime_name: Option<(String, Span)>,
    wakeline_path: Option<(String, Span)>,
}

const NAMES: &str =
    "`flavor`, `worker_threads`, `start_paused`, `unhandled_panic`, `name` and `crate`";

impl Arguments {
    pub(crate) fn parse(stream: TokenStream) -> Result<Self, Failure> {
        let mut arguments = Self::default();
        let mut tokens = stream.into_iter();
        while let Some(name) = tokens.next() {
            let at = name.span();
            let TokenTree::Ident(ident) = name else {
                let message = format!("expected an argument's name, one of {NAMES}");
                return Err(Failure::new(at, message));
            };
            let name = ident.to_string();
            match tokens.next() {
                Some(TokenTree::Punct(equals)) if equals.as_char() == '=' => {}
                _ => {
                    let message = format!("the argument `{name}` needs a value: `{name} = …`");
                    return Err(Failure::new(at, message));
                }
            }
            let Some(value) = tokens.next() else {
                let message = format!("the argument `{name}` has no value");
                return Err(Failure::new(at, message));
            };
            arguments.set(&name, at, &bare(value))?;
            match tokens.next() {
                None => break,
                Some(TokenTree::Punct(comma)) if comma.as_char() == ',' => {}
                Some(other) => {
                    return Err(Failure::new(other.span(), "expected `,` between arguments"))
                }
            }
        }
        arguments.check()?;
        Ok(arguments)
    }

    fn set(&mut self, name: &str, at: Span, value: &TokenTree) -> Result<(), Failure> {
        let once = |is_set: bool| match is_set {
            true => Err(Failure::new(at, format!("`{name}` is given twice"))),
            false => Ok(()),
        };
        match name {
            "flavor" => {
                once(self.flavor.is_some())?;
                self.flavor = Some((flavor(&string(name, value)?, value.span())?, at));
            }
            "worker_threads" => {
                once(self.worker_threads.is_some())?;
                self.worker_threads = Some((count(name, value)?, at));
            }
            "start_paused" => {
                once(self.start_paused.is_some())?;
                self.start_paused = Some((truth(name, value)?, at));
            }
            "unhandled_panic" => {
                once(self.unhandled_panic.is_some())?;
                let behavior = unhandled_panic(&string(name, value)?, value.span())?;
                self.unhandled_panic = Some((behavior, at));
            }
            "name" => {
                once(self.runtime_name.is_some())?;
                string(name, value)?;
                self.runtime_name = Some((value.to_string(), at));
            }
            "crate" => {
                once(self.wakeline_path.is_some())?;
                self.wakeline_path = Some((path(&string(name, value)?, value.span())?, at));
            }
            _ => {
                let message = format!("there is no argument `{name}`; there are {NAMES}");
                return Err(Failure::new(at, message));
            }
        }
        Ok(())
    }

    /// What tokio gives no runtime of this flavor.
    fn check(&self) -> Result<(), Failure> {
        let needs = |name: &str, needed: &str, at: Span| {
            let message = format!(
                "the argument `{name}` needs the flavor `{needed}`: `#[wakeline::main(flavor = \"{needed}\", …)]`"
            );
            Err(Failure::new(at, message))
        };
        match (self.flavor(), self) {
            (
                Flavor::MultiThread,
                Self {
                    start_paused: Some((_, at)),
                    ..
                },
            ) => needs("start_paused", "current_thread", *at),
            (
                Flavor::MultiThread,
                Self {
                    unhandled_panic: Some((_, at)),
                    ..
                },
            ) => needs("unhandled_panic", "current_thread", *at),
            (
                Flavor::CurrentThread | Flavor::Local,
                Self {
                    worker_threads: Some((_, at)),
                    ..
                },
            ) => needs("worker_threads", "multi_thread", *at),
            _ => Ok(()),
        }
    }

    pub(crate) fn flavor(&self) -> Flavor {
        match self.flavor {
            Some((flavor, _)) => flavor,
            None => Flavor::MultiThread,
        }
    }

    pub(crate) fn worker_threads(&self) -> Option<u64> {
        self.worker_threads.map(|(count, _)| count)
    }

    pub(crate) fn start_paused(&self) -> Option<bool> {
        self.start_paused.map(|(paused, _)| paused)
    }

    /// A variant of tokio's `UnhandledPanic`.
    pub(crate) fn unhandled_panic(&self) -> Option<&'static str> {
        self.unhandled_panic.map(|(behavior, _)| behavior)
    }

    /// A string literal as it is written.
    pub(crate) fn runtime_name(&self) -> Option<&str> {
        self.runtime_name.as_ref().map(|(name, _)| name.as_str())
    }

    /// How the crate `wakeline` is called where the function stands.
    pub(crate) fn wakeline_path(&self) -> &str {
        match &self.wakeline_path {
            Some((path, _)) => path,
            None => "::wakeline",
        }
    }
}

/// A value that came through a macro by example is wrapped in a group without delimiters.
fn bare(value: TokenTree) -> TokenTree {
    match &value {
        TokenTree::Group(group) if group.delimiter() == Delimiter::None => {
            let mut inner = group.stream().into_iter();
            match (inner.next(), inner.next()) {
                (Some(only), None) => bare(only),
                _ => value,
            }
        }
        _ => value,
    }
}

fn flavor(name: &str, at: Span) -> Result<Flavor, Failure> {
    match name {
        "multi_thread" => Ok(Flavor::MultiThread),
        "current_thread" => Ok(Flavor::CurrentThread),
        "local" => Ok(Flavor::Local),
        _ => {
            let message = format!(
                "there is no flavor `{name}`; there are `multi_thread`, `current_thread` and `local`"
            );
            Err(Failure::new(at, message))
        }
    }
}

fn unhandled_panic(name: &str, at: Span) -> Result<&'static str, Failure> {
    match name {
        "ignore" => Ok("Ignore"),
        "shutdown_runtime" => Ok("ShutdownRuntime"),
        _ => {
            let message =
                format!("`unhandled_panic` is `ignore` or `shutdown_runtime`, not `{name}`");
            Err(Failure::new(at, message))
        }
    }
}

/// The text of a string literal. Its escapes are left as they are, because no value of ours
/// has any; one that has some names nothing and is refused as such.
fn string(name: &str, value: &TokenTree) -> Result<String, Failure> {
    let written = value.to_string();
    let text = written
        .strip_prefix('"')
        .and_then(|rest| rest.strip_suffix('"'));
    match (value, text) {
        (TokenTree::Literal(_), Some(text)) => Ok(text.to_owned()),
        _ => {
            let message = format!("the value of `{name}` is a string: `{name} = \"…\"`");
            Err(Failure::new(value.span(), message))
        }
    }
}

fn count(name: &str, value: &TokenTree) -> Result<u64, Failure> {
    let written = value.to_string().replace('_', "");
    let digits = written.strip_suffix("usize").unwrap_or(&written);
    let count = match digits.get(..2) {
        Some("0x") => u64::from_str_radix(&digits[2..], 16),
        Some("0o") => u64::from_str_radix(&digits[2..], 8),
        Some("0b") => u64::from_str_radix(&digits[2..], 2),
        _ => digits.parse(),
    };
    match count {
        Ok(0) => Err(Failure::new(value.span(), format!("`{name}` may not be 0"))),
        Ok(count) => Ok(count),
        Err(_) => {
            let message = format!("the value of `{name}` is a number: `{name} = 4`");
            Err(Failure::new(value.span(), message))
        }
    }
}

fn truth(name: &str, value: &TokenTree) -> Result<bool, Failure> {
    match value.to_string().as_str() {
        "true" => Ok(true),
        "false" => Ok(false),
        _ => {
            let message = format!("the value of `{name}` is `true` or `false`");
            Err(Failure::new(value.span(), message))
        }
    }
}

/// A path, checked for what it may consist of, since it becomes part of the program.
fn path(text: &str, at: Span) -> Result<String, Failure> {
    let is_name = |part: &str| {
        !part.is_empty()
            && !part.starts_with(|first: char| first.is_ascii_digit())
            && part
                .chars()
                .all(|each| each == '_' || each.is_alphanumeric())
    };
    let parts = text.strip_prefix("::").unwrap_or(text);
    if parts.split("::").all(is_name) {
        return Ok(text.to_owned());
    }
    let message = format!("the value of `crate` is the path of wakeline, not `{text}`");
    Err(Failure::new(at, message))
}

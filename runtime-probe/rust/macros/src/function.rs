//! Owns what is read of the function: where `async` stands, its name and its body. It must not
//! know what becomes of it.

use proc_macro::{Delimiter, Group, Ident, Span, TokenStream, TokenTree};

use crate::failure::Failure;

/// A function: its tokens up to the body, without `async`, and the body.
pub(crate) struct Function {
    before_body: Vec<TokenTree>,
    pub(crate) name: Ident,
    pub(crate) body: Group,
}

impl Function {
    pub(crate) fn parse(item: TokenStream) -> Result<Self, Failure> {
        let mut tokens: Vec<TokenTree> = item.into_iter().collect();
        let is_word = |token: &TokenTree, word: &str| matches!(token, TokenTree::Ident(ident) if ident.to_string() == word);
        // What stands in attributes, types and the body is inside of groups, so at this depth
        // the first `fn` is the function's.
        let Some(at_fn) = tokens.iter().position(|token| is_word(token, "fn")) else {
            return Err(Failure::new(
                Span::call_site(),
                "#[wakeline::main] goes on a function: `async fn main() { … }`",
            ));
        };
        let name = match tokens.get(at_fn + 1) {
            Some(TokenTree::Ident(name)) => name.clone(),
            _ => return Err(Failure::new(tokens[at_fn].span(), "this `fn` has no name")),
        };
        let Some(at_async) = tokens[..at_fn]
            .iter()
            .position(|token| is_word(token, "async"))
        else {
            return Err(Failure::new(
                tokens[at_fn].span(),
                "the `async` keyword is missing: #[wakeline::main] runs an async function; a main that is not async calls `wakeline::init!()` in its first line",
            ));
        };
        let body = match tokens.pop() {
            Some(TokenTree::Group(body)) if body.delimiter() == Delimiter::Brace => body,
            last => {
                let at = last.map_or(name.span(), |last| last.span());
                return Err(Failure::new(at, "this function has no body to run"));
            }
        };
        tokens.remove(at_async);
        let function = Self {
            before_body: tokens,
            name,
            body,
        };
        function.check_parameters()?;
        Ok(function)
    }

    /// `main` is called by nobody who could give it anything.
    fn check_parameters(&self) -> Result<(), Failure> {
        let parameters = self.before_body.iter().find_map(|token| match token {
            TokenTree::Group(group) if group.delimiter() == Delimiter::Parenthesis => Some(group),
            _ => None,
        });
        match parameters {
            Some(group) if self.name.to_string() == "main" && !group.stream().is_empty() => Err(
                Failure::new(group.span(), "the main function cannot accept arguments"),
            ),
            _ => Ok(()),
        }
    }

    /// The function with another body.
    pub(crate) fn with_body(&self, body: Group) -> TokenStream {
        let mut tokens = self.before_body.clone();
        tokens.push(body.into());
        tokens.into_iter().collect()
    }

    /// The function as the compiler takes it where the attribute's arguments are wrong: its
    /// body would need `async`, so it has none that is checked.
    pub(crate) fn without_async(&self) -> TokenStream {
        let stream = "{ ::core::unreachable!() }".parse().unwrap_or_default();
        self.with_body(Group::new(Delimiter::Brace, stream))
    }
}

//! Owns what goes wrong: a message at a place of the program. It must not know what was expected.

use proc_macro::{Delimiter, Group, Ident, Literal, Punct, Spacing, Span, TokenStream, TokenTree};

/// A message for the compiler to show at a place.
pub(crate) struct Failure {
    message: String,
    at: Span,
}

impl Failure {
    pub(crate) fn new(at: Span, message: impl Into<String>) -> Self {
        let message = message.into();
        Self { message, at }
    }

    /// The item, followed by `::core::compile_error! { "message" }` whose every token is at
    /// the place.
    pub(crate) fn beside(&self, item: TokenStream) -> TokenStream {
        let punct = |character, spacing| {
            let mut punct = Punct::new(character, spacing);
            punct.set_span(self.at);
            TokenTree::from(punct)
        };
        let ident = |name| TokenTree::from(Ident::new(name, self.at));
        let mut message = Literal::string(&self.message);
        message.set_span(self.at);
        let mut argument = Group::new(Delimiter::Brace, TokenTree::from(message).into());
        argument.set_span(self.at);
        let mut tokens = item;
        tokens.extend([
            punct(':', Spacing::Joint),
            punct(':', Spacing::Alone),
            ident("core"),
            punct(':', Spacing::Joint),
            punct(':', Spacing::Alone),
            ident("compile_error"),
            punct('!', Spacing::Alone),
            argument.into(),
        ]);
        tokens
    }
}

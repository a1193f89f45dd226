//! The attribute `#[wakeline::main]`. Use it through the crate `wakeline`, which it names in
//! what it writes.
//!
//! Owns how the attribute and its function are put together. It must not know what recording
//! is: what it writes calls three functions of `wakeline` and tokio's own builder.
//!
//! It reads tokens itself: of the function it must find `async`, `fn`, the name and the body
//! only, and a parser of the whole language would be the largest dependency of a traced program.

mod arguments;
mod expand;
mod failure;
mod function;

use proc_macro::TokenStream;

/// `#[tokio::main]`, recorded: starts recording where the environment asks for it, builds the
/// runtime, names it after the function and records the function's future.
///
/// Takes what tokio's takes: `flavor` (`"multi_thread"`, which is the default and needs tokio's
/// feature `rt-multi-thread`; `"current_thread"`; `"local"`), `worker_threads`, `start_paused`
/// (needs `test-util`), `name` (the runtime's), `unhandled_panic` (needs `tokio_unstable`), and
/// `crate`, which here is the path of `wakeline`.
#[proc_macro_attribute]
pub fn main(arguments: TokenStream, item: TokenStream) -> TokenStream {
    let function = match function::Function::parse(item.clone()) {
        Ok(function) => function,
        // The item as it is, so that what else is said of it is the program's own.
        Err(failure) => return failure.beside(item),
    };
    match arguments::Arguments::parse(arguments) {
        Ok(arguments) => expand::expand(&arguments, &function),
        Err(failure) => failure.beside(function.without_async()),
    }
}

//! Owns what the attribute writes. It must not know how the attribute and its function were read.

use proc_macro::{Delimiter, Group, Ident, Literal, Span, TokenStream, TokenTree};

use crate::arguments::{Arguments, Flavor};
use crate::function::Function;

/// The function without `async`, whose body builds a runtime and runs what was its body.
pub(crate) fn expand(arguments: &Arguments, function: &Function) -> TokenStream {
    let wakeline = arguments.wakeline_path();
    let name = function.name.to_string();
    let name = name.strip_prefix("r#").unwrap_or(&name);
    let (start, flavor, build) = match arguments.flavor() {
        Flavor::MultiThread => ("new_multi_thread", "MultiThread", "build()"),
        Flavor::CurrentThread => ("new_current_thread", "CurrentThread", "build()"),
        Flavor::Local => (
            "new_current_thread",
            "CurrentThread",
            "build_local(::core::default::Default::default())",
        ),
    };
    let mut options = String::new();
    if let Some(count) = arguments.worker_threads() {
        options += &format!("builder.worker_threads({count}usize);");
    }
    if let Some(is_paused) = arguments.start_paused() {
        options += &format!("builder.start_paused({is_paused});");
    }
    if let Some(behavior) = arguments.unhandled_panic() {
        options += &format!(
            "builder.unhandled_panic({wakeline}::private::tokio::runtime::UnhandledPanic::{behavior});"
        );
    }
    let runtime_name = match arguments.runtime_name() {
        Some(literal) => literal.to_owned(),
        None => format!("\"{name}\""),
    };
    let workers = arguments.worker_threads().unwrap_or(0);
    // `body` is replaced by an async block of the function's own body, and `root` by a call
    // that stands where the function's name stands.
    let code = format!(
        "{wakeline}::init!();
        let future = future_of_the_body;
        let future = recorded_as_root;
        let mut builder = {wakeline}::private::tokio::runtime::Builder::{start}();
        builder.enable_all();
        {options}
        let runtime = {wakeline}::private::instrument(
            &mut builder, {runtime_name}, {wakeline}::private::Flavor::{flavor}, {workers}u64);
        #[allow(clippy::needless_return, clippy::diverging_sub_expression)]
        return {wakeline}::private::run(
            runtime.builder.{build}, runtime.seen, |runtime| runtime.block_on(future));"
    );
    let stream: TokenStream = code.parse().unwrap_or_default();
    let body = written(stream, function, wakeline, name)
        .into_iter()
        .collect();
    let mut group = Group::new(Delimiter::Brace, body);
    group.set_span(function.body.span());
    function.with_body(group)
}

/// The tokens with names that the program cannot see and cannot hide, and the parts of the
/// function in their places.
fn written(stream: TokenStream, function: &Function, wakeline: &str, name: &str) -> Vec<TokenTree> {
    let mut tokens = Vec::new();
    for mut token in stream {
        match &token {
            TokenTree::Ident(ident) if ident.to_string() == "future_of_the_body" => {
                tokens.push(Ident::new("async", Span::mixed_site()).into());
                tokens.push(function.body.clone().into());
                continue;
            }
            TokenTree::Ident(ident) if ident.to_string() == "recorded_as_root" => {
                tokens.extend(root_call(function, wakeline, name));
                continue;
            }
            TokenTree::Group(group) => {
                let inner = written(group.stream(), function, wakeline, name);
                let mut group = Group::new(group.delimiter(), inner.into_iter().collect());
                group.set_span(Span::mixed_site());
                tokens.push(group.into());
                continue;
            }
            _ => {}
        }
        token.set_span(Span::mixed_site());
        tokens.push(token);
    }
    tokens
}

/// `wakeline::private::root("name", future)`. The line of this call is the task's site, so it
/// is where the function's name is; only `future` is a name of ours.
fn root_call(function: &Function, wakeline: &str, name: &str) -> Vec<TokenTree> {
    let at = function.name.span();
    let place = |stream: TokenStream| {
        stream.into_iter().map(move |mut token| {
            token.set_span(at);
            token
        })
    };
    let callee = format!("{wakeline}::private::root").parse();
    let mut tokens: Vec<TokenTree> = place(callee.unwrap_or_default()).collect();
    let mut text = Literal::string(name);
    text.set_span(at);
    let mut comma = proc_macro::Punct::new(',', proc_macro::Spacing::Alone);
    comma.set_span(at);
    let inner: [TokenTree; 3] = [
        text.into(),
        comma.into(),
        Ident::new("future", Span::mixed_site()).into(),
    ];
    let mut parameters = Group::new(Delimiter::Parenthesis, inner.into_iter().collect());
    parameters.set_span(at);
    tokens.push(parameters.into());
    tokens
}

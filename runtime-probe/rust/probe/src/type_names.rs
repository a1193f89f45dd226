//! Owns what a task is called that was given no name: its future's type as people write it.
//! It must not know where the name is used.
//!
//! The compiler calls the future of `async fn handle` in the crate `server`
//! `server::handle::{{closure}}`, and an async block inside of it the same with one more.

/// Types that are nothing but their first parameter to who reads a name.
const WRAPPERS: [&str; 7] = [
    "core::pin::Pin",
    "alloc::boxed::Box",
    "tracing::instrument::Instrumented",
    "tracing_futures::Instrumented",
    "wakeline::traced::Traced",
    "futures_util::future::future::fuse::Fuse",
    "futures_util::future::try_future::into_future::IntoFuture",
];
const CLOSURE: &str = "{{closure}}";
/// Types in types that are looked into: more comes from no program.
const DEPTH_LIMIT: usize = 32;

/// `server::handle` for `server::handle::{{closure}}`; a type that holds an async function's
/// future is named after that, with its own name behind.
pub(crate) fn readable(type_name: &str) -> String {
    readable_at(type_name, 0)
}

fn readable_at(type_name: &str, depth: usize) -> String {
    let type_name = type_name
        .trim_start_matches("&mut ")
        .trim_start_matches('&');
    if depth > DEPTH_LIMIT {
        return type_name.to_owned();
    }
    if let Some(bounds) = type_name.strip_prefix("dyn ") {
        let first = bounds.split_once(" + ").map_or(bounds, |(first, _)| first);
        let name = readable_at(first, depth + 1);
        return match name.as_str() {
            "core::future::future::Future" => "boxed future".to_owned(),
            _ => format!("dyn {name}"),
        };
    }
    let mut path: Vec<String> = Vec::new();
    let mut parameters = "";
    let mut closures = 0;
    for part in split(type_name, "::") {
        if part == CLOSURE {
            closures += 1;
            continue;
        }
        match part
            .strip_prefix('<')
            .and_then(|part| part.strip_suffix('>'))
        {
            // `<impl Type>` and `<impl Trait for Type>` stand behind the module, `<Type as
            // Trait>` alone; `::<…>` are parameters of what comes before.
            Some(inside) => match of_impl(inside) {
                Some(of) => path = vec![readable_at(of, depth + 1)],
                None => parameters = inside,
            },
            None => {
                // Of a tuple or an array the parameters are the name.
                let is_path = !part.starts_with(['(', '[']);
                let end = part.find('<').filter(|_| is_path).unwrap_or(part.len());
                let (name, rest) = part.split_at(end);
                path.push(name.to_owned());
                let inside = rest
                    .strip_prefix('<')
                    .and_then(|rest| rest.strip_suffix('>'));
                parameters = inside.unwrap_or("");
            }
        }
    }
    let own = path.join("::");
    if closures > 0 {
        let block = if closures > 1 { " (async block)" } else { "" };
        return format!("{own}{block}");
    }
    let mut parameters = split(parameters, ", ");
    if WRAPPERS.contains(&own.as_str()) {
        return parameters
            .next()
            .map_or(own, |first| readable_at(first, depth + 1));
    }
    match parameters.find(|each| each.contains(CLOSURE)) {
        Some(inner) => {
            let last = path.last().map_or("", String::as_str);
            format!("{} ({last})", readable_at(inner, depth + 1))
        }
        None => own,
    }
}

/// The type that an `impl` in a path is of.
fn of_impl(inside: &str) -> Option<&str> {
    if let Some(of) = inside.strip_prefix("impl ") {
        return Some(split(of, " for ").last().unwrap_or(of));
    }
    let mut parts = split(inside, " as ");
    let of = parts.next()?;
    parts.next().map(|_| of)
}

/// The parts between separators that stand in no brackets.
fn split<'a>(text: &'a str, separator: &'static str) -> impl Iterator<Item = &'a str> {
    let mut rest = Some(text).filter(|text| !text.is_empty());
    std::iter::from_fn(move || {
        let text = rest?;
        let mut depth = 0_usize;
        for (at, byte) in text.bytes().enumerate() {
            match byte {
                b'<' | b'(' | b'[' => depth += 1,
                // The arrow of a function's type closes nothing.
                b'>' if at > 0 && text.as_bytes()[at - 1] == b'-' => {}
                b'>' | b')' | b']' => depth = depth.saturating_sub(1),
                _ => {}
            }
            if depth == 0 && text.as_bytes()[at..].starts_with(separator.as_bytes()) {
                rest = Some(&text[at + separator.len()..]);
                return Some(&text[..at]);
            }
        }
        rest = None;
        Some(text)
    })
}

#[cfg(test)]
mod tests {
    use super::readable;
    use std::any::type_name_of_val;
    use std::future::Future;
    use std::pin::Pin;

    struct Server<T>(T);

    impl<T: Send + 'static> Server<T> {
        async fn handle(&self) {
            std::future::pending::<()>().await;
        }
    }

    trait Serves {
        fn serves(&self) -> impl Future<Output = ()>;
    }

    impl Serves for Server<fn(u8) -> u8> {
        async fn serves(&self) {}
    }

    async fn generic<T>(_of: T) {}

    fn named<T>(value: &T) -> String {
        let name = readable(type_name_of_val(value));
        let here = module_path!();
        name.replace(&format!("{here}::"), "")
    }

    #[test]
    fn async_functions_are_named_as_they_are_written() {
        let server = Server(String::new());
        assert_eq!(named(&generic(1)), "generic");
        assert_eq!(named(&server.handle()), "Server::handle");
        let function = Server((|byte| byte) as fn(u8) -> u8);
        assert_eq!(named(&function.serves()), "Server::serves");
        let block = async { server.handle().await };
        let own = "async_functions_are_named_as_they_are_written";
        assert_eq!(named(&block), own);
        async fn outer() -> String {
            let inner = async {};
            named(&inner)
        }
        let mut outer = Box::pin(outer());
        let polled = outer
            .as_mut()
            .poll(&mut std::task::Context::from_waker(std::task::Waker::noop()));
        let block = format!("{own}::outer (async block)");
        assert_eq!(polled, std::task::Poll::Ready(block));
    }

    #[test]
    fn what_wraps_a_future_does_not_hide_it() {
        let boxed = Box::pin(generic(vec![(1, "a")]));
        assert_eq!(named(&boxed), "generic");
        let any: Pin<Box<dyn Future<Output = Vec<u8>> + Send>> = Box::pin(async { Vec::new() });
        assert_eq!(named(&any), "boxed future");
        assert_eq!(named(&crate::traced(generic(()))), "generic");
        let by_hand = std::future::poll_fn(|_| std::task::Poll::Ready(()));
        let own = "what_wraps_a_future_does_not_hide_it";
        assert_eq!(named(&by_hand), format!("{own} (PollFn)"));
    }

    #[test]
    fn other_types_lose_their_parameters() {
        assert_eq!(named(&Server(Some(1))), "Server");
        assert_eq!(
            readable("hyper::Connection<tokio::net::TcpStream>"),
            "hyper::Connection"
        );
        assert_eq!(readable("(u8, a::B<c::D>)"), "(u8, a::B<c::D>)");
        let foreign = "server::conn::<impl server::Conn<'_, a::B>>::run<T>::{{closure}}";
        assert_eq!(readable(foreign), "server::Conn::run");
        let of_trait = "<a::B<c::D> as e::F<g::H>>::run::{{closure}}::{{closure}}";
        assert_eq!(readable(of_trait), "a::B::run (async block)");
    }

    #[test]
    fn no_text_is_too_strange() {
        for text in [
            "",
            "<",
            ">",
            "::",
            "<<>",
            "a<",
            "->",
            "{{closure}}",
            "dyn ",
            "&",
            "a::<b",
        ] {
            readable(text);
        }
        let deep = format!("{}x{}", "alloc::boxed::Box<".repeat(300), ">".repeat(300));
        assert!(readable(&deep).len() <= deep.len());
    }
}

//! Owns how the compiler's names for async functions and types are told to people. It must
//! not know where the names come from.

/// The name without what stands between angle brackets, and without the modules of the
/// types in it: `Pin<&mut a::b::C<d::E>>` gives `Pin`.
pub(crate) fn without_generics(name: &str) -> &str {
    // An impl or a tuple as a name begins with a bracket of its own.
    match name.find('<') {
        Some(0) | None => name,
        Some(at) => &name[..at],
    }
}

/// The path of a thing as people write it: `["a", "{impl#0}", "handle", "{async_fn_env#0}"]`
/// gives `a::handle`, and an async block in it `a::handle (async block)`.
pub(crate) fn readable(path: &[&str]) -> String {
    let mut name = String::new();
    let mut ending = "";
    for part in path {
        let part = without_generics(part);
        if let Some(inner) = part.strip_prefix('{') {
            if inner.starts_with("async_block") {
                ending = " (async block)";
            } else if inner.starts_with("async_closure") {
                ending = " (async closure)";
            } else if inner.starts_with("closure") {
                ending = " (closure)";
            }
            continue;
        }
        if !name.is_empty() {
            name.push_str("::");
        }
        name.push_str(part);
    }
    name.push_str(ending);
    name
}

/// Whether a source file or folder is the program's own: not of a package from a registry
/// or a repository, nor of the standard library.
pub fn is_own(path: &str) -> bool {
    let others = ["/registry/src/", "/git/checkouts/", "/rustlib/src/rust/"];
    !path.starts_with("/rustc/") && !others.iter().any(|each| path.contains(each))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_as_people_write_them() {
        let function = [
            "a",
            "server",
            "{impl#0}",
            "handle",
            "{async_fn_env#0}<b::C>",
        ];
        assert_eq!(readable(&function), "a::server::handle");
        let block = ["a", "main", "{async_block_env#1}"];
        assert_eq!(readable(&block), "a::main (async block)");
        let inside = [
            "a",
            "main",
            "{async_fn#0}",
            "{async_block#0}",
            "{closure_env#2}",
        ];
        assert_eq!(readable(&inside), "a::main (closure)");
        let leaf = ["tokio", "io", "ReadExact<tokio::net::TcpStream>"];
        assert_eq!(readable(&leaf), "tokio::io::ReadExact");
        assert_eq!(readable(&["(u8, u8)"]), "(u8, u8)");
    }
}

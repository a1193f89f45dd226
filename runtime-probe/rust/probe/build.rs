//! Decides where the reactor can be seen from below, and where stacks can be taken. It must
//! not know how.
//!
//! A system call of the C library is replaced by a function of the same name, which finds
//! the library's own through `dlsym`: that needs a dynamically linked glibc. A sanitizer
//! replaces the same functions, so the probe leaves them to it.

fn main() {
    println!("cargo:rerun-if-changed=build.rs");
    println!("cargo:rustc-check-cfg=cfg(wakeline_reactor)");
    let target = |name: &str| std::env::var(format!("CARGO_CFG_TARGET_{name}")).unwrap_or_default();
    let is_static = target("FEATURE")
        .split(',')
        .any(|each| each == "crt-static");
    let wanted = std::env::var_os("CARGO_FEATURE_REACTOR").is_some();
    println!("cargo:rerun-if-env-changed=CARGO_ENCODED_RUSTFLAGS");
    let flags = std::env::var("CARGO_ENCODED_RUSTFLAGS").unwrap_or_default();
    let is_sanitized = flags.contains("sanitizer");
    let wanted = wanted && !is_sanitized;
    if wanted && target("OS") == "linux" && target("ENV") == "gnu" && !is_static {
        println!("cargo:rustc-cfg=wakeline_reactor");
    }
    // A handler that copies a stack as bytes is what a sanitizer calls a mistake.
    println!("cargo:rustc-check-cfg=cfg(wakeline_stacks)");
    let wanted = std::env::var_os("CARGO_FEATURE_STACKS").is_some() && !is_sanitized;
    let is_known = ["x86_64", "aarch64"].contains(&target("ARCH").as_str());
    if wanted && target("OS") == "linux" && target("POINTER_WIDTH") == "64" && is_known {
        println!("cargo:rustc-cfg=wakeline_stacks");
    }
}

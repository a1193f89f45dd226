//! Decides where the reactor can be seen from below. It must not know how.
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
    let wanted = wanted && !flags.contains("sanitizer");
    if wanted && target("OS") == "linux" && target("ENV") == "gnu" && !is_static {
        println!("cargo:rustc-cfg=wakeline_reactor");
    }
}

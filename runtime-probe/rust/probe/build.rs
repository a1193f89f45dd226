//! Decides where the reactor can be seen from below, and where stacks can be taken. It must
//! not know how.
//!
//! A system call of the C library is replaced by a function of the same name, which goes on
//! to the library's own: that was written for glibc on two processors, whose few lines of
//! assembly are in `src/interpose/export.rs`. musl is left out because its programs are
//! mostly static, where a raw system call in place of the library's function is no longer a
//! point at which a thread can be cancelled; macOS and Windows because their runtimes wait
//! with kqueue and completion ports. A sanitizer replaces the same functions, so the probe
//! leaves them to it.

fn main() {
    println!("cargo:rerun-if-changed=build.rs");
    println!("cargo:rustc-check-cfg=cfg(wakeline_reactor)");
    let target = |name: &str| std::env::var(format!("CARGO_CFG_TARGET_{name}")).unwrap_or_default();
    let wanted = std::env::var_os("CARGO_FEATURE_REACTOR").is_some();
    println!("cargo:rerun-if-env-changed=CARGO_ENCODED_RUSTFLAGS");
    let flags = std::env::var("CARGO_ENCODED_RUSTFLAGS").unwrap_or_default();
    let is_known = matches!(target("ARCH").as_str(), "x86_64" | "aarch64")
        && target("POINTER_WIDTH") == "64"
        && target("ENDIAN") == "little"
        && target("OS") == "linux"
        && !flags.contains("sanitizer");
    if wanted && is_known && target("ENV") == "gnu" {
        println!("cargo:rustc-cfg=wakeline_reactor");
    }
    // A handler that copies a stack as bytes is what a sanitizer calls a mistake.
    println!("cargo:rustc-check-cfg=cfg(wakeline_stacks)");
    if std::env::var_os("CARGO_FEATURE_STACKS").is_some() && is_known {
        println!("cargo:rustc-cfg=wakeline_stacks");
    }
}

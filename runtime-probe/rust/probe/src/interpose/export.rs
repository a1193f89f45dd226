//! Owns how a function of ours gets the name of one of the C library's. It must not know
//! what the functions do.
//!
//! The name is a weak symbol with a jump behind it, for two reasons. A program that defines
//! the function itself still links, and its own definition is used. And a weak name in a
//! shared library is not exported from it (the compiler exports what `no_mangle` names,
//! assembly is not), so a library with the probe inside never takes the calls of the
//! program that loads it: it sees those of its own code and no others.

/// Gives `$function` the name `$name`.
#[cfg(target_arch = "x86_64")]
macro_rules! export {
    ($name:literal, $function:path) => {
        $crate::interpose::export::export_with!("jmp {}", $name, $function);
    };
}

/// Gives `$function` the name `$name`.
#[cfg(target_arch = "aarch64")]
macro_rules! export {
    ($name:literal, $function:path) => {
        $crate::interpose::export::export_with!("b {}", $name, $function);
    };
}

/// A section of its own, so that the linker may leave it out where nothing calls it.
macro_rules! export_with {
    ($jump:literal, $name:literal, $function:path) => {
        std::arch::global_asm!(
            concat!(".pushsection .text.wakeline.", $name, ",\"ax\",@progbits"),
            concat!(".weak ", $name),
            concat!(".type ", $name, ",@function"),
            ".p2align 4",
            concat!($name, ":"),
            $jump,
            concat!(".size ", $name, ", . - ", $name),
            ".popsection",
            sym $function
        );
    };
}

pub(super) use {export, export_with};

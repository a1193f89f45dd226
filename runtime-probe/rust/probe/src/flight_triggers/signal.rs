//! Owns the signal by which a flight recording is asked for. It must not know what is written,
//! or who waits for it.

use std::ffi::c_void;
use std::io;
use std::sync::OnceLock;

use super::ask;

/// What the signal did before.
static PREVIOUS: OnceLock<libc::sigaction> = OnceLock::new();

/// Lets this signal ask for a file. The handler that the program had is called after ours.
///
/// # Errors
/// When the system does not allow it.
pub(crate) fn listen_to_signal(name: &str) -> Result<(), String> {
    let signal = signal_of(name).ok_or_else(|| {
        format!("WAKELINE_FLIGHT_SIGNAL={name} is not known; give USR1, USR2, HUP, QUIT or WINCH")
    })?;
    let failed = || format!("the signal {name}: {}", io::Error::last_os_error());
    // SAFETY: all zero is a valid sigaction, which the call fills.
    let mut previous: libc::sigaction = unsafe { std::mem::zeroed() };
    // SAFETY: the pointer is to a sigaction of ours.
    if unsafe { libc::sigaction(signal, std::ptr::null(), &mut previous) } != 0 {
        return Err(failed());
    }
    // Before the handler that reads it. One session in a process, so it is set once.
    let _ = PREVIOUS.set(previous);
    // SAFETY: as above.
    let mut ours: libc::sigaction = unsafe { std::mem::zeroed() };
    ours.sa_sigaction = on_signal as extern "C" fn(i32, *mut libc::siginfo_t, *mut c_void) as usize;
    // Of the flags before, those that say on which stack and whether calls go on.
    ours.sa_flags = libc::SA_SIGINFO | libc::SA_RESTART | previous.sa_flags & libc::SA_ONSTACK;
    ours.sa_mask = previous.sa_mask;
    // SAFETY: the handler stores and calls what was there before, nothing else.
    if unsafe { libc::sigaction(signal, &ours, std::ptr::null_mut()) } != 0 {
        return Err(failed());
    }
    Ok(())
}

fn signal_of(name: &str) -> Option<i32> {
    Some(match name.strip_prefix("SIG").unwrap_or(name) {
        "USR1" => libc::SIGUSR1,
        "USR2" => libc::SIGUSR2,
        "HUP" => libc::SIGHUP,
        "QUIT" => libc::SIGQUIT,
        "WINCH" => libc::SIGWINCH,
        _ => return None,
    })
}

extern "C" fn on_signal(signal: i32, info: *mut libc::siginfo_t, context: *mut c_void) {
    ask();
    let Some(previous) = PREVIOUS.get() else {
        return;
    };
    let handler = previous.sa_sigaction;
    if handler == libc::SIG_DFL || handler == libc::SIG_IGN {
        return;
    }
    if previous.sa_flags & libc::SA_SIGINFO != 0 {
        // SAFETY: the program's own handler, of the type that its flags say.
        let handler: extern "C" fn(i32, *mut libc::siginfo_t, *mut c_void) =
            unsafe { std::mem::transmute(handler) };
        handler(signal, info, context);
    } else {
        // SAFETY: as above.
        let handler: extern "C" fn(i32) = unsafe { std::mem::transmute(handler) };
        handler(signal);
    }
}

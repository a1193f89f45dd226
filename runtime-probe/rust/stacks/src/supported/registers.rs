//! Owns which registers a thread had when a signal interrupted it, by their DWARF numbers. It
//! must not know what is done with them.

/// As many as DWARF numbers on the two architectures, less the vector ones.
pub(crate) const COUNT: usize = 32;

/// The registers of one frame.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Registers {
    pub(crate) pc: u64,
    pub(crate) values: [u64; COUNT],
}

impl Registers {
    pub(crate) const NONE: Self = Self {
        pc: 0,
        values: [0; COUNT],
    };

    pub(crate) fn sp(&self) -> u64 {
        self.values[usize::from(SP)]
    }
}

#[cfg(target_arch = "x86_64")]
mod arch {
    use super::{Registers, COUNT};

    /// DWARF's numbers of the stack pointer and of the return address.
    pub(crate) const SP: u16 = 7;
    pub(crate) const RETURN_ADDRESS: u16 = 16;

    /// In the order of DWARF's numbers.
    const ORDER: [libc::c_int; 16] = [
        libc::REG_RAX,
        libc::REG_RDX,
        libc::REG_RCX,
        libc::REG_RBX,
        libc::REG_RSI,
        libc::REG_RDI,
        libc::REG_RBP,
        libc::REG_RSP,
        libc::REG_R8,
        libc::REG_R9,
        libc::REG_R10,
        libc::REG_R11,
        libc::REG_R12,
        libc::REG_R13,
        libc::REG_R14,
        libc::REG_R15,
    ];

    /// What the kernel saved for the handler. Only copies, so that a handler may call it.
    pub(crate) fn of_context(context: &libc::ucontext_t) -> Registers {
        let saved = &context.uc_mcontext.gregs;
        let mut values = [0; COUNT];
        for (value, index) in values.iter_mut().zip(ORDER) {
            *value = saved[index as usize] as u64;
        }
        Registers {
            pc: saved[libc::REG_RIP as usize] as u64,
            values,
        }
    }

    /// Return addresses are stored as they are.
    pub(crate) fn strip(address: u64) -> u64 {
        address
    }
}

#[cfg(target_arch = "aarch64")]
mod arch {
    use super::{Registers, COUNT};

    /// DWARF's numbers of the stack pointer and of the return address (the link register).
    pub(crate) const SP: u16 = 31;
    pub(crate) const RETURN_ADDRESS: u16 = 30;

    /// What the kernel saved for the handler. Only copies, so that a handler may call it.
    pub(crate) fn of_context(context: &libc::ucontext_t) -> Registers {
        let saved = &context.uc_mcontext;
        let mut values = [0; COUNT];
        values[..31].copy_from_slice(&saved.regs);
        values[31] = saved.sp;
        Registers {
            pc: saved.pc,
            values,
        }
    }

    /// A signed return address without its signature: user addresses have 48 bits.
    pub(crate) fn strip(address: u64) -> u64 {
        address & 0x0000_ffff_ffff_ffff
    }
}

pub(crate) use arch::{of_context, strip, RETURN_ADDRESS, SP};

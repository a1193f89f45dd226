//! Owns finding the return addresses in a copied stack, by the unwind tables of the modules. It
//! must not know how the copy was made or what the addresses are called.

use addr2line::gimli::{
    BaseAddresses, CfaRule, EhFrame, EhFrameHdr, EndianSlice, LittleEndian, ParsedEhFrameHdr,
    Register, RegisterRule, UnwindContext, UnwindSection,
};

use super::capture::Capture;
use super::modules::{section, section_address, Elf, Modules};
use super::registers::{strip, Registers, COUNT, RETURN_ADDRESS, SP};

/// Both architectures are little endian under Linux, where they are supported.
type Slice = EndianSlice<'static, LittleEndian>;

/// The most frames of one stack. What is further out is seldom of interest, and a recursion
/// must not fill the memory.
const FRAMES: usize = 128;

/// A file's unwind tables.
struct Tables {
    bases: BaseAddresses,
    header: ParsedEhFrameHdr<Slice>,
    frames: EhFrame<Slice>,
}

/// Unwinds copied stacks. Keeps the modules' tables open.
#[derive(Default)]
pub struct Unwinder {
    modules: Modules,
    /// By file; `None` where it has no tables that can be searched.
    tables: Vec<Option<Tables>>,
    context: UnwindContext<usize>,
}

impl std::fmt::Debug for Unwinder {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Unwinder").finish_non_exhaustive()
    }
}

impl Unwinder {
    /// The addresses of the stack's frames, innermost first: where the thread is, then where
    /// each call returns to. Ends where the copy ends, or where no table says how to go on.
    pub fn addresses(&mut self, capture: &Capture) -> Vec<u64> {
        self.modules.refresh();
        let mut registers = capture.registers;
        let mut found = vec![registers.pc];
        while found.len() < FRAMES {
            let is_innermost = found.len() == 1;
            match self.caller(&registers, is_innermost, capture) {
                Some(caller) if caller.pc != 0 && caller.sp() > registers.sp() => {
                    registers = caller;
                    found.push(registers.pc);
                }
                // A leaf of aarch64 has its return address in a register and no stack.
                Some(caller) if is_innermost && caller.sp() == registers.sp() => {
                    registers = caller;
                    found.push(registers.pc);
                }
                _ => break,
            }
        }
        found
    }

    fn caller(
        &mut self,
        registers: &Registers,
        is_innermost: bool,
        capture: &Capture,
    ) -> Option<Registers> {
        // A return address stands behind its call, which may be a function's last instruction.
        let address = registers.pc - u64::from(!is_innermost);
        let module = self.modules.at(address)?;
        let (file, address) = (module.file?, address.wrapping_sub(module.bias));
        while self.tables.len() <= file {
            let tables = self.modules.file(self.tables.len()).and_then(Tables::open);
            self.tables.push(tables);
        }
        let tables = self.tables[file].as_ref()?;
        let table = tables.header.table()?;
        let row = table
            .unwind_info_for_address(
                &tables.frames,
                &tables.bases,
                &mut self.context,
                address,
                EhFrame::cie_from_offset,
            )
            .ok()?;
        let frame = match row.cfa() {
            CfaRule::RegisterAndOffset { register, offset } => {
                value(registers, *register)?.checked_add_signed(*offset)?
            }
            // Jump tables of the linker, which no poll is seen in, and hand-written code.
            CfaRule::Expression(_) => return None,
        };
        let mut caller = *registers;
        for (number, place) in caller.values.iter_mut().enumerate() {
            let number = Register(u16::try_from(number).ok()?);
            if let Some(restored) = restore(row.register(number), frame, registers, capture) {
                *place = restored?;
            }
        }
        let return_address = Register(RETURN_ADDRESS);
        let pc = match restore(row.register(return_address), frame, registers, capture) {
            Some(pc) => pc?,
            // Only a leaf may have left it in its register; else the stack ends here.
            None if is_innermost => value(registers, return_address)?,
            None => return None,
        };
        caller.pc = strip(pc);
        caller.values[usize::from(SP)] = frame;
        Some(caller)
    }
}

fn value(registers: &Registers, register: Register) -> Option<u64> {
    registers.values.get(usize::from(register.0)).copied()
}

/// What a register was in the caller: `None` when it is the same, `Some(None)` when it cannot
/// be known.
fn restore(
    rule: RegisterRule<usize>,
    frame: u64,
    registers: &Registers,
    capture: &Capture,
) -> Option<Option<u64>> {
    match rule {
        RegisterRule::Undefined | RegisterRule::SameValue => None,
        RegisterRule::Offset(offset) => {
            let address = frame.checked_add_signed(offset);
            Some(address.and_then(|address| capture.word(address)))
        }
        RegisterRule::ValOffset(offset) => Some(frame.checked_add_signed(offset)),
        RegisterRule::Register(register) => Some(value(registers, register)),
        _ => Some(None),
    }
}

impl Tables {
    fn open(elf: &Elf) -> Option<Self> {
        let header_address = section_address(elf, ".eh_frame_hdr");
        let bases = BaseAddresses::default()
            .set_eh_frame_hdr(header_address)
            .set_eh_frame(section_address(elf, ".eh_frame"))
            .set_text(section_address(elf, ".text"))
            .set_got(section_address(elf, ".got"));
        let header = EhFrameHdr::new(section(elf, ".eh_frame_hdr"), LittleEndian);
        let header = header.parse(&bases, 8).ok()?;
        header.table()?;
        Some(Self {
            bases,
            header,
            frames: EhFrame::new(section(elf, ".eh_frame"), LittleEndian),
        })
    }
}

const _: () = assert!(COUNT > SP as usize);

//! Owns the names of addresses: function, file and line, with what was inlined there. It must
//! not know where the addresses come from.
//!
//! Where a file has line tables the answer is exact; where it has symbols only, the function;
//! where it is stripped, the address in its module. Nothing is read before the first question.

use std::collections::HashMap;
use std::sync::Arc;

use addr2line::gimli::{self, EndianSlice, LittleEndian};
use addr2line::Context;
use object::{Object, ObjectSymbol, SymbolKind};

use super::modules::{section, Elf, Modules};

type Slice = EndianSlice<'static, LittleEndian>;

/// Addresses whose frames are remembered; beyond it all are forgotten. A program has some
/// hundred places in which its polls are long.
const REMEMBERED: usize = 16_384;
/// A name of a generic function of generic functions has no bound of its own.
const NAME_BYTES: usize = 1024;

/// One function that was active.
#[derive(Debug, Clone, Default, PartialEq, Eq, Hash)]
pub struct Frame {
    /// The function's name with its path; for code without symbols its address in the file,
    /// as `0x…`.
    pub function: String,
    /// The source file, absolute; where there is no line, the file of machine code.
    pub file: String,
    /// From 1; 0 when it is not known.
    pub line: u32,
    /// From 1; 0 when it is not known.
    pub column: u32,
}

/// Names addresses. Keeps what it has read of the modules.
#[derive(Default)]
pub struct Symbols {
    modules: Modules,
    /// By file.
    tables: Vec<Tables>,
    known: HashMap<u64, Arc<[Frame]>>,
}

impl std::fmt::Debug for Symbols {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Symbols").finish_non_exhaustive()
    }
}

struct Tables {
    lines: Option<Context<Slice>>,
    /// Start, size and name of each function, by start.
    functions: Vec<(u64, u64, &'static str)>,
}

impl Symbols {
    /// The frames at these addresses, innermost first: each address is one function and those
    /// that were inlined there. `addresses` as [`Unwinder`](super::Unwinder) gives them.
    pub fn frames(&mut self, addresses: &[u64]) -> Vec<Frame> {
        self.modules.refresh();
        let mut found = Vec::new();
        for (depth, address) in addresses.iter().enumerate() {
            // Of a call, not of what follows it.
            let at = address.saturating_sub(u64::from(depth > 0));
            found.extend_from_slice(&self.at(at));
        }
        found
    }

    fn at(&mut self, address: u64) -> Arc<[Frame]> {
        if let Some(known) = self.known.get(&address) {
            return Arc::clone(known);
        }
        if self.known.len() >= REMEMBERED {
            self.known.clear();
        }
        let frames: Arc<[Frame]> = self.look_up(address).into();
        self.known.insert(address, Arc::clone(&frames));
        frames
    }

    fn look_up(&mut self, address: u64) -> Vec<Frame> {
        let Some(module) = self.modules.at(address) else {
            return vec![Frame {
                function: format!("{address:#x}"),
                ..Frame::default()
            }];
        };
        let own_address = address.wrapping_sub(module.bias);
        let path = module.path.to_string_lossy().into_owned();
        let mut frames = Vec::new();
        if let Some(file) = module.file {
            while self.tables.len() <= file {
                let tables = self.modules.file(self.tables.len()).map(Tables::open);
                self.tables.extend(tables);
            }
            if let Some(tables) = self.tables.get(file) {
                frames = tables.frames(own_address, &path);
            }
        }
        if frames.is_empty() {
            frames.push(Frame {
                function: format!("{own_address:#x}"),
                file: path,
                ..Frame::default()
            });
        }
        frames
    }
}

impl Tables {
    fn open(elf: &Elf) -> Self {
        let load = |id: gimli::SectionId| -> Result<Slice, gimli::Error> {
            Ok(EndianSlice::new(section(elf, id.name()), LittleEndian))
        };
        let has_lines = !section(elf, ".debug_info").is_empty();
        let lines = has_lines.then(|| gimli::Dwarf::load(load).and_then(Context::from_dwarf));
        let is_function =
            |symbol: &object::read::elf::ElfSymbol64<'static, '_, object::Endianness>| {
                symbol.is_definition() && symbol.kind() == SymbolKind::Text
            };
        let mut functions: Vec<_> = elf
            .symbols()
            .chain(elf.dynamic_symbols())
            .filter(is_function)
            .filter_map(|symbol| Some((symbol.address(), symbol.size(), symbol.name().ok()?)))
            .collect();
        functions.sort_unstable();
        Self {
            lines: lines.and_then(Result::ok),
            functions,
        }
    }

    /// The functions at this address of the file, innermost first.
    fn frames(&self, address: u64, path: &str) -> Vec<Frame> {
        let symbol = self.symbol(address);
        let mut found = Vec::new();
        let frames = self.lines.as_ref().map(|lines| lines.find_frames(address));
        let mut frames = frames.and_then(|found| found.skip_all_loads().ok());
        while let Some(Ok(Some(frame))) = frames.as_mut().map(addr2line::FrameIter::next) {
            let name = frame
                .function
                .as_ref()
                .and_then(|name| name.raw_name().ok());
            let name = name.map(|name| readable(&name));
            let location = frame.location.as_ref();
            let file = location.and_then(|location| location.file);
            let line = location.and_then(|location| location.line).unwrap_or(0);
            let column = location.and_then(|location| location.column).unwrap_or(0);
            let known = file.filter(|_| line > 0);
            found.push(Frame {
                function: name
                    .or_else(|| symbol.map(readable))
                    .unwrap_or_else(|| format!("{address:#x}")),
                file: known.unwrap_or(path).to_owned(),
                line: known.map_or(0, |_| line),
                column: known.map_or(0, |_| column),
            });
        }
        if let (true, Some(symbol)) = (found.is_empty(), symbol) {
            found.push(Frame {
                function: readable(symbol),
                file: path.to_owned(),
                ..Frame::default()
            });
        }
        found
    }

    fn symbol(&self, address: u64) -> Option<&'static str> {
        let after = self
            .functions
            .partition_point(|(start, ..)| *start <= address);
        let (start, bytes, name) = *self.functions.get(after.checked_sub(1)?)?;
        // Hand-written code states no size.
        (bytes == 0 || address - start < bytes).then_some(name)
    }
}

/// A symbol as a person reads it, without the hash that the compiler appends.
fn readable(symbol: &str) -> String {
    let mut name = format!("{:#}", rustc_demangle::demangle(symbol));
    if name.len() > NAME_BYTES {
        let end = (0..=NAME_BYTES).rev().find(|at| name.is_char_boundary(*at));
        name.truncate(end.unwrap_or(0));
        name.push('…');
    }
    name
}

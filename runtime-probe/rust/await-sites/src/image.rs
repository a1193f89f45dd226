//! Owns the executable of this process as a file: its debug sections and where it is loaded.
//! It must not know what the sections say.

use std::fmt;

use object::read::elf::{ElfFile64, FileHeader};
use object::{Object, ObjectSection};

/// Why nothing can be read from this program's futures.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Unreadable {
    /// Only 64-bit Linux is known.
    Platform,
    /// The file cannot be opened or mapped.
    File,
    /// It is no 64-bit little-endian ELF file, or a damaged one.
    Format,
    /// It was linked without debug information, or stripped.
    NoDebugInfo,
    /// The debug information is compressed or in files of its own.
    NotInside,
}

impl Unreadable {
    /// What it is and what to do, in one sentence.
    pub fn reason(self) -> &'static str {
        match self {
            Self::Platform => "futures are read on 64-bit Linux only",
            Self::File => "the executable cannot be read",
            Self::Format => "the executable is no 64-bit ELF file that can be read",
            Self::NoDebugInfo => "the executable has no debug information: build with debug = 2",
            Self::NotInside => "the debug information is compressed or split off: build with split-debuginfo = \"off\" and without compression",
        }
    }
}

impl fmt::Display for Unreadable {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.reason())
    }
}

/// The sections that are used. Empty ones are allowed, but for the first two.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Sections<'a> {
    pub(crate) info: &'a [u8],
    pub(crate) abbrev: &'a [u8],
    pub(crate) strings: &'a [u8],
    pub(crate) line_strings: &'a [u8],
    pub(crate) string_offsets: &'a [u8],
    pub(crate) line: &'a [u8],
    pub(crate) address_ranges: &'a [u8],
    pub(crate) addresses: &'a [u8],
    pub(crate) ranges: &'a [u8],
    pub(crate) range_lists: &'a [u8],
}

impl<'a> Sections<'a> {
    pub(crate) fn of(file: &'a [u8]) -> Result<Self, Unreadable> {
        let elf = ElfFile64::<object::LittleEndian>::parse(file).map_err(|_| Unreadable::Format)?;
        if !elf.elf_header().is_class_64() {
            return Err(Unreadable::Format);
        }
        let mut compressed = false;
        let mut named = |name: &str| -> &'a [u8] {
            let Some(section) = elf.section_by_name(name) else {
                return &[];
            };
            let range = section.compressed_file_range();
            if !range.is_ok_and(|range| range.format == object::CompressionFormat::None) {
                compressed = true;
                return &[];
            }
            section.data().unwrap_or(&[])
        };
        let sections = Self {
            info: named(".debug_info"),
            abbrev: named(".debug_abbrev"),
            strings: named(".debug_str"),
            line_strings: named(".debug_line_str"),
            string_offsets: named(".debug_str_offsets"),
            line: named(".debug_line"),
            address_ranges: named(".debug_aranges"),
            addresses: named(".debug_addr"),
            ranges: named(".debug_ranges"),
            range_lists: named(".debug_rnglists"),
        };
        if compressed {
            return Err(Unreadable::NotInside);
        }
        if sections.info.is_empty() || sections.abbrev.is_empty() {
            return Err(Unreadable::NoDebugInfo);
        }
        Ok(sections)
    }
}

#[cfg(not(all(target_os = "linux", target_pointer_width = "64")))]
mod executable {
    use super::Unreadable;

    pub(crate) fn map_executable() -> Result<&'static [u8], Unreadable> {
        Err(Unreadable::Platform)
    }

    pub(crate) fn load_bias() -> u64 {
        0
    }

    pub(crate) fn is_in_program(_address: usize) -> bool {
        false
    }
}

#[cfg(all(target_os = "linux", target_pointer_width = "64"))]
mod executable {
    use std::fs::File;
    use std::os::fd::AsRawFd;
    use std::sync::OnceLock;

    use super::Unreadable;

    /// This process's executable, mapped for good: only what is read takes memory, and the
    /// system may take that back at any time.
    pub(crate) fn map_executable() -> Result<&'static [u8], Unreadable> {
        let file = File::open("/proc/self/exe").map_err(|_| Unreadable::File)?;
        let length = file.metadata().map_err(|_| Unreadable::File)?.len();
        let length = usize::try_from(length).map_err(|_| Unreadable::File)?;
        if length == 0 {
            return Err(Unreadable::Format);
        }
        // SAFETY: a new private mapping for reading, of a file that is open.
        let at = unsafe {
            libc::mmap(
                std::ptr::null_mut(),
                length,
                libc::PROT_READ,
                libc::MAP_PRIVATE,
                file.as_raw_fd(),
                0,
            )
        };
        if at == libc::MAP_FAILED {
            return Err(Unreadable::File);
        }
        // SAFETY: mapped with this length, never unmapped. The system refuses to write to or
        // cut a file while it is executed.
        Ok(unsafe { std::slice::from_raw_parts(at.cast::<u8>(), length) })
    }

    /// What is added to the addresses of the file where the program runs.
    pub(crate) fn load_bias() -> u64 {
        loaded().bias
    }

    /// Whether the address is in the executable's code or static data.
    pub(crate) fn is_in_program(address: usize) -> bool {
        loaded().range.contains(&(address as u64))
    }

    #[derive(Default)]
    struct Loaded {
        bias: u64,
        range: std::ops::Range<u64>,
    }

    /// Where the executable is loaded.
    fn loaded() -> &'static Loaded {
        unsafe extern "C" fn first(
            info: *mut libc::dl_phdr_info,
            _size: libc::size_t,
            data: *mut libc::c_void,
        ) -> libc::c_int {
            // SAFETY: the loader gives a valid record with its table of segments, and `data` is
            // the caller's. The executable comes first; a result other than 0 ends the
            // iteration.
            unsafe {
                let loaded = &mut *data.cast::<Loaded>();
                let info = &*info;
                loaded.bias = info.dlpi_addr;
                let segments = match info.dlpi_phdr.is_null() {
                    true => &[][..],
                    false => std::slice::from_raw_parts(info.dlpi_phdr, info.dlpi_phnum.into()),
                };
                let loads = segments.iter().filter(|each| each.p_type == libc::PT_LOAD);
                let ends = loads
                    .clone()
                    .map(|each| each.p_vaddr.saturating_add(each.p_memsz));
                let start = loads.map(|each| each.p_vaddr).min().unwrap_or(0);
                let end = ends.max().unwrap_or(0);
                loaded.range = start.wrapping_add(loaded.bias)..end.wrapping_add(loaded.bias);
            }
            1
        }
        static LOADED: OnceLock<Loaded> = OnceLock::new();
        LOADED.get_or_init(|| {
            let mut loaded = Loaded::default();
            let data = std::ptr::from_mut(&mut loaded).cast();
            // SAFETY: the callback has the right signature and uses `data` only during the call.
            unsafe { libc::dl_iterate_phdr(Some(first), data) };
            loaded
        })
    }
}

pub(crate) use executable::{is_in_program, load_bias, map_executable};

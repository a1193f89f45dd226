//! Owns which files are mapped as code into this process, and their bytes. It must not know
//! what is read from them.
//!
//! A module's tables are read from its file, not from where the loader put them: the program
//! may unload a library at any time.

use std::collections::HashMap;
use std::ffi::CStr;
use std::fs::File;
use std::ops::Range;
use std::os::fd::AsRawFd;
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};

use object::read::elf::ElfFile64;
use object::{Object, ObjectSection};

/// A file of machine code, mapped for as long as the process lives.
pub(crate) type Elf = ElfFile64<'static, object::Endianness>;

/// The most files that are kept mapped. Programs have some tens of libraries; one that loads
/// ever new ones gets no names for the later ones.
const FILES: usize = 512;

/// Code that is loaded now.
#[derive(Debug)]
pub(crate) struct Module {
    /// Where its code stands in memory.
    pub(crate) code: Range<u64>,
    /// What is to be subtracted from an address in memory to get the file's own.
    pub(crate) bias: u64,
    pub(crate) path: PathBuf,
    /// Index into the files; `None` where the file could not be read.
    pub(crate) file: Option<usize>,
}

/// All modules, and the files that were ever read.
#[derive(Debug, Default)]
pub(crate) struct Modules {
    loaded: Vec<Module>,
    /// How many modules were ever loaded and unloaded when `loaded` was made.
    changes: (u64, u64),
    files: Vec<Elf>,
    /// By path, size and time of change: a file that was replaced is another one.
    by_file: HashMap<(PathBuf, u64, u64), usize>,
}

struct Found {
    path: PathBuf,
    bias: u64,
    code: Range<u64>,
    is_program: bool,
}

impl Modules {
    /// Reads the list again if a module came or went since.
    pub(crate) fn refresh(&mut self) {
        let mut listed = Listed::default();
        // SAFETY: the callback gets what is passed here and does not unwind.
        unsafe { libc::dl_iterate_phdr(Some(list_one), std::ptr::from_mut(&mut listed).cast()) };
        if listed.changes == self.changes && listed.found.len() == self.loaded.len() {
            return;
        }
        self.changes = listed.changes;
        self.loaded = listed
            .found
            .into_iter()
            .map(|found| Module {
                file: self.open(&found),
                code: found.code,
                bias: found.bias,
                path: found.path,
            })
            .collect();
    }

    /// The module that holds this address.
    pub(crate) fn at(&self, address: u64) -> Option<&Module> {
        self.loaded
            .iter()
            .find(|module| module.code.contains(&address))
    }

    pub(crate) fn file(&self, index: usize) -> Option<&Elf> {
        self.files.get(index)
    }

    fn open(&mut self, found: &Found) -> Option<usize> {
        if found.path.as_os_str() == KERNELS {
            return self.open_kernels(found);
        }
        // The program's own file may have been replaced by a build since it was started.
        let path = match found.is_program {
            true => Path::new("/proc/self/exe"),
            false => &found.path,
        };
        let file = File::open(path).ok()?;
        let data = file.metadata().ok().filter(|data| data.is_file())?;
        let changed = data.modified().ok()?;
        let changed = changed.duration_since(std::time::UNIX_EPOCH).ok()?;
        let key = (found.path.clone(), data.len(), changed.as_nanos() as u64);
        if let Some(index) = self.by_file.get(&key) {
            return Some(*index);
        }
        if self.files.len() >= FILES {
            return None;
        }
        let elf = Elf::parse(map(&file, data.len())?).ok()?;
        self.files.push(elf);
        self.by_file.insert(key, self.files.len() - 1);
        Some(self.files.len() - 1)
    }
}

/// The name of the kernel's own library, which is in no file: where time is read.
const KERNELS: &str = "linux-vdso.so.1";

impl Modules {
    /// The kernel puts the whole file into memory, in pages, for the life of the process.
    fn open_kernels(&mut self, found: &Found) -> Option<usize> {
        const PAGE_BYTES: u64 = 4096;
        let key = (found.path.clone(), 0, 0);
        if let Some(index) = self.by_file.get(&key) {
            return Some(*index);
        }
        let bytes = (found.code.end - found.bias).next_multiple_of(PAGE_BYTES);
        let start = std::ptr::with_exposed_provenance::<u8>(found.bias as usize);
        // SAFETY: the loader says that code stands up to there, and memory comes in pages.
        let data = unsafe { std::slice::from_raw_parts(start, bytes as usize) };
        self.files.push(Elf::parse(data).ok()?);
        self.by_file.insert(key, self.files.len() - 1);
        Some(self.files.len() - 1)
    }
}

/// The bytes of a section; empty when there is none or it is compressed, which is not read.
pub(crate) fn section(elf: &Elf, name: &str) -> &'static [u8] {
    let section = elf.section_by_name(name);
    let plain = section.filter(|section| {
        section
            .compressed_file_range()
            .is_ok_and(|range| range.format == object::CompressionFormat::None)
    });
    plain.map_or(&[], |section| section.data().unwrap_or(&[]))
}

/// Where a section stands by the file's own addresses.
pub(crate) fn section_address(elf: &Elf, name: &str) -> u64 {
    elf.section_by_name(name)
        .map_or(0, |section| section.address())
}

/// Maps a whole file to read. It stays mapped.
fn map(file: &File, bytes: u64) -> Option<&'static [u8]> {
    let bytes = usize::try_from(bytes).ok().filter(|bytes| *bytes > 0)?;
    // SAFETY: a new private mapping at an address of the system's choice, of an open file.
    let address = unsafe {
        libc::mmap(
            std::ptr::null_mut(),
            bytes,
            libc::PROT_READ,
            libc::MAP_PRIVATE,
            file.as_raw_fd(),
            0,
        )
    };
    if address == libc::MAP_FAILED {
        return None;
    }
    // SAFETY: mapped just now, never unmapped, and nobody in this process writes it. Code that
    // runs is not written to its file: who would cut it short would break the program too.
    Some(unsafe { std::slice::from_raw_parts(address.cast(), bytes) })
}

#[derive(Default)]
struct Listed {
    found: Vec<Found>,
    changes: (u64, u64),
}

unsafe extern "C" fn list_one(
    info: *mut libc::dl_phdr_info,
    _bytes: usize,
    listed: *mut libc::c_void,
) -> libc::c_int {
    // SAFETY: what `refresh` passed, and what the loader gives for the time of this call.
    let (info, listed) = unsafe { (&*info, &mut *listed.cast::<Listed>()) };
    // SAFETY: the loader's table of that many headers.
    let headers = unsafe { std::slice::from_raw_parts(info.dlpi_phdr, info.dlpi_phnum.into()) };
    // SAFETY: a text of the loader; the program's own is empty.
    let name = unsafe { CStr::from_ptr(info.dlpi_name) };
    let is_program = listed.found.is_empty();
    let path = match is_program {
        true => std::fs::read_link("/proc/self/exe").unwrap_or_default(),
        false => Path::new(std::ffi::OsStr::from_bytes(name.to_bytes())).to_path_buf(),
    };
    let bias = info.dlpi_addr;
    let is_code = |header: &&libc::Elf64_Phdr| {
        header.p_type == libc::PT_LOAD && header.p_flags & libc::PF_X != 0
    };
    let spans = headers.iter().filter(is_code).map(|header| {
        let start = bias.wrapping_add(header.p_vaddr);
        start..start.wrapping_add(header.p_memsz)
    });
    let code = spans.reduce(|all, one| all.start.min(one.start)..all.end.max(one.end));
    listed.changes = (info.dlpi_adds, info.dlpi_subs);
    listed.found.push(Found {
        path,
        bias,
        code: code.unwrap_or(0..0),
        is_program,
    });
    0
}

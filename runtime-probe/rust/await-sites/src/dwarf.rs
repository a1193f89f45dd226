//! Owns reading debug information: units by address, functions, and types as records. It
//! must not know what a future is.
//!
//! Nothing here trusts the input: what is damaged is an error of that one question.

use std::borrow::Cow;
use std::collections::HashMap;

use gimli::{AttributeValue, DwAt, DwTag, EndianSlice, LittleEndian, Section as _, UnitOffset};

use crate::image::Sections;

type Input<'a> = EndianSlice<'a, LittleEndian>;

/// The question has no answer in the debug information, or this is damaged.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Unknown;

impl From<gimli::Error> for Unknown {
    fn from(_: gimli::Error) -> Self {
        Self
    }
}

/// The most fields or variants of one type that are read.
const FIELD_LIMIT: usize = 4096;
/// The most entries of one unit: at 20 bytes for a scope, below 100 MB for an absurd one.
const SCOPE_LIMIT: usize = 4 << 20;

/// A member of a struct, or the payload of a variant.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Field<'a> {
    pub(crate) name: &'a str,
    pub(crate) offset_bytes: usize,
    pub(crate) of_type: UnitOffset,
    /// Index into the unit's files; 0 when there is none.
    pub(crate) file: u64,
    pub(crate) line: u32,
}

/// The variants of an enum or of an async function's states.
#[derive(Debug, Default)]
pub(crate) struct Variants<'a> {
    pub(crate) tag: Option<Field<'a>>,
    /// By the tag's value; the one without is there when no other is.
    pub(crate) each: Vec<(Option<u64>, Field<'a>)>,
}

/// A type, as far as it matters.
#[derive(Debug)]
pub(crate) struct Type<'a> {
    pub(crate) tag: DwTag,
    pub(crate) name: &'a str,
    pub(crate) size_bytes: usize,
    pub(crate) fields: Vec<Field<'a>>,
    pub(crate) variants: Option<Variants<'a>>,
    /// Of a pointer: what it points to.
    pub(crate) target: Option<UnitOffset>,
    /// What `T` is of a generic type.
    pub(crate) element: Option<UnitOffset>,
}

/// All debug information of the executable.
pub(crate) struct Program<'a> {
    dwarf: gimli::Dwarf<Input<'a>>,
    /// First address, end, and where the unit's header is; by first address.
    ranges: Vec<(u64, u64, usize)>,
}

impl<'a> Program<'a> {
    pub(crate) fn new(sections: &Sections<'a>) -> Self {
        let load = |id: gimli::SectionId| -> Result<Input<'a>, gimli::Error> {
            let bytes = match id {
                gimli::SectionId::DebugInfo => sections.info,
                gimli::SectionId::DebugAbbrev => sections.abbrev,
                gimli::SectionId::DebugStr => sections.strings,
                gimli::SectionId::DebugLineStr => sections.line_strings,
                gimli::SectionId::DebugStrOffsets => sections.string_offsets,
                gimli::SectionId::DebugLine => sections.line,
                gimli::SectionId::DebugAranges => sections.address_ranges,
                gimli::SectionId::DebugAddr => sections.addresses,
                gimli::SectionId::DebugRanges => sections.ranges,
                gimli::SectionId::DebugRngLists => sections.range_lists,
                _ => &[],
            };
            Ok(EndianSlice::new(bytes, LittleEndian))
        };
        let dwarf = gimli::Dwarf::load(load).unwrap_or_default();
        let mut program = Self {
            dwarf,
            ranges: Vec::new(),
        };
        // Damaged ranges leave some functions unknown.
        let _ = program.read_address_ranges();
        if program.ranges.is_empty() {
            let _ = program.read_unit_ranges();
        }
        program.ranges.sort_unstable();
        program
    }

    fn read_address_ranges(&mut self) -> Result<(), Unknown> {
        let mut headers = self.dwarf.debug_aranges.headers();
        while let Some(header) = headers.next()? {
            let unit = header.debug_info_offset().0;
            let mut entries = header.entries();
            while let Some(entry) = entries.next()? {
                let range = entry.range();
                self.ranges.push((range.begin, range.end, unit));
            }
        }
        Ok(())
    }

    /// The long way, where the linker or the compiler left the short table out.
    fn read_unit_ranges(&mut self) -> Result<(), Unknown> {
        let mut headers = self.dwarf.units();
        while let Some(header) = headers.next()? {
            let Some(offset) = header.offset().as_debug_info_offset() else {
                continue;
            };
            let unit = self.dwarf.unit(header)?;
            let mut ranges = self.dwarf.unit_ranges(&unit)?;
            while let Some(range) = ranges.next()? {
                self.ranges.push((range.begin, range.end, offset.0));
            }
        }
        Ok(())
    }

    /// Where the header of the unit is that holds the code at this address of the file.
    pub(crate) fn unit_at(&self, address: u64) -> Option<usize> {
        let after = self.ranges.partition_point(|range| range.0 <= address);
        let (_, end, unit) = self.ranges.get(after.checked_sub(1)?)?;
        (address < *end).then_some(*unit)
    }

    /// Where the headers of the units are that hold the program's own code, of packages
    /// whose folder passes `is_own`.
    pub(crate) fn units_where(&self, is_own: impl Fn(&str) -> bool) -> Vec<usize> {
        let mut found = Vec::new();
        let mut headers = self.dwarf.units();
        while let Ok(Some(header)) = headers.next() {
            let Some(offset) = header.offset().as_debug_info_offset() else {
                continue;
            };
            let Ok((name, folder)) = self.origin(header) else {
                continue;
            };
            if is_own(&name) && is_own(&folder) {
                found.push(offset.0);
            }
        }
        found
    }

    /// The crate's main file and the folder where the compiler ran. Reads the first entry of
    /// the unit alone, as there are hundreds of units in which nothing is looked for.
    fn origin(
        &self,
        header: gimli::UnitHeader<Input<'a>>,
    ) -> Result<(Cow<'a, str>, Cow<'a, str>), Unknown> {
        let all = self.dwarf.debug_abbrev.reader().slice();
        let own = all.get(header.debug_abbrev_offset().0..).ok_or(Unknown)?;
        let mut first = own.get(..first_abbreviation(own)?).ok_or(Unknown)?.to_vec();
        first.push(0);
        let first = gimli::DebugAbbrev::new(&first, LittleEndian);
        let abbreviations = first.abbreviations(gimli::DebugAbbrevOffset(0))?;
        let mut entries = header.entries(&abbreviations);
        let (_, root) = entries.next_dfs()?.ok_or(Unknown)?;
        let text = |name: DwAt| -> Result<Option<Cow<'a, str>>, Unknown> {
            let text = match root.attr_value(name)?.ok_or(Unknown)? {
                AttributeValue::DebugStrRef(offset) => self.dwarf.debug_str.get_str(offset)?,
                AttributeValue::String(text) => text,
                _ => return Ok(None),
            };
            Ok(Some(text.to_string_lossy()))
        };
        match (text(gimli::DW_AT_name)?, text(gimli::DW_AT_comp_dir)?) {
            (Some(name), Some(folder)) => Ok((name, folder)),
            _ => {
                // Strings by index need what only the whole unit says.
                let unit = self.dwarf.unit(header)?;
                let (name, folder) = (unit.name.ok_or(Unknown)?, unit.comp_dir.ok_or(Unknown)?);
                Ok((name.to_string_lossy(), folder.to_string_lossy()))
            }
        }
    }

    /// Reads through a unit once.
    pub(crate) fn unit(&self, offset: usize) -> Result<Unit<'a>, Unknown> {
        let header = gimli::DebugInfoOffset(offset);
        let header = self.dwarf.debug_info.header_from_offset(header)?;
        let unit = self.dwarf.unit(header)?;
        let mut read = Unit {
            unit,
            scopes: Vec::new(),
            functions: HashMap::new(),
            poll_functions: Vec::new(),
        };
        read.index(&self.dwarf)?;
        Ok(read)
    }

    /// The type behind the first parameter of the function at this address.
    pub(crate) fn first_parameter(
        &self,
        unit: &Unit<'a>,
        address: u64,
    ) -> Result<UnitOffset, Unknown> {
        let function = *unit.functions.get(&address).ok_or(Unknown)?;
        let mut tree = unit.unit.entries_tree(Some(function))?;
        let mut children = tree.root()?.children();
        while let Some(child) = children.next()? {
            let entry = child.entry();
            if entry.tag() == gimli::DW_TAG_formal_parameter {
                return reference(entry, gimli::DW_AT_type).ok_or(Unknown);
            }
        }
        Err(Unknown)
    }

    /// The type at this place of the unit.
    pub(crate) fn type_at(&self, unit: &Unit<'a>, at: UnitOffset) -> Result<Type<'a>, Unknown> {
        let mut tree = unit.unit.entries_tree(Some(at))?;
        let root = tree.root()?;
        let entry = root.entry();
        let mut read = Type {
            tag: entry.tag(),
            name: self.text(unit, entry, gimli::DW_AT_name).unwrap_or(""),
            size_bytes: number(entry, gimli::DW_AT_byte_size).unwrap_or(0) as usize,
            fields: Vec::new(),
            variants: None,
            target: reference(entry, gimli::DW_AT_type),
            element: None,
        };
        if entry.tag() != gimli::DW_TAG_structure_type {
            return Ok(read);
        }
        let mut children = root.children();
        while let Some(child) = children.next()? {
            match child.entry().tag() {
                gimli::DW_TAG_member => {
                    read.fields.push(self.field(unit, child.entry())?);
                }
                gimli::DW_TAG_template_type_parameter => {
                    let name = self.text(unit, child.entry(), gimli::DW_AT_name);
                    if name == Some("T") {
                        read.element = reference(child.entry(), gimli::DW_AT_type);
                    }
                }
                gimli::DW_TAG_variant_part => {
                    read.variants = Some(self.variants(unit, child)?);
                }
                _ => {}
            }
            if read.fields.len() > FIELD_LIMIT {
                return Err(Unknown);
            }
        }
        Ok(read)
    }

    fn variants(
        &self,
        unit: &Unit<'a>,
        node: gimli::EntriesTreeNode<'_, '_, '_, Input<'a>>,
    ) -> Result<Variants<'a>, Unknown> {
        let mut read = Variants::default();
        let mut children = node.children();
        while let Some(child) = children.next()? {
            match child.entry().tag() {
                gimli::DW_TAG_member => read.tag = Some(self.field(unit, child.entry())?),
                gimli::DW_TAG_variant => {
                    let value = match child.entry().attr_value(gimli::DW_AT_discr_value)? {
                        Some(value) => Some(integer(&value).ok_or(Unknown)?),
                        None => None,
                    };
                    if child.entry().attr_value(gimli::DW_AT_discr_list)?.is_some() {
                        return Err(Unknown);
                    }
                    let mut members = child.children();
                    while let Some(member) = members.next()? {
                        if member.entry().tag() == gimli::DW_TAG_member {
                            read.each.push((value, self.field(unit, member.entry())?));
                        }
                    }
                }
                _ => {}
            }
            if read.each.len() > FIELD_LIMIT {
                return Err(Unknown);
            }
        }
        Ok(read)
    }

    fn field(
        &self,
        unit: &Unit<'a>,
        entry: &gimli::DebuggingInformationEntry<'_, '_, Input<'a>>,
    ) -> Result<Field<'a>, Unknown> {
        let offset = number(entry, gimli::DW_AT_data_member_location).ok_or(Unknown)?;
        Ok(Field {
            name: self.text(unit, entry, gimli::DW_AT_name).unwrap_or(""),
            offset_bytes: usize::try_from(offset).map_err(|_| Unknown)?,
            of_type: reference(entry, gimli::DW_AT_type).ok_or(Unknown)?,
            file: match entry.attr_value(gimli::DW_AT_decl_file)? {
                Some(AttributeValue::FileIndex(index)) => index,
                Some(value) => value.udata_value().unwrap_or(0),
                None => 0,
            },
            line: number(entry, gimli::DW_AT_decl_line).unwrap_or(0) as u32,
        })
    }

    fn text(
        &self,
        unit: &Unit<'a>,
        entry: &gimli::DebuggingInformationEntry<'_, '_, Input<'a>>,
        name: DwAt,
    ) -> Option<&'a str> {
        let value = entry.attr_value(name).ok()??;
        self.string(unit, value)
    }

    fn string(&self, unit: &Unit<'a>, value: AttributeValue<Input<'a>>) -> Option<&'a str> {
        let text = self.dwarf.attr_string(&unit.unit, value).ok()?;
        std::str::from_utf8(text.slice()).ok()
    }

    /// The names of the modules, functions and types around a type, and its own.
    pub(crate) fn path(&self, unit: &Unit<'a>, at: UnitOffset) -> Vec<&'a str> {
        let mut names = Vec::new();
        let mut next = unit
            .scopes
            .binary_search_by_key(&at.0, |scope| scope.0)
            .ok();
        while let Some(scope) = next.and_then(|index| unit.scopes.get(index)) {
            let name = unit.unit.entry(UnitOffset(scope.0)).ok();
            let name = name.and_then(|entry| self.text(unit, &entry, gimli::DW_AT_name));
            names.push(name.unwrap_or("?"));
            // A scope stands before what is in it, so this ends.
            next = (scope.1 != NO_SCOPE).then_some(scope.1 as usize);
        }
        names.reverse();
        names
    }

    /// A source file as the compiler told it to the program itself (`Location::file`).
    pub(crate) fn file(&self, unit: &Unit<'a>, index: u64) -> Option<String> {
        let header = unit.unit.line_program.as_ref()?.header();
        let file = header.file(index)?;
        let name = self.string(unit, file.path_name())?;
        let folder = match file.directory_index() {
            0 => "",
            _ => self.string(unit, file.directory(header)?)?,
        };
        let path = match folder {
            "" => name.to_owned(),
            _ if name.starts_with('/') => name.to_owned(),
            folder => format!("{folder}/{name}"),
        };
        let compiled_in = std::str::from_utf8(unit.unit.comp_dir?.slice()).ok()?;
        let crate_root = std::str::from_utf8(unit.unit.name?.slice()).ok()?;
        // Where the compiler was given the crate's absolute path, it tells absolute ones.
        Some(match (crate_root.starts_with('/'), path.starts_with('/')) {
            (true, false) => format!("{compiled_in}/{path}"),
            (false, true) => match path.strip_prefix(compiled_in) {
                Some(rest) if rest.starts_with('/') => rest[1..].to_owned(),
                _ => path,
            },
            _ => path,
        })
    }
}

const NO_SCOPE: u32 = u32::MAX;

/// One unit that was read through: what stands where in it.
pub(crate) struct Unit<'a> {
    unit: gimli::Unit<Input<'a>>,
    /// Modules and types: where they stand, and the place of the one around in this list;
    /// by where they stand.
    scopes: Vec<(usize, u32)>,
    /// Functions by their first address.
    functions: HashMap<u64, UnitOffset>,
    /// First addresses of the functions that poll futures, by their names.
    pub(crate) poll_functions: Vec<u64>,
}

impl<'a> Unit<'a> {
    fn index(&mut self, dwarf: &gimli::Dwarf<Input<'a>>) -> Result<(), Unknown> {
        let unit = &self.unit;
        let mut entries = unit.entries_raw(None)?;
        // The scope at each depth; other entries pass theirs on.
        let mut around: Vec<u32> = Vec::new();
        while !entries.is_empty() {
            let at = entries.next_offset();
            let depth = usize::try_from(entries.next_depth()).map_err(|_| Unknown)?;
            let Some(abbreviation) = entries.read_abbreviation()? else {
                continue;
            };
            around.truncate(depth);
            let outer = around.last().copied().unwrap_or(NO_SCOPE);
            let mut own = outer;
            match abbreviation.tag() {
                gimli::DW_TAG_namespace | gimli::DW_TAG_structure_type => {
                    entries.skip_attributes(abbreviation.attributes())?;
                    own = u32::try_from(self.scopes.len()).map_err(|_| Unknown)?;
                    self.scopes.push((at.0, outer));
                }
                gimli::DW_TAG_subprogram => {
                    let mut low = None;
                    let mut polls = false;
                    for specification in abbreviation.attributes() {
                        let attribute = entries.read_attribute(*specification)?;
                        if attribute.name() == gimli::DW_AT_low_pc {
                            low = dwarf.attr_address(unit, attribute.value()).ok().flatten();
                        } else if attribute.name() == gimli::DW_AT_name {
                            let name = dwarf.attr_string(unit, attribute.value());
                            polls = name.is_ok_and(|name| is_poll(name.slice()));
                        }
                    }
                    if let Some(low) = low {
                        self.functions.insert(low, at);
                        if polls {
                            self.poll_functions.push(low);
                        }
                    }
                }
                _ => entries.skip_attributes(abbreviation.attributes())?,
            }
            // Children stand one deeper; where there are none, the next entry cuts this off.
            while around.len() < depth {
                around.push(outer);
            }
            around.push(own);
            if self.scopes.len() > SCOPE_LIMIT {
                return Err(Unknown);
            }
        }
        Ok(())
    }
}

/// The body of an async function or block, or a future's `poll` written by hand.
fn is_poll(name: &[u8]) -> bool {
    name.starts_with(b"{async_") || name == b"poll" || name.starts_with(b"poll<")
}

/// The byte count of the first abbreviation: its code, tag, flag, and pairs up to one of
/// zeros.
fn first_abbreviation(bytes: &[u8]) -> Result<usize, Unknown> {
    let mut at = 0;
    let mut number = || -> Result<u64, Unknown> {
        let mut value = 0_u64;
        for shift in (0..).step_by(7) {
            let byte = *bytes.get(at).ok_or(Unknown)?;
            at += 1;
            if shift < 64 {
                value |= u64::from(byte & 0x7f) << shift;
            }
            if byte & 0x80 == 0 {
                break;
            }
        }
        Ok(value)
    };
    // The flag is one byte of 0 or 1, which reads as a number just as well.
    for _ in 0..3 {
        number()?;
    }
    loop {
        let (name, form) = (number()?, number()?);
        if form == u64::from(gimli::DW_FORM_implicit_const.0) {
            number()?;
        }
        if (name, form) == (0, 0) {
            return Ok(at);
        }
    }
}

fn reference(
    entry: &gimli::DebuggingInformationEntry<'_, '_, Input<'_>>,
    name: DwAt,
) -> Option<UnitOffset> {
    match entry.attr_value(name).ok()?? {
        AttributeValue::UnitRef(offset) => Some(offset),
        // In another unit, as a linker that optimises across units makes them.
        _ => None,
    }
}

fn number(entry: &gimli::DebuggingInformationEntry<'_, '_, Input<'_>>, name: DwAt) -> Option<u64> {
    integer(&entry.attr_value(name).ok()??)
}

/// A constant of up to 64 bits; a negative one as its two's complement.
fn integer(value: &AttributeValue<Input<'_>>) -> Option<u64> {
    match value {
        AttributeValue::Sdata(value) => Some(*value as u64),
        other => other.udata_value(),
    }
}

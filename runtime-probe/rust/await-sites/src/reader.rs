//! Owns the thread's side: makes the plans that were asked for. It must not know who polls.

use std::collections::{HashMap, VecDeque};

use crate::copied::Copied;
use crate::dwarf::{Program, Unit, Unknown};
use crate::image::{load_bias, map_executable, Sections, Unreadable};
use crate::kept::{self, Kept};
use crate::layout::{Frames, Layout};
use crate::names::is_own;
use crate::node::{Frame, Node};
use crate::plans;
use crate::walk::Walk;

/// Units that stay read: a unit's tables take some 40 bytes for each of its types and
/// functions, which is up to 2 MB for a large one.
const UNITS_KEPT: usize = 16;
/// The most plans that are made before they are asked for: half of the table.
const SURVEYED: usize = plans::SLOTS / 2;

/// Reads the debug information of the executable. Belongs to one thread, not one of those
/// that poll: a unit takes milliseconds, in a debug build of this crate tens of them.
pub struct Reader {
    plans: Plans<'static>,
    /// Units that were not surveyed yet; nothing before the first is asked for.
    unsurveyed: Option<Vec<usize>>,
    surveyed: usize,
}

pub(crate) struct Plans<'a> {
    program: Program<'a>,
    bias: u64,
    units: VecDeque<Known<'a>>,
    frames: Frames,
}

/// What [`Reader::answer`] did.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Answered {
    /// Types of futures that were asked for.
    pub asked: usize,
    /// Those of them that can be read now.
    pub made: usize,
}

struct Known<'a> {
    offset: usize,
    unit: Unit<'a>,
    types: HashMap<usize, Option<&'static Node>>,
}

impl std::fmt::Debug for Reader {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Reader").finish_non_exhaustive()
    }
}

impl Reader {
    /// Maps the executable of this process.
    ///
    /// # Errors
    /// Why its futures cannot be read.
    pub fn open() -> Result<Self, Unreadable> {
        let sections = Sections::of(map_executable()?)?;
        Ok(Self {
            plans: Plans::over(&sections, load_bias()),
            unsurveyed: None,
            surveyed: 0,
        })
    }

    /// Makes the plans that were asked for. To be called by the thread that answers whenever
    /// it is unparked.
    pub fn answer(&mut self) -> Answered {
        let mut answered = Answered::default();
        plans::answer(|poll, size_bytes| {
            let node = self.plans.plan(poll, size_bytes).ok();
            answered.asked += 1;
            answered.made += usize::from(node.is_some());
            node
        });
        answered
    }

    /// Makes the plans of all futures of one more unit of the program's own packages before
    /// they are asked for. Tells how many could be made; none after the last unit.
    pub fn survey(&mut self) -> Option<usize> {
        let units = &mut self.unsurveyed;
        let unit = units
            .get_or_insert_with(|| self.plans.program.units_where(is_own))
            .pop()?;
        let mut made = 0;
        let Ok(known) = self.plans.known(unit) else {
            return Some(0);
        };
        for address in self.plans.units[known].unit.poll_functions.clone() {
            if self.surveyed >= SURVEYED {
                return None;
            }
            let Ok(node) = self.plans.plan_at(known, address) else {
                continue;
            };
            let poll = address.wrapping_add(self.plans.bias) as usize;
            made += usize::from(plans::enter_answered(poll, node));
            self.surveyed += 1;
        }
        Some(made)
    }

    /// Whether something was asked for of which the debug information is in a file of its own.
    pub fn is_split(&self) -> bool {
        self.plans.program.is_split()
    }

    /// What was kept so far, oldest first, for [`chains_of`](Self::chains_of).
    pub fn kept(&mut self) -> Vec<Kept> {
        kept::take()
    }

    /// Tells the chains of awaits of a future that was kept, as [`chains`](crate::chains)
    /// does.
    ///
    /// `fetches`: whether what lies behind its pointers is looked at too. What is told then
    /// holds only if the future was not polled and not dropped from before it was kept until
    /// after this call; nothing breaks otherwise.
    pub fn chains_of(
        &mut self,
        kept: &Kept,
        fetches: bool,
        tell: &mut dyn FnMut(&[Option<&'static Frame>]),
    ) {
        let memory = Copied::new(&mut self.plans, kept, fetches);
        let address = kept.parts.first().map_or(0, |(address, _)| *address);
        let at = std::ptr::without_provenance(address);
        // SAFETY: this memory checks each place that is read.
        unsafe { Walk::new(memory, tell).future(kept.of.poll, kept.of.size_bytes, at) };
    }
}

impl<'a> Plans<'a> {
    fn over(sections: &Sections<'a>, bias: u64) -> Self {
        Self {
            program: Program::new(sections),
            bias,
            units: VecDeque::new(),
            frames: Frames::default(),
        }
    }

    /// The plan of the future with this poll function.
    pub(crate) fn plan(
        &mut self,
        poll: usize,
        size_bytes: usize,
    ) -> Result<&'static Node, Unknown> {
        let address = (poll as u64).checked_sub(self.bias).ok_or(Unknown)?;
        let offset = self.program.unit_at(address).ok_or(Unknown)?;
        let known = self.known(offset)?;
        let node = self.plan_at(known, address)?;
        match node.size_bytes == size_bytes {
            true => Ok(node),
            false => Err(Unknown),
        }
    }

    /// Where in the list of units that stay read this one is now.
    fn known(&mut self, offset: usize) -> Result<usize, Unknown> {
        Ok(
            match self.units.iter().position(|known| known.offset == offset) {
                Some(index) => index,
                None => {
                    if self.units.len() >= UNITS_KEPT {
                        self.units.pop_front();
                    }
                    self.units.push_back(Known {
                        offset,
                        unit: self.program.unit(offset)?,
                        types: HashMap::new(),
                    });
                    self.units.len() - 1
                }
            },
        )
    }

    fn plan_at(&mut self, known: usize, address: u64) -> Result<&'static Node, Unknown> {
        let Known { unit, types, .. } = &mut self.units[known];
        let parameter = self.program.first_parameter(unit, address)?;
        let mut layout = Layout {
            program: &self.program,
            unit,
            known: types,
            frames: &mut self.frames,
        };
        layout.polled_by(parameter)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::FutureType;

    /// Futures whose plans have something of everything.
    async fn inner(number: u8) -> u8 {
        let boxed: std::pin::Pin<Box<dyn std::future::Future<Output = ()>>> =
            Box::pin(std::future::pending());
        boxed.await;
        number
    }

    async fn outer() {
        let both = async {
            Box::pin(inner(1)).await;
        };
        tokio::select! {
            _ = inner(2) => {}
            () = both => {}
        }
        tokio::join!(inner(3), inner(4));
    }

    /// Numbers that look random and are the same in each run.
    struct Numbers(u64);

    impl Numbers {
        fn below(&mut self, end: usize) -> usize {
            self.0 ^= self.0 << 13;
            self.0 ^= self.0 >> 7;
            self.0 ^= self.0 << 17;
            (self.0 % end.max(1) as u64) as usize
        }
    }

    /// The parts of the program's sections that the unit of this function uses.
    struct Parts {
        sections: Sections<'static>,
        unit: std::ops::Range<usize>,
        of: FutureType,
        bias: u64,
    }

    fn type_of<F: std::future::Future>(_future: &F) -> FutureType {
        FutureType::of::<F>()
    }

    fn parts() -> Parts {
        let sections = Sections::of(map_executable().unwrap()).unwrap();
        let bias = load_bias();
        let of = type_of(&outer());
        let address = of.poll as u64 - bias;
        let start = Program::new(&sections).unit_at(address).unwrap();
        let word: [u8; 4] = sections.info[start..start + 4].try_into().unwrap();
        let unit = start..start + 4 + u32::from_le_bytes(word) as usize;
        Parts {
            sections,
            unit,
            of,
            bias,
        }
    }

    /// Whether there is a plan in these sections; a damaged one is none, or another one.
    fn is_planned(parts: &Parts, sections: &Sections<'_>) -> bool {
        let mut plans = Plans::over(sections, parts.bias);
        plans.plan(parts.of.poll, parts.of.size_bytes).is_ok()
    }

    #[test]
    fn damaged_debug_information_is_no_plan_and_no_panic() {
        let parts = parts();
        assert!(is_planned(&parts, &parts.sections));
        let mut numbers = Numbers(0x5eed);
        let whole = parts.sections.info.to_vec();
        let mut damaged = whole.clone();
        for round in 0..150 {
            let mut changed = Vec::new();
            for _ in 0..=round % 8 {
                let at = parts.unit.start + numbers.below(parts.unit.len());
                damaged[at] = numbers.below(256) as u8;
                changed.push(at);
            }
            let sections = Sections {
                info: &damaged,
                ..parts.sections
            };
            is_planned(&parts, &sections);
            for at in changed {
                damaged[at] = whole[at];
            }
        }
        assert!(is_planned(
            &parts,
            &Sections {
                info: &damaged,
                ..parts.sections
            }
        ));
    }

    #[test]
    fn cut_sections_are_no_plan_and_no_panic() {
        let parts = parts();
        let mut numbers = Numbers(0xc07);
        for _ in 0..60 {
            let mut sections = parts.sections;
            let section = match numbers.below(6) {
                0 => &mut sections.abbrev,
                1 => &mut sections.strings,
                2 => &mut sections.line,
                3 => &mut sections.address_ranges,
                4 => &mut sections.ranges,
                _ => &mut sections.info,
            };
            *section = &section[..numbers.below(section.len())];
            is_planned(&parts, &sections);
        }
        for end in [0, 1, 11, 12, 40, parts.unit.start + 20] {
            let info = &parts.sections.info[..end];
            assert!(!is_planned(
                &parts,
                &Sections {
                    info,
                    ..parts.sections
                }
            ));
        }
    }

    /// A program with one future, as the compiler makes it with these options.
    fn compiled(name: &str, options: &[&str]) -> Vec<u8> {
        let folder = std::env::temp_dir().join(format!("wakeline-{}-{name}", std::process::id()));
        std::fs::create_dir(&folder).unwrap();
        let source = folder.join("program.rs");
        std::fs::write(&source, PROGRAM).unwrap();
        let compiler = std::env::var_os("RUSTC").unwrap_or_else(|| "rustc".into());
        let made = std::process::Command::new(compiler)
            .args(["--edition=2021", "program.rs"])
            .args(options)
            .current_dir(&folder)
            .output()
            .unwrap();
        let program = std::fs::read(folder.join("program"));
        std::fs::remove_dir_all(&folder).unwrap();
        assert!(made.status.success(), "{made:?}");
        program.unwrap()
    }

    const PROGRAM: &str = "
        async fn leaf() { std::future::pending().await }
        async fn outer() { leaf().await }
        fn main() {
            let mut future = std::pin::pin!(outer());
            let waker = std::task::Waker::noop();
            let mut context = std::task::Context::from_waker(&waker);
            let _ = std::future::Future::poll(future.as_mut(), &mut context);
        }
    ";

    /// How many plans there are of the program's own futures, and whether they are split off.
    fn planned(file: &[u8]) -> Result<(usize, bool), Unreadable> {
        let sections = Sections::of(file)?;
        let mut plans = Plans::over(&sections, 0);
        let mut made = 0;
        let every: Vec<usize> = plans.program.all_units();
        for unit in every {
            let Ok(known) = plans.known(unit) else {
                continue;
            };
            for address in plans.units[known].unit.poll_functions.clone() {
                made += usize::from(plans.plan_at(known, address).is_ok());
            }
        }
        Ok((made, plans.program.is_split()))
    }

    #[test]
    fn each_build_is_told_what_it_lacks() {
        let full = ["-Cdebuginfo=2"];
        let (made, is_split) = planned(&compiled("full", &full)).unwrap();
        assert!(made >= 2 && !is_split, "{made} plans");
        let stripped = compiled("stripped", &["-Cdebuginfo=2", "-Cstrip=symbols"]);
        assert_eq!(planned(&stripped), Err(Unreadable::NoDebugInfo));
        for split in ["packed", "unpacked"] {
            let option = format!("-Csplit-debuginfo={split}");
            let program = compiled(split, &["-Cdebuginfo=2", &option]);
            assert_eq!(planned(&program), Ok((0, true)), "{split}");
        }
        // Lines alone: what there is belongs to the standard library, whose futures are none.
        for lines in ["0", "1", "line-tables-only"] {
            let option = format!("-Cdebuginfo={lines}");
            let program = compiled(lines, &[&option]);
            assert_eq!(planned(&program), Ok((0, false)), "{lines}");
        }
    }

    #[test]
    fn files_that_are_none_are_refused_with_the_reason() {
        assert_eq!(Sections::of(b"").unwrap_err(), Unreadable::Format);
        assert_eq!(Sections::of(b"\x7fELF").unwrap_err(), Unreadable::Format);
        let whole = map_executable().unwrap();
        for end in [16, 63, 64, 200, whole.len() / 2] {
            assert!(Sections::of(&whole[..end]).is_err());
        }
    }
}

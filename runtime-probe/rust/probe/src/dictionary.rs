//! Owns the dictionary: ids of strings and sites, what is alive, what was not sent yet.
//! It must not know of sockets or of the hot path; its lock is taken at spawns,
//! registrations and the first sight of a site, never at a poll.
//!
//! Longer than other files, because ids, what is alive and what is pending change together
//! under one lock: what is split off would have to be handed all of it.

use std::collections::hash_map::Entry;
use std::collections::{HashMap, VecDeque};
use std::panic::Location;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use wakeline_wire::ring::SLOT_PAYLOAD_BYTES;
use wakeline_wire::{
    DictionaryRecord, Resource, Runtime, Site, Source, Stack, Task, Text, Thread, Writer,
};

use crate::gate::leave_slots;
use crate::ring::{Ring, Slot, SlotIndex};
use crate::type_names;

/// Records are handed to the flusher in segments of about this size, so that a frame
/// stays far below the wire's limit.
const SEGMENT_BYTES: usize = 32 << 10;
/// The most bytes of records that wait for a stalled collector. Beyond it recording
/// pauses (events are dropped and counted), so that what is recorded stays complete.
const PENDING_LIMIT_BYTES: usize = 4 << 20;

/// The most different stacks of one recording: at 64 sites of two bytes 512 KiB, and few
/// programs have as many places in which they are slow.
#[cfg(any(wakeline_stacks, feature = "await-sites"))]
const STACKS: usize = 4096;

/// A place in the source that no compiler's constant names.
#[cfg(any(wakeline_stacks, feature = "await-sites"))]
#[derive(Debug, Clone, Copy)]
pub(crate) struct Place<'a> {
    pub(crate) file: &'a str,
    /// 0 when it is not known.
    pub(crate) line: u32,
    pub(crate) column: u32,
    pub(crate) function: &'a str,
}

/// What lives and can end. Its records are sent again after a reconnection until it
/// ended and everything that refers to it was sent.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) enum Living {
    Task(u64),
    Source(u64),
    Resource(u64),
    Thread(u64),
    Job(u64),
    Frame(u64),
}

/// All records of one living thing: its own, and the text that is only its.
#[derive(Default)]
struct Alive {
    record: Option<DictionaryRecord>,
    texts: Vec<(u64, Box<str>)>,
    /// Where its last record stands in the sequence of all that are published;
    /// `u64::MAX` when it was not, because too much was waiting.
    published_at: u64,
}

/// Records on their way to the flusher.
struct Segment {
    bytes: Vec<u8>,
    /// Whether they were sent before, on an earlier connection.
    again: bool,
}

/// A dictionary slot of the ring that is not freed yet.
struct RingSlot {
    index: SlotIndex,
    /// The count of all bytes ever published when this slot was left.
    ends_at: u64,
}

#[derive(Default)]
struct Inner {
    strings: HashMap<Arc<str>, u64>,
    sites_by_address: HashMap<usize, u64>,
    /// By file, line, column and function.
    sites_by_place: HashMap<(u64, u32, u32, u64), u64>,
    /// By sites, innermost first.
    /// Readable names by the compiler's.
    types: HashMap<&'static str, u64>,
    /// By their sites and the one that is shown.
    stacks: HashMap<(Arc<[u64]>, u64), u64>,
    runtimes: Vec<Runtime>,
    alive: HashMap<Living, Alive>,
    dying: Vec<Living>,
    last_string: u64,
    scratch: Vec<u8>,
    /// What was not sent yet, oldest first.
    pending: VecDeque<Segment>,
    pending_bytes: usize,
    /// How many of the pending segments the flusher is sending: nothing joins these.
    in_flight: usize,
    over_limit: bool,
    /// Bytes of records published and sent for the first time: places in one sequence.
    published_bytes: u64,
    sent_bytes: u64,
    ring_slot: Option<(Slot, usize)>,
    ring_slots: VecDeque<RingSlot>,
    ring_sequence: u64,
}

/// The process's dictionary.
pub(crate) struct Dictionary {
    ring: &'static Ring,
    /// What was sent is in a memory from which it is written later: what ends is told then.
    keeps_dead: bool,
    inner: Mutex<Inner>,
}

impl Dictionary {
    pub(crate) fn new(ring: &'static Ring, keeps_dead: bool) -> Self {
        Self {
            ring,
            keeps_dead,
            inner: Mutex::default(),
        }
    }

    /// Takes its lock, as a spawn on another thread does.
    #[cfg(all(test, not(loom)))]
    pub(crate) fn taken(&self) -> impl Sized + '_ {
        self.lock()
    }

    fn lock(&self) -> Locked<'_> {
        Locked {
            ring: self.ring,
            // A panic under the lock cannot come from here; what is there is whole.
            inner: self.inner.lock().unwrap_or_else(PoisonError::into_inner),
        }
    }

    /// Whether a flight recorder is behind it.
    pub(crate) fn keeps_dead(&self) -> bool {
        self.keeps_dead
    }

    /// The id of a text that many records share and that is never forgotten: types,
    /// names given in the source. 0 for the empty text.
    pub(crate) fn string(&self, text: &str) -> u64 {
        self.lock().string(text)
    }

    /// The id of a type's name as people write it.
    pub(crate) fn type_name(&self, type_name: &'static str) -> u64 {
        self.lock().type_name(type_name)
    }

    /// The id of a place in the source.
    pub(crate) fn site(&self, location: &'static Location<'static>) -> u64 {
        self.lock().site(location)
    }

    /// The id of a stack, innermost place first; 0 when there are too many different ones, as
    /// stacks are never forgotten.
    #[cfg(wakeline_stacks)]
    pub(crate) fn stack(&self, places: &[Place<'_>]) -> u64 {
        self.chain(places, None).1
    }

    /// The ids of the place that is shown for a chain of awaits, and of the chain, as for a
    /// stack.
    #[cfg(any(wakeline_stacks, feature = "await-sites"))]
    pub(crate) fn chain(&self, places: &[Place<'_>], shown: Option<usize>) -> (u64, u64) {
        let mut locked = self.lock();
        if places.is_empty() || locked.inner.stacks.len() >= STACKS {
            return (0, 0);
        }
        locked.chain(places, shown)
    }

    /// The id of a place in the source that is told in words.
    #[cfg(feature = "tracing")]
    pub(crate) fn site_at(&self, file: &str, line: u32, column: u32) -> u64 {
        if file.is_empty() {
            return 0;
        }
        let mut locked = self.lock();
        let file = locked.string(file);
        locked.place((file, line, column, 0))
    }

    pub(crate) fn runtime(&self, id: u64, name: &str, flavor: u64, workers: u64, pool_limit: u64) {
        let mut locked = self.lock();
        let record = Runtime {
            id,
            name: locked.string(name),
            flavor,
            workers,
            pool_limit,
        };
        locked.publish(&DictionaryRecord::Runtime(record));
        locked.inner.runtimes.push(record);
    }

    /// A thread: at its first event, and again when its runtime is known.
    pub(crate) fn thread(&self, id: u64, os_id: u64, name: &str, runtime: u64, role: u64) {
        let mut locked = self.lock();
        let name = locked.own_text(Living::Thread(id), name);
        let record = Thread {
            id,
            os_id,
            name,
            runtime,
            role,
        };
        locked.begin(Living::Thread(id), DictionaryRecord::Thread(record));
    }

    /// A task. A name given by the program is forgotten with it; a type's name is not.
    pub(crate) fn task(
        &self,
        mut record: Task,
        site: &'static Location<'static>,
        name: Option<&str>,
        type_name: &'static str,
    ) {
        let mut locked = self.lock();
        record.site = locked.site(site);
        record.name = match name {
            Some(name) => locked.own_text(Living::Task(record.id), name),
            None => locked.type_name(type_name),
        };
        locked.begin(Living::Task(record.id), DictionaryRecord::Task(record));
    }

    /// A task whose site is known by its id, and that has a name only where it was given one.
    #[cfg(feature = "tracing")]
    pub(crate) fn told_task(&self, mut record: Task, name: &str) {
        let mut locked = self.lock();
        record.name = locked.own_text(Living::Task(record.id), name);
        locked.begin(Living::Task(record.id), DictionaryRecord::Task(record));
    }

    /// A resource whose site is known by its id.
    #[cfg(feature = "tracing")]
    pub(crate) fn told_resource(&self, mut record: Resource, name: &str) {
        let mut locked = self.lock();
        record.name = locked.string(name);
        let living = Living::Resource(record.id);
        locked.begin(living, DictionaryRecord::Resource(record));
    }

    pub(crate) fn source(
        &self,
        mut record: Source,
        site: Option<&'static Location<'static>>,
        local: &str,
        peer: &str,
    ) {
        let mut locked = self.lock();
        let living = Living::Source(record.id);
        record.site = site.map_or(0, |site| locked.site(site));
        record.local = locked.own_text(living, local);
        record.peer = locked.own_text(living, peer);
        locked.begin(living, DictionaryRecord::Source(record));
    }

    pub(crate) fn resource(&self, mut record: Resource, site: &'static Location<'static>) {
        let mut locked = self.lock();
        record.site = locked.site(site);
        locked.begin(
            Living::Resource(record.id),
            DictionaryRecord::Resource(record),
        );
    }

    /// The id of a text that belongs to one thing, such as a job's file.
    pub(crate) fn name_of(&self, owner: Living, name: &str) -> u64 {
        self.lock().own_text(owner, name)
    }

    /// The thing ended, and the event that says so is published.
    pub(crate) fn ended(&self, living: Living) {
        let mut locked = self.lock();
        let inner = &mut *locked.inner;
        let Some(alive) = inner.alive.get(&living) else {
            return;
        };
        if alive.published_at > inner.sent_bytes && !self.keeps_dead {
            // What is pending is sent on any connection, so nothing needs it again: what
            // is kept is bounded also while no collector reads.
            inner.alive.remove(&living);
        } else {
            inner.dying.push(living);
        }
    }

    /// Segments of records that were not sent yet, up to about `limit` bytes: how many they
    /// are, and whether there are more. They stay until `sent`.
    pub(crate) fn pending(&self, limit: usize, mut each: impl FnMut(&[u8])) -> (usize, bool) {
        let mut locked = self.lock();
        let mut bytes = 0;
        let mut taken = 0;
        for segment in &locked.inner.pending {
            if taken > 0 && bytes + segment.bytes.len() > limit {
                break;
            }
            each(&segment.bytes);
            bytes += segment.bytes.len();
            taken += 1;
        }
        locked.inner.in_flight = taken;
        (taken, taken < locked.inner.pending.len())
    }

    /// The first `segments` are written to the socket.
    pub(crate) fn sent(&self, segments: usize) {
        let mut locked = self.lock();
        locked.inner.in_flight = 0;
        for _ in 0..segments {
            if let Some(segment) = locked.inner.pending.pop_front() {
                locked.inner.pending_bytes -= segment.bytes.len();
                if !segment.again {
                    locked.inner.sent_bytes += segment.bytes.len() as u64;
                }
            }
        }
        locked.free_ring_slots();
        if locked.inner.over_limit && locked.inner.pending_bytes == 0 {
            locked.inner.over_limit = false;
            // What came to life meanwhile was not queued.
            locked.resend_living();
            self.ring.set_closed(false);
        }
    }

    /// What ended before now. Told to `forget` once what was published until then is sent.
    pub(crate) fn take_dying(&self) -> Vec<Living> {
        std::mem::take(&mut self.lock().inner.dying)
    }

    /// Nothing that is still to be sent refers to these. Gives their records to a flight
    /// recorder, whose memory does.
    pub(crate) fn forget(&self, ended: &[Living]) -> Vec<u8> {
        let mut dead = Vec::new();
        let mut locked = self.lock();
        for living in ended {
            let Some(alive) = locked.inner.alive.remove(living) else {
                continue;
            };
            if !self.keeps_dead {
                continue;
            }
            let texts = alive.texts.into_iter().map(|(id, text)| {
                let text = text.into();
                DictionaryRecord::Text(Text { id, text })
            });
            for record in texts.chain(alive.record) {
                dead.uint(record.kind());
                record.encode_fields(&mut dead);
            }
        }
        dead
    }

    /// Puts everything that lives in front of what is pending: after a reconnection.
    pub(crate) fn resend_living(&self) {
        self.lock().resend_living();
    }

    /// Recording has ended for good.
    pub(crate) fn clear(&self) {
        *self.lock().inner = Inner::default();
    }
}

struct Locked<'a> {
    ring: &'static Ring,
    inner: MutexGuard<'a, Inner>,
}

impl Locked<'_> {
    fn string(&mut self, text: &str) -> u64 {
        if text.is_empty() {
            return 0;
        }
        if let Some(id) = self.inner.strings.get(text) {
            return *id;
        }
        let id = self.new_text(text);
        self.inner.strings.insert(text.into(), id);
        id
    }

    fn type_name(&mut self, type_name: &'static str) -> u64 {
        if let Some(id) = self.inner.types.get(type_name) {
            return *id;
        }
        let id = self.string(&type_names::readable(type_name));
        self.inner.types.insert(type_name, id);
        id
    }

    fn new_text(&mut self, text: &str) -> u64 {
        self.inner.last_string += 1;
        let id = self.inner.last_string;
        let text = text.to_owned();
        self.publish(&DictionaryRecord::Text(Text { id, text }));
        id
    }

    /// A text that is forgotten with its owner.
    fn own_text(&mut self, owner: Living, text: &str) -> u64 {
        if text.is_empty() {
            return 0;
        }
        let known = self.inner.alive.get(&owner);
        let same = known.and_then(|alive| alive.texts.iter().find(|(_, known)| **known == *text));
        if let Some((id, _)) = same {
            return *id;
        }
        let id = self.new_text(text);
        let published_at = self.published_at();
        let alive = self.inner.alive.entry(owner).or_default();
        alive.published_at = published_at;
        alive.texts.push((id, text.into()));
        id
    }

    fn published_at(&self) -> u64 {
        match self.inner.over_limit {
            true => u64::MAX,
            false => self.inner.published_bytes,
        }
    }

    fn site(&mut self, location: &'static Location<'static>) -> u64 {
        let address = std::ptr::from_ref(location) as usize;
        if let Some(id) = self.inner.sites_by_address.get(&address) {
            return *id;
        }
        // The compiler may keep several copies of one place.
        let file = self.string(location.file());
        let id = self.place((file, location.line(), location.column(), 0));
        self.inner.sites_by_address.insert(address, id);
        id
    }

    fn place(&mut self, place: (u64, u32, u32, u64)) -> u64 {
        let next = self.inner.sites_by_place.len() as u64 + 1;
        let (id, new) = match self.inner.sites_by_place.entry(place) {
            Entry::Occupied(known) => (*known.get(), false),
            Entry::Vacant(vacant) => (*vacant.insert(next), true),
        };
        if new {
            self.publish(&site_record(id, place));
        }
        id
    }

    #[cfg(any(wakeline_stacks, feature = "await-sites"))]
    fn chain(&mut self, places: &[Place<'_>], shown: Option<usize>) -> (u64, u64) {
        let sites = places.iter().map(|place| {
            let file = self.string(place.file);
            let function = self.string(place.function);
            self.place((file, place.line, place.column, function))
        });
        let sites: Arc<[u64]> = sites.collect();
        let site = shown
            .and_then(|index| sites.get(index))
            .map_or(0, |site| *site);
        let key = (sites, site);
        if let Some(id) = self.inner.stacks.get(&key) {
            return (site, *id);
        }
        let id = self.inner.stacks.len() as u64 + 1;
        self.publish(&stack_record(id, &key.0, site));
        self.inner.stacks.insert(key, id);
        (site, id)
    }

    fn begin(&mut self, living: Living, record: DictionaryRecord) {
        self.publish(&record);
        let published_at = self.published_at();
        let alive = self.inner.alive.entry(living).or_default();
        alive.record = Some(record);
        alive.published_at = published_at;
    }

    /// Queues a record for the socket and puts it into the ring file.
    fn publish(&mut self, record: &DictionaryRecord) {
        if self.inner.over_limit {
            return;
        }
        let mut scratch = std::mem::take(&mut self.inner.scratch);
        scratch.clear();
        scratch.uint(record.kind());
        record.encode_fields(&mut scratch);
        self.queue(&scratch);
        self.put_into_ring(&scratch);
        self.inner.scratch = scratch;
        if self.inner.pending_bytes > PENDING_LIMIT_BYTES {
            // From here on nothing is recorded that could refer to what is not queued.
            self.inner.over_limit = true;
            self.ring.set_closed(true);
            leave_slots();
        }
    }

    fn queue(&mut self, record: &[u8]) {
        self.inner.pending_bytes += record.len();
        self.inner.published_bytes += record.len() as u64;
        let may_join = self.inner.pending.len() > self.inner.in_flight;
        match self.inner.pending.back_mut() {
            Some(last)
                if may_join && !last.again && last.bytes.len() + record.len() <= SEGMENT_BYTES =>
            {
                last.bytes.extend_from_slice(record);
            }
            _ => self.inner.pending.push_back(Segment {
                bytes: record.to_vec(),
                again: false,
            }),
        }
    }

    /// Where no slot is free, or the record is longer than one, it is in the queue only,
    /// and a kill before the flusher's next turn loses it.
    fn put_into_ring(&mut self, record: &[u8]) {
        let full = |used: usize| used + record.len() > SLOT_PAYLOAD_BYTES;
        if let Some((slot, used)) = self.inner.ring_slot {
            if full(used) {
                slot.seal(0);
                let ends_at = self.inner.published_bytes - record.len() as u64;
                let index = slot.index;
                self.inner.ring_slots.push_back(RingSlot { index, ends_at });
                self.inner.ring_slot = None;
            }
        }
        if self.inner.ring_slot.is_none() && !full(0) {
            self.inner.ring_sequence += 1;
            let sequence = self.inner.ring_sequence;
            self.inner.ring_slot = self.ring.take().map(|slot| {
                slot.open_dictionary(sequence);
                (slot, 0)
            });
        }
        if let Some((slot, used)) = &mut self.inner.ring_slot {
            // SAFETY: the record fits behind the used bytes, and the slot's only writer
            // holds the lock.
            unsafe {
                slot.payload()
                    .add(*used)
                    .copy_from_nonoverlapping(record.as_ptr(), record.len());
            }
            *used += record.len();
            slot.commit(*used);
        }
    }

    /// Gives back the dictionary slots all of whose records were sent.
    fn free_ring_slots(&mut self) {
        let sent = self.inner.sent_bytes;
        while let Some(first) = self.inner.ring_slots.front() {
            if first.ends_at > sent {
                break;
            }
            self.ring.free(first.index);
            self.inner.ring_slots.pop_front();
        }
    }

    /// In an order in which nothing is named before it was told.
    fn resend_living(&mut self) {
        let inner = &mut *self.inner;
        let mut records = Vec::new();
        let shared = inner.strings.iter().map(|(text, id)| (*id, &**text));
        let owned = inner.alive.values().flat_map(|alive| &alive.texts);
        for (id, text) in shared.chain(owned.map(|(id, text)| (*id, &**text))) {
            let text = text.to_owned();
            records.push(DictionaryRecord::Text(Text { id, text }));
        }
        let places = inner.sites_by_place.iter();
        records.extend(places.map(|(place, id)| site_record(*id, *place)));
        let stacks = inner.stacks.iter();
        records.extend(stacks.map(|((sites, site), id)| stack_record(*id, sites, *site)));
        records.extend(
            inner
                .runtimes
                .iter()
                .copied()
                .map(DictionaryRecord::Runtime),
        );
        records.extend(
            inner
                .alive
                .values()
                .filter_map(|alive| alive.record.clone()),
        );

        let mut segments = vec![Vec::new()];
        for record in &records {
            if segments
                .last()
                .is_some_and(|last: &Vec<u8>| last.len() > SEGMENT_BYTES)
            {
                segments.push(Vec::new());
            }
            if let Some(segment) = segments.last_mut() {
                segment.uint(record.kind());
                record.encode_fields(segment);
            }
        }
        inner.in_flight = 0;
        for bytes in segments.into_iter().rev() {
            inner.pending_bytes += bytes.len();
            inner.pending.push_front(Segment { bytes, again: true });
        }
    }
}

fn stack_record(id: u64, sites: &[u64], site: u64) -> DictionaryRecord {
    let sites = sites.to_vec();
    DictionaryRecord::Stack(Stack { id, sites, site })
}

fn site_record(id: u64, (file, line, column, function): (u64, u32, u32, u64)) -> DictionaryRecord {
    DictionaryRecord::Site(Site {
        id,
        file,
        line: u64::from(line),
        column: u64::from(column),
        function,
    })
}

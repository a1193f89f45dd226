//! Owns what was recorded, decoded, and what must hold of every stream.

use super::*;

/// A decoded recording, with the rules of the wire checked on the way.
#[derive(Default)]
pub struct Trace {
    pub hellos: Vec<Hello>,
    pub dictionary: Vec<DictionaryRecord>,
    pub end: Option<End>,
    pub chunks: Vec<ChunkHead>,
    /// Of each chunk, how many of its thread's events came with it.
    pub chunk_events: Vec<usize>,
    /// Each thread's events, in order, none twice.
    pub events: BTreeMap<u64, Vec<TimedEvent>>,
    /// Watermarks that a later event contradicts: thread, watermark, event's tick.
    pub broken_watermarks: Vec<(u64, u64, u64)>,
    /// Events that name a record that the dictionary had not told by then.
    pub unknown_references: Vec<String>,
    pub watermark_frames: usize,
    known: Known,
    reached: HashMap<u64, (u64, u64)>,
    watermarks: HashMap<u64, u64>,
}

#[derive(Default)]
struct Known {
    texts: HashMap<u64, String>,
    sites: HashMap<u64, u64>,
    tasks: HashMap<u64, u64>,
    sources: HashMap<u64, u64>,
    threads: HashMap<u64, u64>,
}

impl Trace {
    pub fn decode(bytes: &[u8]) -> Self {
        let mut trace = Self::default();
        let mut decoder = StreamDecoder::new();
        let mut items = Vec::new();
        decoder.push(bytes, |item| items.push(item)).unwrap();
        for item in items {
            trace.take(item);
        }
        trace
    }

    fn take(&mut self, item: Item) {
        match item {
            Item::Hello(hello) => self.hellos.push(*hello),
            Item::Dictionary { records, .. } => {
                for record in records {
                    self.know(&record);
                    self.dictionary.push(record);
                }
            }
            Item::Chunk { head, events } => self.take_chunk(head, events),
            Item::Watermarks(watermarks) => {
                self.watermark_frames += 1;
                for each in watermarks {
                    let tick = self.watermarks.entry(each.thread).or_default();
                    *tick = each.tick.max(*tick);
                    // What is claimed as published has come.
                    let reached = self.reached.get(&each.thread).copied().unwrap_or_default();
                    assert!(
                        (each.sequence, each.end) <= reached,
                        "{each:?} claims more than {reached:?}"
                    );
                }
            }
            Item::End(end) => self.end = Some(end),
            Item::Anchor(_) | Item::Control(_) => {}
        }
    }

    pub fn take_chunk(&mut self, head: ChunkHead, events: Vec<TimedEvent>) {
        if !self.known.threads.contains_key(&head.thread) {
            self.unknown_references
                .push(format!("thread {}", head.thread));
        }
        let reached = self.reached.entry(head.thread).or_default();
        if head.sequence != reached.0 {
            assert!(head.sequence > reached.0, "slots come in order");
            *reached = (head.sequence, 0);
        }
        let already = reached.1;
        assert!(head.offset <= already, "nothing is left out inside a slot");
        let mut last_tick = head.first_tick;
        let mut new_events = 0;
        for event in events {
            assert!(event.tick >= last_tick, "ticks do not go back");
            last_tick = event.tick;
            let end = head.offset + event.end as u64;
            if end <= already {
                continue;
            }
            reached.1 = end;
            let watermark = self.watermarks.get(&head.thread).copied().unwrap_or(0);
            if event.tick < watermark {
                self.broken_watermarks
                    .push((head.thread, watermark, event.tick));
            }
            check_references(&self.known, &event.event, &mut self.unknown_references);
            self.events.entry(head.thread).or_default().push(event);
            new_events += 1;
        }
        assert_eq!(last_tick, head.last_tick, "the head names the last tick");
        self.chunks.push(head);
        self.chunk_events.push(new_events);
    }

    fn know(&mut self, record: &DictionaryRecord) {
        let known = &mut self.known;
        match record {
            DictionaryRecord::Text(text) => {
                known.texts.insert(text.id, text.text.clone());
            }
            DictionaryRecord::Site(site) => {
                known.sites.insert(site.id, site.line);
                assert!(
                    known.texts.contains_key(&site.file)
                        || site.file == 0 && known.texts.contains_key(&site.function),
                    "a site's file is known, or at least its function"
                );
            }
            DictionaryRecord::Task(task) => {
                known.tasks.insert(task.id, task.name);
            }
            DictionaryRecord::Source(source) => {
                known.sources.insert(source.id, source.peer);
            }
            DictionaryRecord::Thread(thread) => {
                known.threads.insert(thread.id, thread.name);
            }
            _ => {}
        }
    }

    pub fn text(&self, id: u64) -> &str {
        &self.known.texts[&id]
    }

    pub fn thread_name(&self, thread: u64) -> &str {
        self.text(self.known.threads[&thread])
    }

    /// All events of all threads; no order between threads.
    pub fn all(&self) -> impl Iterator<Item = &EventRecord> {
        self.events.values().flatten().map(|timed| &timed.event)
    }

    /// The last slot of a thread of which something came.
    pub fn sequence_of(&self, thread: u64) -> u64 {
        self.reached.get(&thread).map_or(0, |reached| reached.0)
    }

    /// A thread's events without ticks, and without the stop that ends them where the thread
    /// has ended.
    pub fn of_thread(&self, name: &str) -> Vec<EventRecord> {
        let threads = self.known.threads.iter();
        let mut named = threads.filter(|(_, text)| **text != 0 && self.text(**text) == name);
        let (id, _) = named
            .next()
            .unwrap_or_else(|| panic!("there is no thread {name}"));
        let events = self.events.get(id).map_or(&[][..], |events| events);
        let mut events: Vec<_> = events.iter().map(|timed| timed.event.clone()).collect();
        if let Some(EventRecord::ThreadStop(_)) = events.last() {
            events.pop();
        }
        events
    }

    pub fn count(&self, is: impl Fn(&EventRecord) -> bool) -> usize {
        self.all().filter(|event| is(event)).count()
    }

    /// What must hold of every recording.
    pub fn check(&self) {
        assert_eq!(
            self.broken_watermarks,
            [],
            "events behind their thread's watermark"
        );
        assert_eq!(self.unknown_references, Vec::<String>::new());
    }
}

fn check_references(known: &Known, event: &EventRecord, unknown: &mut Vec<String>) {
    let mut task = |id: u64| {
        if id != 0 && !known.tasks.contains_key(&id) {
            unknown.push(format!("task {id} in {event:?}"));
        }
    };
    match event {
        EventRecord::TaskSpawn(e) => task(e.task),
        EventRecord::PollStart(e) => task(e.task),
        EventRecord::Wake(e) => task(e.task),
        EventRecord::WakeFrom(e) => task(e.task),
        EventRecord::TaskEnd(e) => task(e.task),
        EventRecord::WaitStart(e) if e.site != 0 && !known.sites.contains_key(&e.site) => {
            unknown.push(format!("site in {event:?}"));
        }
        EventRecord::Readiness(e) if !known.sources.contains_key(&e.source) => {
            unknown.push(format!("source in {event:?}"));
        }
        EventRecord::JobSubmit(e) if e.name != 0 && !known.texts.contains_key(&e.name) => {
            unknown.push(format!("name in {event:?}"));
        }
        _ => {}
    }
}

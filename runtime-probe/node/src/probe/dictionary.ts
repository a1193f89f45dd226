// Owns the ids of texts and sites, and putting dictionary records into the ring before any event that names them.
// Knows nothing of events or sockets.
import type { Site } from '../executor/site.ts';
import {
  ByteWriter,
  type DictionaryRecord,
  dictionaryKind,
  type ResourceRecord,
  type RuntimeRecord,
  type SourceRecord,
  type TaskRecord,
  type ThreadRecord,
  writeDictionaryRecord,
} from '../wire/index.ts';
import type { DictionaryRing } from './dictionary-ring.ts';
import { dictionaryEntryKind } from './ring-layout.ts';

/** Longer names are cut: 4 KiB holds the longest path that Linux has. */
const longestTextUnits = 1024;
/** Texts live as long as the session. Beyond this many UTF-16 units new ones are told as "not known" (id 0). */
const textBudgetUnits = 8 * 1024 * 1024;

export class Dictionary {
  private readonly ring: DictionaryRing;
  private readonly writer = new ByteWriter();
  private readonly textIds = new Map<string, number>();
  private textUnits = 0;
  private readonly siteIds = new Map<Site, number>();

  constructor(ring: DictionaryRing) {
    this.ring = ring;
  }

  /** The id of a text; 0 for the empty one. */
  text(value: string): number {
    if (value === '') return 0;
    const known = this.textIds.get(value);
    if (known !== undefined) return known;
    if (this.textUnits + value.length > textBudgetUnits) return 0;
    this.textUnits += value.length;
    const id = this.textIds.size + 1;
    this.textIds.set(value, id);
    this.put({ record: 'text', id, text: value.slice(0, longestTextUnits) });
    return id;
  }

  /** The id of a site. The executor gives the same object for the same place, so its identity is the key. */
  site(site: Site | undefined): number {
    if (site === undefined) return 0;
    const known = this.siteIds.get(site);
    if (known !== undefined) return known;
    const file = this.text(site.file);
    const functionName = this.text(site.functionName);
    const id = this.siteIds.size + 1;
    this.siteIds.set(site, id);
    this.put({ record: 'site', id, file, line: site.line, column: site.column, function: functionName });
    return id;
  }

  put(record: DictionaryRecord): void {
    writeDictionaryRecord(this.writer, record);
    this.send(dictionaryEntryKind.record);
  }

  /** As put, for what comes with each request: its fields in the order of the wire, without a look at the shape. */
  task(id: number, parent: number, site: number, name: number, kind: number, runtime: number): void {
    this.writer
      .uint(dictionaryKind.task)
      .uint(id)
      .uint(parent)
      .uint(site)
      .uint(name)
      .uint(kind)
      .uint(runtime);
    this.send(dictionaryEntryKind.record);
  }

  /** Once the slot `sequence` is sent, no event refers to the record any more. */
  retire(record: RetirableRecord, id: number, sequence: number): void {
    this.writer.uint(dictionaryKind[record]).uint(id).uint(sequence);
    this.send(dictionaryEntryKind.retire);
  }

  private send(kind: number): void {
    const { writer } = this;
    this.ring.put(kind, writer.buffer, writer.written);
    writer.clear();
  }
}

type RetirableRecord = (RuntimeRecord | ThreadRecord | TaskRecord | SourceRecord | ResourceRecord)['record'];

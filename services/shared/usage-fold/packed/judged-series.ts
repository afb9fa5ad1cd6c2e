import { asciiLower } from '../../model/placement.ts';
import { identityProblem, placementProblem } from '../../model/usage-event-problem.ts';
import type { ActiveRules } from '../knowledge.ts';
import type { Place } from '../place.ts';
import { lengthOf, placeOf, RESOURCE } from './event-layout.ts';
import { grown } from './growing.ts';
import { NONE } from './hash-index.ts';
import type { PackedWindows } from './packed-windows.ts';
import type { PlainEvent } from './plain-event.ts';
import type { SeriesTable } from './series-table.ts';
import { equalLowered } from './text-bytes.ts';

/**
 * Which series may be counted on this partition. That depends only on the subscription, meter, resource and
 * rules, so each series is judged once for each set of rules.
 */
export class JudgedSeries {
  private readonly place: Place;
  /** 1 if the series has been judged fit. */
  private fit = new Uint8Array(64);
  private table: SeriesTable | null = null;
  private rules: ActiveRules | null = null;

  constructor(place: Place) {
    this.place = place;
  }

  /**
   * Call this before `find`, with the rules in force. Returns true if other series are used from now on.
   */
  use(table: SeriesTable, rules: ActiveRules): boolean {
    if (this.table === table && this.rules === rules) return false;
    const isOther = this.table !== table;
    this.fit = new Uint8Array(this.fit.length);
    this.table = table;
    this.rules = rules;
    return isOther;
  }

  /** The series of an event; -1 if it may not be counted, or the record has a wrong key. */
  find(event: PlainEvent, windows: PackedWindows, rules: ActiveRules): number {
    const { source, layout } = event;
    const { identity } = layout;
    const hash = windows.series.hash(source, identity);
    let series = windows.series.find(source, identity, hash);
    if (series === NONE || this.fit[series] !== 1) {
      if (!this.isFit(event, rules)) return NONE;
      if (series === NONE) series = windows.seriesOf(source, identity);
      this.fit = grown(this.fit, series + 1);
      this.fit[series] = 1;
    }
    const { view } = source;
    const length = lengthOf(identity, RESOURCE);
    const hasRightKey =
      event.keyLength === length &&
      equalLowered(view, event.key, view, placeOf(identity, RESOURCE), length);
    return hasRightKey ? series : NONE;
  }

  /** Whether events of this subscription, meter and resource may be counted here. */
  private isFit(event: PlainEvent, rules: ActiveRules): boolean {
    if (!event.areTexts(event.layout.identity)) return false;
    const texts = event.texts();
    const { place } = this;
    const key = Buffer.from(asciiLower(texts.resourceUri), 'utf8');
    const target = {
      partition: place.partition,
      partitions: place.source.partitions,
      namespaces: rules.namespaces,
    };
    return identityProblem(texts) === null && placementProblem(texts, key, target) === null;
  }
}

import {
  priceFinder,
  type PriceFinder,
  type RateBook,
} from '../../../operations/rates/rate-book.ts';
import { asciiLower } from '../../../shared/model/placement.ts';
import type { CommerceMeters } from '../commerce-meters.ts';
import type { AzureDirectory } from '../registrations/registrations-file.ts';
import type { BillLine } from './bill-lines.ts';

export interface PricedLine extends BillLine {
  /** In units of 10^-10 of the currency; null if there is no price. */
  readonly unitPrice: bigint | null;
  /** Price × quantity, in units of 10^-40; null if there is no price. */
  readonly cost: bigint | null;
}

/** Prices lines by the day on which the usage was reported. */
export class Pricing {
  readonly book: RateBook;
  private readonly meters: CommerceMeters;
  private readonly priceOf: PriceFinder;
  /** The registrations for which everything is free. */
  private readonly free: ReadonlySet<string>;

  constructor(book: RateBook, meters: CommerceMeters, { registrations }: AzureDirectory) {
    this.book = book;
    this.meters = meters;
    this.priceOf = priceFinder(book.rates);
    this.free = new Set(
      registrations
        .filter(({ billingModel }) => billingModel === 'Development')
        .map(({ name }) => asciiLower(name)),
    );
  }

  /** Whether usage of a dimension is on a bill at all: infrastructure and unknown meters are not. */
  isCharged({ dimension }: BillLine): boolean {
    return this.meters.get(dimension)?.charged === true;
  }

  priced(line: BillLine): PricedLine {
    const isFree = this.free.has(asciiLower(line.registration));
    const unitPrice = isFree
      ? 0n
      : this.priceOf(line.dimension, line.billedTo, line.day).contracted;
    return { ...line, unitPrice, cost: unitPrice === null ? null : unitPrice * line.quantity };
  }
}

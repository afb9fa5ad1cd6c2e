import { readParameters, type ParameterRules } from '../../../shared/http/query-parameters.ts';
import { fail, succeed, type Result } from '../../../shared/model/result.ts';
import { monthOf, type Millis } from '../../../shared/model/time.ts';
import { parseTimeInUtc } from '../../../shared/model/time-text.ts';
import { usageMonthOf } from '../../../shared/model/usage-months.ts';
import type { Selection } from './bill.ts';

export interface PortalQuery extends Selection {
  /** Null for the newest month with usage. */
  readonly month: Millis | null;
}

const NAMES = ['month', 'registration', 'customer', 'subscription', 'meter', 'resource'] as const;

/** Forms send empty fields too. */
export const PORTAL_PARAMETERS: ParameterRules = { known: NAMES, mayBeEmpty: NAMES };

/** The error says what is wrong, for the caller. */
export const readPortalQuery = (search: URLSearchParams): Result<PortalQuery, string> => {
  const { values } = readParameters(search, PORTAL_PARAMETERS);
  const text = (name: (typeof NAMES)[number]): string => values.get(name)?.trim() ?? '';
  const month = readMonth(text('month'));
  if (!month.ok) return month;
  return succeed({
    month: month.value,
    registration: text('registration') || null,
    customer: text('customer') || null,
    subscription: text('subscription'),
    meter: text('meter'),
    resource: text('resource'),
  });
};

const readMonth = (text: string): Result<Millis | null, string> => {
  if (text === '') return succeed(null);
  const parsed = /^\d{4}-\d\d$/.test(text) ? parseTimeInUtc(`${text}-01`) : null;
  return parsed?.ok === true
    ? succeed(monthOf(parsed.value.instant))
    : fail("The parameter 'month' is no month: write it like 2026-11.");
};

/** The address of a page about a query, with some of it changed. */
export const portalAddress = (
  path: string,
  query: PortalQuery,
  changes: Partial<PortalQuery> = {},
): string => {
  const { month, ...others } = { ...query, ...changes };
  const parameters = new URLSearchParams();
  if (month !== null) parameters.set('month', usageMonthOf(month));
  for (const [name, value] of Object.entries(others)) {
    if (value !== null && value !== '') parameters.set(name, value);
  }
  const text = parameters.toString();
  return text === '' ? path : `${path}?${text}`;
};

export const isNarrowed = ({ subscription, meter, resource }: Selection): boolean =>
  subscription !== '' || meter !== '' || resource !== '';

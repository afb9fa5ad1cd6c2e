import { timesInHour } from './activity.ts';
import type { InHour, Kind } from './kind.ts';
import { happening, held, type Measure } from './measure.ts';
import {
  PLATFORM_FAMILIES,
  PLATFORM_KIND_NAMES,
  type Family,
  type PlatformKind,
  type Rule,
} from './platform-families.ts';

const measureOf = (rule: Rule, { resourceUri, hour, hourMillis }: InHour): Measure => {
  const { meterId } = rule;
  if ('holds' in rule) return held(meterId, rule.holds);
  const { what = meterId, happens, each = 1, perUnit } = rule;
  const times = timesInHour(resourceUri, what, happens, hour, hourMillis);
  return happening(meterId, times * each, perUnit);
};

const kindOf = ({ type, sizes }: Family): Kind => ({
  provider: 'platform',
  type,
  sizes: Object.keys(sizes),
  hasPower: false,
  measures: (inHour) => (sizes[inHour.state.size] ?? []).map((rule) => measureOf(rule, inHour)),
  additionalInfo: () => null,
});

export const PLATFORM_KINDS = Object.fromEntries(
  PLATFORM_KIND_NAMES.map((name) => [name, kindOf(PLATFORM_FAMILIES[name])]),
) as Readonly<Record<PlatformKind, Kind>>;
